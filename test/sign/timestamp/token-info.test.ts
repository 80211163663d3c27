import { expect, test } from 'vitest';
import { berTags, toTagged } from '../../../src/lib/ber.ts';
import { parseTimestampInfo, readTime } from '../../../src/sign/timestamp/token-info.ts';

const sha256 = Buffer.from('608648016503040201', 'hex');
const sequence = (...parts: readonly Buffer[]) => toTagged(berTags.sequence, Buffer.concat(parts));
const time = (text: string) => toTagged(berTags.generalizedTime, Buffer.from(text));
const truth = (octet: number) => toTagged(berTags.boolean, Buffer.of(octet));

/** A TSTInfo with these fields after its serial number. */
function info(...fields: readonly Buffer[]): Buffer {
  const imprint = sequence(sequence(toTagged(berTags.oid, sha256)), toTagged(berTags.octetString, Buffer.alloc(32)));
  return sequence(
    toTagged(berTags.integer, Buffer.of(1)),
    toTagged(berTags.oid, Buffer.of(0x2a, 3)),
    imprint,
    toTagged(berTags.integer, Buffer.of(7)),
    ...fields,
  );
}

const at = time('20260601120000Z');
const extension = (octet: number) =>
  toTagged(0xa1, sequence(toTagged(berTags.oid, Buffer.of(0x2a, 3)), truth(octet), toTagged(0x04, Buffer.of())));

test.each<[string, Buffer, string]>([
  ['in whole seconds', info(at), '2026-06-01T12:00:00.000Z'],
  ['with an order', info(at, truth(0xff)), '2026-06-01T12:00:00.000Z'],
  ['with a fraction, which is cut off', info(time('20260601120000.1239Z')), '2026-06-01T12:00:00.123Z'],
  ['with a fraction of ten digits', info(time('20260601120000.0000000001Z')), '2026-06-01T12:00:00.000Z'],
  ['with an extension that is not critical', info(at, extension(0)), '2026-06-01T12:00:00.000Z'],
])('a time %s is read', (_, bytes, expected) => {
  expect(parseTimestampInfo(bytes).time.toISOString()).toBe(expected);
});

test.each<[string, Buffer, RegExp]>([
  ['an order that is neither true nor false', info(at, truth(1)), /BOOLEAN/],
  ['a critical extension', info(at, extension(0xff)), /critical extension 1\.2\.3/],
  ['an extension that is half critical', info(at, extension(1)), /BOOLEAN/],
  ['a time without its zone', info(time('20260601120000')), /none in UTC/],
  ['a field more', info(at, toTagged(0x04, Buffer.of())), /not known/],
  ['a longer length than it needs', Buffer.concat([Buffer.of(0x30, 0x81), info(at).subarray(1)]), /not in DER/],
])('what has %s is refused', (_, bytes, reason) => {
  expect(() => parseTimestampInfo(bytes)).toThrow(reason);
});

test.each(['.50', '.0', '.', ',5'])('a fraction %s is none that RFC 3161 allows', (fraction) => {
  expect(() => readTime(`20260601120000${fraction}Z`)).toThrow('none in UTC');
});
