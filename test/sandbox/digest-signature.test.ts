import { constants, createHash, type KeyObject, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { generateKeys, type KeyType } from '../../src/sandbox/certificate.ts';
import { type SigningAlgorithm, signDigest } from '../../src/sandbox/key-vault/digest-signature.ts';

const message = Buffer.from('what is signed');

describe('a signature of a digest is one of its message', () => {
  it.each<[KeyType, SigningAlgorithm, number]>([
    ['P-256', 'ES256', 300],
    ['P-384', 'ES384', 40],
    ['P-521', 'ES512', 40],
  ])('with %s and %s', async (keyType, algorithm, rounds) => {
    const { privateKey, publicKey } = await generateKeys(keyType);
    // Often enough to meet r or s with a leading zero byte, which must be kept.
    for (let round = 0; round < rounds; round++) {
      const text = Buffer.from(`${message} ${round}`);
      const signature = signDigest(algorithm, digest(algorithm, text), privateKey);
      expect(verify(hash(algorithm), text, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature)).toBe(true);
    }
  });

  it.each<SigningAlgorithm>(['PS256', 'PS384', 'PS512', 'RS256', 'RS384', 'RS512'])('with RSA and %s', async (algorithm) => {
    const { privateKey, publicKey } = await generateKeys('RSA-2048');
    const signature = signDigest(algorithm, digest(algorithm, message), privateKey);
    expect(verify(hash(algorithm), message, toVerifier(algorithm, publicKey), signature)).toBe(true);
    expect(verify(hash(algorithm), Buffer.from('something else'), toVerifier(algorithm, publicKey), signature)).toBe(false);
  });
});

function toVerifier(algorithm: SigningAlgorithm, key: KeyObject) {
  return algorithm.startsWith('PS')
    ? { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
    : { key, padding: constants.RSA_PKCS1_PADDING };
}

function hash(algorithm: SigningAlgorithm): string {
  return `sha${algorithm.slice(2)}`;
}

function digest(algorithm: SigningAlgorithm, text: Buffer): Buffer {
  return createHash(hash(algorithm)).update(text).digest();
}
