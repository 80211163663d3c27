import { isUtf8 } from 'node:buffer';
import { decode, encode, Tagged, Tokenizer, Type } from 'cborg';
import type { SignatureAlgorithm } from '../../model/signer.ts';
import {
  damaged,
  type Envelope,
  type EnvelopeDraft,
  headerNames,
  parsePayload,
  payloadMediaType,
  type SignedContent,
  toPayload,
} from './envelope-content.ts';
import { parseHeader, toCritical } from './envelope-header.ts';

/**
 * A tagged COSE_Sign1 (RFC 9052, 4.2) in deterministic CBOR, under the scheme `notary.x509`.
 * https://github.com/notaryproject/specifications/blob/v1.1.0/specs/signature-envelope-cose.md
 */
export function draftCose(content: SignedContent): EnvelopeDraft {
  const { algorithm, signingTime, expiry, attributes } = content;
  const header = new Map<string | number, unknown>([
    [labels.algorithm, coseAlgorithms[algorithm]],
    [labels.critical, toCritical(content)],
    [labels.contentType, payloadMediaType],
    [headerNames.scheme, 'notary.x509'],
    [headerNames.time, toTime(signingTime)],
    ...(expiry ? [[headerNames.expiry, toTime(expiry)] as const] : []),
    ...attributes.map(({ name, value }) => [name, value] as const),
  ]);
  const protectedBytes = encode(header);
  const payload = toPlain(toPayload(content));
  return {
    signingInput: toSigStructure(protectedBytes, payload),
    complete: (signature, { certificateChain, agent, timestamp }) => {
      const unprotectedHeader = new Map<string | number, unknown>([
        [labels.certificates, certificateChain.map(toPlain)],
        ...(agent === undefined ? [] : [[headerNames.agent, agent] as const]),
        ...(timestamp === undefined ? [] : [[headerNames.timestamp, toPlain(timestamp)] as const]),
      ]);
      return encode(new Tagged(sign1Tag, [protectedBytes, unprotectedHeader, payload, toPlain(signature)]));
    },
  };
}

/** Throws a StepError with code `envelope` or `critical-header`. */
export function parseCose(bytes: Uint8Array): Envelope {
  if (bytes[0] !== 0xc0 + sign1Tag) throw damaged('it is no tagged COSE_Sign1');
  const message = parseCbor('envelope', bytes.subarray(1));
  const [protectedBytes, unprotectedHeader, payload, signature] =
    Array.isArray(message) && message.length === 4 ? (message as unknown[]) : [];
  if (!isBytes(protectedBytes) || !(unprotectedHeader instanceof Map) || !isBytes(payload) || !isBytes(signature))
    throw damaged('it is no COSE_Sign1 with a payload: four items, the second a map and the others byte strings');
  const header = parseCbor('protected header', protectedBytes, times);
  if (!(header instanceof Map)) throw damaged('its protected header is no map');
  verifyLabels(header, unprotectedHeader);
  const rest = new Map(header);
  const [algorithm, critical, contentType] = [labels.algorithm, labels.critical, labels.contentType].map((label) => {
    rest.delete(label);
    return header.get(label);
  });
  return {
    mediaType: 'application/cose',
    ...parseHeader({ algorithm: algorithmNames.get(algorithm), contentType, critical, rest, readTime }),
    ...parsePayload(payload),
    signingInput: toSigStructure(protectedBytes, payload),
    signature,
    certificateChain: readCertificates(unprotectedHeader.get(labels.certificates)),
    agent: readOptional(unprotectedHeader, headerNames.agent, (value) => typeof value === 'string'),
    timestamp: readOptional(unprotectedHeader, headerNames.timestamp, isBytes),
  };
}

/** RFC 9052, 4.4: without external data. */
function toSigStructure(protectedBytes: Uint8Array, payload: Uint8Array): Uint8Array {
  return encode(['Signature1', protectedBytes, new Uint8Array(), payload]);
}

function verifyLabels(header: ReadonlyMap<unknown, unknown>, unprotectedHeader: ReadonlyMap<unknown, unknown>): void {
  for (const label of [...header.keys(), ...unprotectedHeader.keys()])
    if (typeof label !== 'string' && typeof label !== 'number') throw damaged('a label of its headers is neither a text nor a number');
  if ([...unprotectedHeader.keys()].some((label) => label === labels.critical || header.has(label)))
    throw damaged('a header is given twice, signed and unsigned');
  for (const [label, value] of [...header, ...unprotectedHeader])
    if (refusedLabels.has(label) || (label === labels.keyId && !isBytes(value)))
      throw damaged(`its header ${label} has no place in such a signature`);
}

/** RFC 9360 allows one certificate without an array; the Notary Project does not. */
function readCertificates(value: unknown): readonly Uint8Array[] {
  if (!Array.isArray(value) || value.length < 1 || value.length > 32 || !value.every(isBytes))
    throw damaged('its header x5chain (33) is no array of 1 to 32 certificates');
  return value;
}

function readOptional<Value>(
  header: ReadonlyMap<unknown, unknown>,
  name: string,
  is: (value: unknown) => value is Value,
): Value | undefined {
  const value = header.get(name);
  if (value === undefined || is(value)) return value;
  throw damaged(`its header ${name} is of a wrong type`);
}

/**
 * One item of CBOR (RFC 8949) that readers cannot take differently: shortest forms, lengths told, no key twice, no float that could pass for an integer,
 * text in UTF-8, no tags but those given, and not so many items that one inside the other could exhaust the stack.
 */
function parseCbor(part: string, bytes: Uint8Array, tags: NonNullable<Parameters<typeof decode>[1]>['tags'] = {}): unknown {
  const options = { strict: true, allowIndefinite: false, allowUndefined: false, useMaps: true, rejectDuplicateMapKeys: true, tags };
  try {
    if (bytes.length > maxBytes) throw new Error(`more than ${maxBytes} bytes`);
    return decode(toPlain(bytes), { ...options, tokenizer: new StrictTokenizer(toPlain(bytes), { ...options, retainStringBytes: true }) });
  } catch (error) {
    throw damaged(`its ${part} is no CBOR that reads in one way only (${error instanceof Error ? error.message : 'unreadable'})`);
  }
}

class StrictTokenizer extends Tokenizer {
  #count = 0;

  override next() {
    const token = super.next();
    this.#count += 1;
    if (this.#count > maxItems) throw new Error(`more than ${maxItems} items`);
    if (Type.equals(token.type, Type.float)) throw new Error('a number that is no integer');
    if (Type.equals(token.type, Type.string) && !isUtf8(token.byteValue ?? Buffer.from(token.value)))
      throw new Error('text that is not UTF-8');
    return token;
  }
}

/** Tag 1, seconds since 1970 (RFC 8949, 3.4.2). Another type keeps a bare number from passing for a time. */
const times = { 1: (read: () => unknown) => new EpochTime(read()) };

class EpochTime {
  readonly seconds: unknown;

  constructor(seconds: unknown) {
    this.seconds = seconds;
  }
}

function readTime(value: unknown): Date | undefined {
  const seconds = value instanceof EpochTime ? value.seconds : undefined;
  if (typeof seconds !== 'number' || seconds < 0 || seconds > maxSeconds) return undefined;
  return new Date(seconds * 1000);
}

function toTime(time: Date): Tagged {
  return new Tagged(1, Math.floor(time.getTime() / 1000));
}

function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array;
}

/** cborg writes a Buffer as something else. */
function toPlain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** RFC 9052, table 3; RFC 9360, table 1. */
const labels = { algorithm: 1, critical: 2, contentType: 3, keyId: 4, certificates: 33 } as const;
/** Initialisation vectors, countersignatures and the type of the message (RFC 9052, 9338 and 9596), which readers hold against rules of their own. */
const refusedLabels: ReadonlySet<unknown> = new Set([5, 6, 7, 9, 11, 12, 16]);
const sign1Tag = 18;
const maxBytes = 4 * 1024 * 1024;
const maxItems = 1000;
/** The end of the year 9999. */
const maxSeconds = 253_402_300_799;

/** RFC 9053, table 1, and RFC 8230, table 1. */
const coseAlgorithms: Readonly<Record<SignatureAlgorithm, number>> = {
  PS256: -37,
  PS384: -38,
  PS512: -39,
  ES256: -7,
  ES384: -35,
  ES512: -36,
};
const algorithmNames: ReadonlyMap<unknown, string> = new Map(Object.entries(coseAlgorithms).map(([name, id]) => [id, name]));
