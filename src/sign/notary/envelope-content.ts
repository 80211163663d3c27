import * as v from 'valibot';
import { parseStrictJson, type StrictJsonLimits } from '../../lib/strict-json.ts';
import { isDigest } from '../../model/digest.ts';
import type { Descriptor } from '../../model/image.ts';
import type { SignatureAlgorithm } from '../../model/signer.ts';
import { type SignatureErrorCode, signatureError } from '../signature-error.ts';

/** https://github.com/notaryproject/specifications/blob/v1.1.0/specs/signature-specification.md#supported-signature-envelopes */
export type EnvelopeMediaType = 'application/jose+json' | 'application/cose';

/** Both envelopes are over such JSON: https://github.com/notaryproject/specifications/blob/v1.1.0/specs/signature-specification.md#payload */
export const payloadMediaType = 'application/vnd.cncf.notary.payload.v1+json';

/** Signed and unsigned attributes have the same names in both envelopes. */
export const headerNames = {
  scheme: 'io.cncf.notary.signingScheme',
  time: 'io.cncf.notary.signingTime',
  authenticTime: 'io.cncf.notary.authenticSigningTime',
  expiry: 'io.cncf.notary.expiry',
  plugin: 'io.cncf.notary.verificationPlugin',
  agent: 'io.cncf.notary.signingAgent',
  timestamp: 'io.cncf.notary.timestampSignature',
} as const;

export type SignedSubject = Pick<Descriptor, 'mediaType' | 'digest' | 'size'>;
export type SigningScheme = 'notary.x509' | 'notary.x509.signingAuthority';

/** An extended signed attribute: a header of the writer's own. None is critical, for whoever does not know such a one must refuse the signature. */
export interface SignedAttribute {
  /** A number only in COSE. */
  readonly name: string | number;
  readonly value: unknown;
}

/** What a signature is over. */
export interface SignedContent {
  readonly algorithm: SignatureAlgorithm;
  readonly subject: SignedSubject;
  /** User-defined: the annotations of `targetArtifact`. */
  readonly metadata: ReadonlyMap<string, string>;
  /** As the signer claims, or under `notary.x509.signingAuthority` as the authority does. */
  readonly signingTime: Date;
  readonly expiry: Date | undefined;
  readonly attributes: readonly SignedAttribute[];
}

/** What is told beside it. */
export interface UnsignedContent {
  /** DER, leaf first. */
  readonly certificateChain: readonly Uint8Array[];
  /** Whatever the writer called itself. */
  readonly agent: string | undefined;
  /** An RFC 3161 token over `signature`, DER; not verified. */
  readonly timestamp: Uint8Array | undefined;
}

/** A Notary Project signature of either form, read strictly and not verified. */
export interface Envelope extends SignedContent, UnsignedContent {
  readonly mediaType: EnvelopeMediaType;
  readonly scheme: SigningScheme;
  /** What the signature is over, and the signature: for ECDSA r || s. */
  readonly signingInput: Uint8Array;
  readonly signature: Uint8Array;
}

/** An envelope that lacks its signature. */
export interface EnvelopeDraft {
  /** What is to be signed. */
  readonly signingInput: Uint8Array;
  complete(signature: Uint8Array, unsigned: UnsignedContent): Uint8Array;
}

/** The payload; the members of a descriptor in the order that notation gives them. */
export function toPayload({ subject: { mediaType, digest, size }, metadata }: SignedContent): Uint8Array {
  const annotations = metadata.size > 0 ? { annotations: Object.fromEntries(metadata) } : {};
  return Buffer.from(JSON.stringify({ targetArtifact: { mediaType, digest, size, ...annotations } }));
}

export function parsePayload(bytes: Uint8Array): Pick<SignedContent, 'subject' | 'metadata'> {
  const {
    annotations = {},
    mediaType,
    digest,
    size,
  } = parsePart(payloadShape, 'payload', parseJson('payload', bytes, { isIntegral: true })).targetArtifact;
  return { subject: { mediaType, digest, size }, metadata: new Map(Object.entries(annotations)) };
}

export function parseJson(part: string, bytes: Uint8Array, limits: StrictJsonLimits = {}): unknown {
  try {
    return parseStrictJson(bytes, limits);
  } catch (error) {
    throw damaged(`its ${part} is no JSON that reads in one way only (${error instanceof Error ? error.message : 'unreadable'})`);
  }
}

/** Throws where `value` is not of the shape, with the place where it is not. */
export function parsePart<Shape extends v.GenericSchema>(shape: Shape, part: string, value: unknown): v.InferOutput<Shape> {
  const result = v.safeParse(shape, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw damaged(`its ${part} has a wrong value at ${v.getDotPath(issue) ?? 'its top'}: ${issue.message}`);
}

export function damaged(reason: string, code: SignatureErrorCode = 'envelope') {
  return signatureError(
    code,
    `Cannot read the Notary Project signature: ${reason}`,
    'Sign the image again; a signature that was changed on its way counts as none.',
  );
}

/** Nothing else may be in it: other members of a descriptor would be read by some and not by others. */
const payloadShape = v.strictObject({
  targetArtifact: v.strictObject({
    mediaType: v.string(),
    digest: v.custom<Descriptor['digest']>(isDigest, 'a sha256 digest is expected'),
    size: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
    annotations: v.optional(v.record(v.string(), v.string())),
  }),
});
