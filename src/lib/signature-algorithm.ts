import { constants, createPublicKey, type KeyObject, verify } from 'node:crypto';

/** By JWA name (RFC 7518); the same names as `SignatureAlgorithm` of the model, which this folder does not import. */
export type AlgorithmName = 'PS256' | 'PS384' | 'PS512' | 'ES256' | 'ES384' | 'ES512';

/** RSA with PKCS#1 v1.5, which any RSA key can be asked for. */
export type Pkcs1Name = 'RS256' | 'RS384' | 'RS512';

/** The only kind of key that an algorithm is for. */
export type AlgorithmKey =
  | { readonly kind: 'rsa'; readonly bits: number }
  | { readonly kind: 'ec'; readonly curve: string; readonly coordinateBytes: number };

/**
 * Which key signs with which algorithm; nothing else is allowed.
 * https://github.com/notaryproject/specifications/blob/v1.1.0/specs/signature-specification.md#algorithm-selection
 */
export const signatureAlgorithms: Readonly<Record<AlgorithmName, AlgorithmKey>> = {
  PS256: { kind: 'rsa', bits: 2048 },
  PS384: { kind: 'rsa', bits: 3072 },
  PS512: { kind: 'rsa', bits: 4096 },
  ES256: { kind: 'ec', curve: 'prime256v1', coordinateBytes: 32 },
  ES384: { kind: 'ec', curve: 'secp384r1', coordinateBytes: 48 },
  ES512: { kind: 'ec', curve: 'secp521r1', coordinateBytes: 66 },
};

/** What `signatureAlgorithmOf` accepts, for messages. */
export const acceptedKeys = 'RSA of 2048, 3072 or 4096 bits, or EC on P-256, P-384 or P-521';

/** The one algorithm that a key (public or private) signs with; undefined where the Notary Project allows none. */
export function signatureAlgorithmOf(key: KeyObject): AlgorithmName | undefined {
  for (const [name, facts] of Object.entries(signatureAlgorithms)) {
    const matches =
      facts.kind === 'rsa'
        ? key.asymmetricKeyType === 'rsa' && key.asymmetricKeyDetails?.modulusLength === facts.bits
        : key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === facts.curve;
    if (matches) return name as AlgorithmName;
  }
  return undefined;
}

/** The key in the DER of a SubjectPublicKeyInfo (RFC 5280, 4.1). Throws where it has none. */
export function toPublicKey(der: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.from(der), format: 'der', type: 'spki' });
}

/** `RSA 1024`, `EC secp256k1`, `ed25519`: how a message names a key. */
export function keyText(key: KeyObject): string {
  const details = key.asymmetricKeyDetails;
  if (key.asymmetricKeyType === 'rsa') return `RSA ${details?.modulusLength}`;
  if (key.asymmetricKeyType === 'ec') return `EC ${details?.namedCurve ?? 'with explicit parameters'}`;
  return key.asymmetricKeyType ?? 'unknown';
}

/** Whether `signature` is one of `message` by `key`, in the form of JWS (RFC 7518, 3.4 and 3.5: r || s; the salt as long as the hash). */
export function isSignature(algorithm: AlgorithmName | Pkcs1Name, key: KeyObject, message: Uint8Array, signature: Uint8Array): boolean {
  const own = signatureAlgorithmOf(key);
  if (own === undefined) return false;
  const facts = signatureAlgorithms[own];
  const isFit = isPkcs1(algorithm) ? facts.kind === 'rsa' : algorithm === own;
  const lengthBytes = facts.kind === 'rsa' ? facts.bits / 8 : facts.coordinateBytes * 2;
  if (!isFit || signature.length !== lengthBytes) return false;
  return verify(hashOf(algorithm), message, { key, ...signatureForm(algorithm) }, signature);
}

function isPkcs1(algorithm: AlgorithmName | Pkcs1Name): algorithm is Pkcs1Name {
  return algorithm.startsWith('RS');
}

/** The hash of an algorithm, which is in its name. */
export function hashOf(algorithm: AlgorithmName | Pkcs1Name): 'sha256' | 'sha384' | 'sha512' {
  return `sha${algorithm.slice(2) as '256' | '384' | '512'}`;
}

/** How node:crypto is told of the form of a signature, for signing and verifying alike. */
export function signatureForm(algorithm: AlgorithmName | Pkcs1Name) {
  if (isPkcs1(algorithm)) return { padding: constants.RSA_PKCS1_PADDING };
  return algorithm.startsWith('PS')
    ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
    : { dsaEncoding: 'ieee-p1363' as const };
}
