import {
  constants,
  createECDH,
  createHash,
  createPublicKey,
  type JsonWebKey,
  type KeyObject,
  privateEncrypt,
  randomBytes,
} from 'node:crypto';

export type SigningAlgorithm = 'RS256' | 'RS384' | 'RS512' | 'PS256' | 'PS384' | 'PS512' | 'ES256' | 'ES384' | 'ES512';

/** Bytes of the digest that each algorithm signs (RFC 7518, section 3.1). */
export function digestBytes(algorithm: SigningAlgorithm): number {
  return Number(algorithm.slice(2)) / 8;
}

/** Curve that an ECDSA algorithm belongs to (RFC 7518, section 3.4). */
export function curveOf(algorithm: SigningAlgorithm): 'P-256' | 'P-384' | 'P-521' | undefined {
  return algorithm === 'ES256' ? 'P-256' : algorithm === 'ES384' ? 'P-384' : algorithm === 'ES512' ? 'P-521' : undefined;
}

/**
 * Signs a digest, as a vault does: it never sees the message. Node signs messages only, so the last step of each scheme is done here.
 * The answer is as JWS has it: ECDSA as r || s. Not constant in time; the keys are throw-away ones.
 */
export function signDigest(algorithm: SigningAlgorithm, digest: Buffer, key: KeyObject): Buffer {
  switch (algorithm.slice(0, 2)) {
    case 'ES':
      return signEcdsa(digest, key.export({ format: 'jwk' }));
    case 'PS':
      return privateEncrypt({ key, padding: constants.RSA_NO_PADDING }, encodePss(algorithm, digest, modulusBits(key)));
    default:
      return privateEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, encodeDigestInfo(algorithm, digest));
  }
}

/** DigestInfo of RFC 8017, section 9.2, note 1. */
function encodeDigestInfo(algorithm: SigningAlgorithm, digest: Buffer): Buffer {
  const hashId = { 32: 0x01, 48: 0x02, 64: 0x03 }[digest.length] ?? 0;
  const length = digest.length;
  const prefix = [0x30, 17 + length, 0x30, 13, 0x06, 9, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, hashId, 0x05, 0x00, 0x04, length];
  if (length !== digestBytes(algorithm)) {
    throw new Error(`${algorithm} does not sign ${length} bytes`);
  }
  return Buffer.concat([Buffer.from(prefix), digest]);
}

/** EMSA-PSS-ENCODE of RFC 8017, section 9.1.1, the salt as long as the hash. */
function encodePss(algorithm: SigningAlgorithm, digest: Buffer, bits: number): Buffer {
  const hash = `sha${algorithm.slice(2)}`;
  const salt = randomBytes(digest.length);
  const sizeBytes = Math.ceil((bits - 1) / 8);
  const seed = createHash(hash)
    .update(Buffer.concat([Buffer.alloc(8), digest, salt]))
    .digest();
  const block = Buffer.concat([Buffer.alloc(sizeBytes - salt.length - seed.length - 2), Buffer.from([1]), salt]);
  const mask = maskGeneration(hash, seed, block.length);
  const masked = block.map((byte, index) => byte ^ (mask[index] ?? 0));
  // The leftmost bits beyond the modulus must be zero.
  masked[0] = (masked[0] ?? 0) & (0xff >> (8 * sizeBytes - (bits - 1)));
  return Buffer.concat([masked, seed, Buffer.from([0xbc])]);
}

/** MGF1 of RFC 8017, appendix B.2.1. */
function maskGeneration(hash: string, seed: Buffer, sizeBytes: number): Buffer {
  const blocks: Buffer[] = [];
  for (let counter = 0; Buffer.concat(blocks).length < sizeBytes; counter++) {
    const count = Buffer.alloc(4);
    count.writeUInt32BE(counter);
    blocks.push(createHash(hash).update(seed).update(count).digest());
  }
  return Buffer.concat(blocks).subarray(0, sizeBytes);
}

function modulusBits(key: KeyObject): number {
  return createPublicKey(key).asymmetricKeyDetails?.modulusLength ?? 0;
}

interface Curve {
  readonly openssl: string;
  readonly sizeBytes: number;
  readonly order: bigint;
}

/** Orders of the base points: SEC 2, version 2.0, sections 2.4.2, 2.5.1 and 2.6.1. */
const curves: Readonly<Record<string, Curve>> = {
  'P-256': {
    openssl: 'prime256v1',
    sizeBytes: 32,
    order: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  },
  'P-384': {
    openssl: 'secp384r1',
    sizeBytes: 48,
    order: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
  },
  'P-521': {
    openssl: 'secp521r1',
    sizeBytes: 66,
    order:
      0x01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
  },
};

/** FIPS 186-5, section 6.4.1. */
function signEcdsa(digest: Buffer, jwk: JsonWebKey): Buffer {
  const curve = curves[jwk.crv ?? ''];
  if (curve === undefined || jwk.d === undefined) {
    throw new Error(`no such curve: ${jwk.crv}`);
  }
  const { order, sizeBytes } = curve;
  // No digest of SHA-2 is longer than the order of the curve that its algorithm belongs to.
  const e = toInteger(digest);
  const d = toInteger(Buffer.from(jwk.d, 'base64url'));
  for (;;) {
    const k = randomScalar(curve);
    const point = createECDH(curve.openssl);
    point.setPrivateKey(toBytes(k, sizeBytes));
    const r = toInteger(point.getPublicKey().subarray(1, 1 + sizeBytes)) % order;
    const s = (invert(k, order) * (e + r * d)) % order;
    if (r !== 0n && s !== 0n) {
      return Buffer.concat([toBytes(r, sizeBytes), toBytes(s, sizeBytes)]);
    }
  }
}

function randomScalar({ order, sizeBytes }: Curve): bigint {
  for (;;) {
    const k = toInteger(randomBytes(sizeBytes)) & ((1n << BigInt(order.toString(2).length)) - 1n);
    if (k > 0n && k < order) {
      return k;
    }
  }
}

/** The inverse modulo a prime, by Fermat's little theorem. */
function invert(value: bigint, prime: bigint): bigint {
  let [result, base, exponent] = [1n, value % prime, prime - 2n];
  while (exponent > 0n) {
    if ((exponent & 1n) === 1n) {
      result = (result * base) % prime;
    }
    base = (base * base) % prime;
    exponent >>= 1n;
  }
  return result;
}

function toInteger(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString('hex') || '0'}`);
}

function toBytes(value: bigint, sizeBytes: number): Buffer {
  return Buffer.from(value.toString(16).padStart(2 * sizeBytes, '0'), 'hex');
}
