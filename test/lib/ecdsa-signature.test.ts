import { generateKeyPairSync, sign, verify } from 'node:crypto';
import { expect, test } from 'vitest';
import { toDerSignature } from '../../src/lib/ecdsa-signature.ts';

test.each([
  ['prime256v1', 'sha256', 10_000],
  ['secp384r1', 'sha384', 600],
  ['secp521r1', 'sha512', 600],
] as const)('on %s every signature verifies in DER: leading zeros and high bits come up by chance', (namedCurve, hash, count) => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve });
  const lengths = new Set<number>();
  for (let at = 0; at < count; at += 1) {
    const message = Buffer.from(`message ${at}`);
    const der = toDerSignature(sign(hash, message, { key: privateKey, dsaEncoding: 'ieee-p1363' }));
    lengths.add(der.length);
    if (!verify(hash, message, { key: publicKey, dsaEncoding: 'der' }, der))
      throw new Error(`signature ${at} is wrong: ${Buffer.from(der).toString('hex')}`);
  }
  // Both parts with and without a leading zero.
  expect(lengths.size).toBeGreaterThan(2);
});

test.each([
  ['a high bit gets a zero before it', '80', '01', '300702020080020101'],
  ['leading zeros go', '0001', '0080', '3007020101020200' + '80'],
  ['nothing but zeros stays one zero', '0000', '007f', '300602010002017f'],
])('%s', (_, r, s, der) => {
  expect(Buffer.from(toDerSignature(Buffer.from(r + s, 'hex'))).toString('hex')).toBe(der);
});

test('the long form of a length is used from 128 bytes on', () => {
  const der = Buffer.from(toDerSignature(Buffer.alloc(132, 0x7f)));
  expect(der.subarray(0, 5).toString('hex')).toBe('3081880242');
});
