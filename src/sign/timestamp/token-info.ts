import { type BerElement, BerFields, berTags, readChildren, readInteger, readOid } from '../../lib/ber.ts';
import { readDer, readDerBoolean } from '../../lib/der.ts';

/** What an authority attests: a TSTInfo (RFC 3161, 2.4.2). */
export interface TimestampInfo {
  readonly policy: string;
  /** OID. */
  readonly imprintAlgorithm: string;
  /** The hash of what was there at `time`. */
  readonly imprint: Buffer;
  readonly time: Date;
  /** `time` is right within so many milliseconds. */
  readonly accuracyMs: number;
  readonly nonce: bigint | undefined;
}

/** Throws an Error where the bytes are none. */
export function parseTimestampInfo(bytes: Uint8Array): TimestampInfo {
  const fields = new BerFields(readDer(bytes));
  if (readInteger(fields.take(berTags.integer)) !== 1n) throw new Error('its TSTInfo is not of version 1');
  const policy = readOid(fields.take(berTags.oid));
  const imprint = new BerFields(fields.take(berTags.sequence));
  const imprintAlgorithm = readOid(new BerFields(imprint.take(berTags.sequence)).take(berTags.oid));
  const hash = imprint.take(berTags.octetString).content;
  imprint.end();
  readInteger(fields.take(berTags.integer));
  const time = readTime(fields.take(berTags.generalizedTime).content.toString('latin1'));
  const accuracyMs = readAccuracy(fields.takeOptional(berTags.sequence)) ?? (policy === baselinePolicy ? 1000 : 0);
  const ordering = fields.takeOptional(berTags.boolean);
  if (ordering !== undefined) readDerBoolean(ordering);
  const nonce = fields.takeOptional(berTags.integer);
  fields.takeOptional(0xa0);
  refuseCritical(fields.takeOptional(0xa1));
  fields.end();
  return { policy, imprintAlgorithm, imprint: hash, time, accuracyMs, nonce: nonce && readInteger(nonce) };
}

/** A GeneralizedTime as RFC 3161 (2.4.2) has it: in UTC, with seconds, and no zeros at the end of a fraction. What is below a millisecond is cut off. */
export function readTime(given: string): Date {
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d*[1-9]))?Z$/.exec(given);
  const [, year, month, day, hour, minute, second, fraction = ''] = match ?? [];
  const text = `${year}-${month}-${day}T${hour}:${minute}:${second}.${fraction.slice(0, 3).padEnd(3, '0')}Z`;
  const time = new Date(text);
  // Date takes 30 February for 1 March.
  if (match === null || Number.isNaN(time.getTime()) || time.toISOString() !== text) throw new Error('its time is none in UTC');
  return time;
}

/** Rounded up to whole milliseconds; undefined where nothing is said, or zero, which is the same for notation. */
function readAccuracy(element: BerElement | undefined): number | undefined {
  if (element === undefined) return undefined;
  const fields = new BerFields(element);
  const seconds = fields.takeOptional(berTags.integer);
  const [millis, micros] = [0x80, 0x81].map((tag) => {
    const part = fields.takeOptional(tag);
    return part === undefined ? 0 : toPart({ ...part, tag: berTags.integer }, 999);
  });
  fields.end();
  const wholeMs = seconds === undefined ? 0 : toPart(seconds, maxAccuracySeconds) * 1000;
  return wholeMs + (millis ?? 0) + Math.ceil((micros ?? 0) / 1000) || undefined;
}

/** A year; whoever is less sure of the time attests nothing. */
const maxAccuracySeconds = 366 * 86_400;

function toPart(element: BerElement, max: number): number {
  const value = Number(readInteger(element));
  if (value < 0 || value > max) throw new Error('its accuracy is out of range');
  return value;
}

function refuseCritical(extensions: BerElement | undefined): void {
  for (const extension of extensions === undefined ? [] : readChildren(extensions)) {
    const fields = new BerFields(extension);
    const id = readOid(fields.take(berTags.oid));
    const isCritical = fields.takeOptional(berTags.boolean);
    if (isCritical !== undefined && readDerBoolean(isCritical)) throw new Error(`its critical extension ${id} is not known`);
  }
}

/**
 * ETSI's policy, which promises a second where nothing else is said.
 * https://github.com/notaryproject/specifications/blob/main/specs/trust-store-trust-policy.md#steps
 */
const baselinePolicy = '0.4.0.2023.1.1';
