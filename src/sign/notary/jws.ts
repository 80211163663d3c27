import * as v from 'valibot';
import { findCaseVariant } from '../../lib/strict-json.ts';
import { toTimeText } from '../../lib/time-text.ts';
import {
  damaged,
  type Envelope,
  type EnvelopeDraft,
  headerNames,
  parseJson,
  parsePart,
  parsePayload,
  payloadMediaType,
  type SignedContent,
  toPayload,
} from './envelope-content.ts';
import { parseHeader, toCritical } from './envelope-header.ts';

/**
 * A JWS in the flattened JSON serialisation (RFC 7515, 7.2.2), under the scheme `notary.x509`.
 * https://github.com/notaryproject/specifications/blob/v1.1.0/specs/signature-envelope-jws.md
 */
export function draftJws(content: SignedContent): EnvelopeDraft {
  const { algorithm, signingTime, expiry, attributes } = content;
  const header = {
    alg: algorithm,
    cty: payloadMediaType,
    crit: toCritical(content),
    [headerNames.scheme]: 'notary.x509',
    [headerNames.time]: toTimeText(signingTime),
    ...(expiry && { [headerNames.expiry]: toTimeText(expiry) }),
    ...Object.fromEntries(attributes.map(({ name, value }) => [name, value])),
  };
  const protectedPart = Buffer.from(JSON.stringify(header)).toString('base64url');
  const payload = Buffer.from(toPayload(content)).toString('base64url');
  return {
    signingInput: Buffer.from(`${protectedPart}.${payload}`, 'latin1'),
    complete: (signature, { certificateChain, agent, timestamp }) =>
      Buffer.from(
        JSON.stringify({
          payload,
          protected: protectedPart,
          header: {
            ...(timestamp && { [headerNames.timestamp]: toBase64(timestamp) }),
            x5c: certificateChain.map(toBase64),
            [headerNames.agent]: agent,
          },
          signature: Buffer.from(signature).toString('base64url'),
        }),
      ),
  };
}

/** Throws a StepError with code `envelope` or `critical-header`. */
export function parseJws(bytes: Uint8Array): Envelope {
  const outer = parsePart(envelopeShape, 'envelope', parseJson('envelope', bytes));
  const protectedBytes = readBase64('base64url', 'protected', outer.protected);
  const header = parsePart(protectedShape, 'protected header', parseJson('protected header', protectedBytes));
  if (Object.keys(outer.header).some((name) => name === 'crit' || Object.hasOwn(header, name)))
    throw damaged('a header is given twice, signed and unsigned');
  // Go's reader takes names in any case.
  const variant = findCaseVariant({ ...header, ...outer.header }, knownNames);
  if (variant !== undefined) throw damaged(`its header ${JSON.stringify(variant.slice(0, 100))} is written in another case`);
  const { alg, cty, crit, ...rest } = header;
  // Go's reader takes no escapes in a time.
  const readPlainTime = (value: unknown) => (protectedBytes.includes(JSON.stringify(value)) ? readTime(value) : undefined);
  const signed = parseHeader({
    algorithm: alg,
    contentType: cty,
    critical: crit,
    rest: new Map(Object.entries(rest)),
    readTime: readPlainTime,
  });
  const timestamp = outer.header[headerNames.timestamp];
  return {
    mediaType: 'application/jose+json',
    ...signed,
    ...parsePayload(readBase64('base64url', 'payload', outer.payload)),
    signingInput: Buffer.from(`${outer.protected}.${outer.payload}`, 'latin1'),
    signature: readBase64('base64url', 'signature', outer.signature),
    certificateChain: outer.header.x5c.map((der) => readBase64('base64', 'x5c', der)),
    timestamp: timestamp === undefined ? undefined : readBase64('base64', headerNames.timestamp, timestamp),
    agent: outer.header[headerNames.agent],
  };
}

/** RFC 3339, of which Date takes more (days that a month has not) and less (names of time zones it knows). */
function readTime(value: unknown): Date | undefined {
  const match = typeof value === 'string' ? /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/.exec(value) : null;
  if (match === null) return undefined;
  const local = new Date(`${match[1]}Z`);
  const time = new Date(value as string);
  const isReal = !Number.isNaN(time.getTime()) && !Number.isNaN(local.getTime()) && toTimeText(local) === `${match[1]}Z`;
  return isReal ? time : undefined;
}

function readBase64(encoding: 'base64' | 'base64url', field: string, text: string): Buffer {
  const bytes = Buffer.from(text, encoding);
  if (bytes.length === 0 || bytes.toString(encoding) !== text) throw damaged(`its field ${field} is not in canonical ${encoding}`);
  return bytes;
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

const knownNames = ['alg', 'cty', 'crit', 'x5c', ...Object.values(headerNames)];

const envelopeShape = v.strictObject({
  payload: v.string(),
  protected: v.string(),
  header: v.looseObject({
    x5c: v.pipe(v.array(v.string()), v.minLength(1), v.maxLength(32)),
    [headerNames.agent]: v.optional(v.string()),
    [headerNames.timestamp]: v.optional(v.string()),
  }),
  signature: v.string(),
});
const protectedShape = v.looseObject({});
