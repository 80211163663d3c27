import * as v from 'valibot';
import { parseStrictJson } from '../../lib/strict-json.ts';
import { isDigest } from '../../model/digest.ts';
import type { Descriptor } from '../../model/image.ts';
import { signatureError } from '../signature-error.ts';

/** https://github.com/notaryproject/specifications/blob/v1.1.0/specs/signature-envelope-jws.md */
export const envelopeMediaType = 'application/jose+json';
export const payloadMediaType = 'application/vnd.cncf.notary.payload.v1+json';
export const headerNames = {
  scheme: 'io.cncf.notary.signingScheme',
  time: 'io.cncf.notary.signingTime',
  authenticTime: 'io.cncf.notary.authenticSigningTime',
  expiry: 'io.cncf.notary.expiry',
  agent: 'io.cncf.notary.signingAgent',
} as const;

export type SignedSubject = Pick<Descriptor, 'mediaType' | 'digest' | 'size'>;

export interface ProtectedHeader {
  readonly alg: string;
  readonly crit: readonly string[];
  readonly signingTime: Date;
  readonly expiry: Date | undefined;
}

export interface Envelope {
  readonly header: ProtectedHeader;
  readonly subject: SignedSubject;
  /** What the signature is over. */
  readonly signingInput: Uint8Array;
  readonly signature: Uint8Array;
  /** DER, leaf first. */
  readonly certificateChain: readonly Uint8Array[];
  /** Whatever the writer called itself; unsigned. */
  readonly agent: string | undefined;
}

/** What is to be signed: `PROTECTED.PAYLOAD` (RFC 7515, 5.1) for one subject under the scheme `notary.x509`. */
export function toSigningInput(alg: string, subject: SignedSubject, signingTime: Date, expiry: Date | undefined): string {
  const header = {
    alg,
    cty: payloadMediaType,
    crit: [headerNames.scheme, ...(expiry ? [headerNames.expiry] : [])],
    [headerNames.scheme]: 'notary.x509',
    [headerNames.time]: toTimeText(signingTime),
    ...(expiry && { [headerNames.expiry]: toTimeText(expiry) }),
  };
  const { mediaType, digest, size } = subject;
  return `${toBase64Url(header)}.${toBase64Url({ targetArtifact: { mediaType, digest, size } })}`;
}

/** The flattened JSON serialisation (RFC 7515, 7.2.2). */
export function toEnvelope(signingInput: string, signature: Uint8Array, chain: readonly Uint8Array[], agent: string): Uint8Array {
  const [header, payload] = signingInput.split('.');
  const x5c = chain.map((der) => Buffer.from(der).toString('base64'));
  return Buffer.from(
    JSON.stringify({
      payload,
      protected: header,
      header: { x5c, [headerNames.agent]: agent },
      signature: Buffer.from(signature).toString('base64url'),
    }),
  );
}

/** RFC 3339 without a fraction. */
export function toTimeText(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, 'Z');
}

/** Reads an envelope strictly; what it says is not verified. Throws a StepError with code `envelope`. */
export function parseEnvelope(bytes: Uint8Array): Envelope {
  const outer = parsePart(envelopeShape, 'envelope', bytes);
  const header = parsePart(protectedShape, 'protected header', readBase64('base64url', 'protected', outer.protected));
  if (Object.keys(outer.header).some((name) => name === 'crit' || name in header))
    throw damaged('a header is given twice, signed and unsigned');
  const payload = parsePart(payloadShape, 'payload', readBase64('base64url', 'payload', outer.payload));
  for (const name of header.crit) {
    if (name !== headerNames.scheme && name !== headerNames.expiry)
      throw damaged(`its critical header ${JSON.stringify(name)} is not known`);
  }
  if (!header.crit.includes(headerNames.scheme)) throw damaged(`${headerNames.scheme} is not marked critical`);
  const expiry = header[headerNames.expiry];
  if (header.crit.includes(headerNames.expiry) !== (expiry !== undefined))
    throw damaged(`${headerNames.expiry} must be there and critical, or neither`);
  return {
    header: {
      alg: header.alg,
      crit: header.crit,
      signingTime: new Date(header[headerNames.time]),
      expiry: expiry === undefined ? undefined : new Date(expiry),
    },
    subject: payload.targetArtifact,
    signingInput: Buffer.from(`${outer.protected}.${outer.payload}`, 'latin1'),
    signature: readBase64('base64url', 'signature', outer.signature),
    certificateChain: outer.header.x5c.map((der) => readBase64('base64', 'x5c', der)),
    agent: outer.header[headerNames.agent],
  };
}

function parsePart<Shape extends v.GenericSchema>(shape: Shape, part: string, bytes: Uint8Array): v.InferOutput<Shape> {
  let value: unknown;
  try {
    value = parseStrictJson(bytes);
  } catch (error) {
    throw damaged(`its ${part} is no JSON that reads in one way only (${error instanceof Error ? error.message : 'unreadable'})`);
  }
  const result = v.safeParse(shape, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw damaged(`its ${part} has a wrong value at ${v.getDotPath(issue) ?? 'its top'}: ${issue.message}`);
}

function readBase64(encoding: 'base64' | 'base64url', field: string, text: string): Buffer {
  const bytes = Buffer.from(text, encoding);
  if (bytes.length === 0 || bytes.toString(encoding) !== text) throw damaged(`its field ${field} is not in canonical ${encoding}`);
  return bytes;
}

function toBase64Url(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function damaged(reason: string) {
  return signatureError(
    'envelope',
    `Cannot read the Notary Project signature: ${reason}`,
    'Sign the image again; a signature that was changed on its way counts as none.',
  );
}

const time = v.pipe(v.string(), v.isoTimestamp());
const envelopeShape = v.strictObject({
  payload: v.string(),
  protected: v.string(),
  header: v.looseObject({ x5c: v.pipe(v.array(v.string()), v.minLength(1), v.maxLength(32)), [headerNames.agent]: v.optional(v.string()) }),
  signature: v.string(),
});
const protectedShape = v.looseObject({
  alg: v.string(),
  cty: v.literal(payloadMediaType),
  crit: v.array(v.string()),
  [headerNames.scheme]: v.literal('notary.x509'),
  [headerNames.time]: time,
  [headerNames.expiry]: v.optional(time),
  [headerNames.authenticTime]: v.optional(v.never()),
});
const payloadShape = v.looseObject({
  targetArtifact: v.looseObject({
    mediaType: v.string(),
    digest: v.custom<Descriptor['digest']>(isDigest, 'a sha256 digest is expected'),
    size: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  }),
});
