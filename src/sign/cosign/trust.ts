import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { keyText } from '../../lib/signature-algorithm.ts';
import { signatureError } from '../signature-error.ts';
import { isFitKey } from './fit-key.ts';
import type { CosignIdentity } from './identity.ts';
import type { TrustedRoot } from './trusted-root.ts';

/** Whose cosign signatures count: those by one of the keys, or by the key of a certificate for one of the identities. */
export interface CosignTrust {
  readonly keys: readonly CosignKey[];
  readonly identities: readonly CosignIdentity[];
  /** What certificates, logs and times are held against; asked for where there is such a signature and an identity is trusted. */
  readonly openRoot: () => Promise<TrustedRoot>;
}

export interface CosignKey {
  /** Where it was given, for messages. */
  readonly name: string;
  readonly key: KeyObject;
}

/**
 * A public key in PEM, as `cosign generate-key-pair` and `cosign public-key` write it: RSA, EC on P-256, P-384 or P-521, Ed25519. Throws a StepError of origin
 * `input`.
 */
export function parseCosignKey(name: string, pem: string): CosignKey {
  const key = readKey(name, pem);
  if (!isFitKey(key)) throw refused(name, `its key is ${keyText(key)}`);
  return { name, key };
}

function readKey(name: string, pem: string): KeyObject {
  // A private key has a public one too, and nobody should have to give it away for this.
  if (!/^\s*-----BEGIN (?:RSA )?PUBLIC KEY-----/.test(pem)) throw refused(name, 'it has to begin with -----BEGIN PUBLIC KEY-----');
  // Of several the first one would be read, and nobody would be told.
  const count = pem.match(/-----BEGIN /g)?.length ?? 0;
  if (count > 1) throw refused(name, `it has ${count} PEM blocks, and each key needs a file of its own`);
  try {
    return createPublicKey(pem);
  } catch {
    throw refused(name, 'what is in it is no public key');
  }
}

function refused(name: string, reason: string) {
  return signatureError(
    'cosign-key',
    `Cannot read the public key ${name}: ${reason}`,
    'Give the PEM file that `cosign public-key` writes: a public key of RSA with 2048 bits or more, EC on P-256, P-384 or P-521, or Ed25519.',
  );
}

/**
 * Whether `signature` is one of `message`, as cosign makes them: ECDSA in DER, RSA with PKCS#1 v1.5, Ed25519. Which hash it is over nothing says: that of the curve
 * (sigstore-go, vaults) or SHA-256 (cosign, whatever the key), so each of SHA-2 is tried.
 */
export function isCosignSignature(key: KeyObject, message: Uint8Array, signature: Uint8Array): boolean {
  const hashes = key.asymmetricKeyType === 'ed25519' ? [null] : ['sha256', 'sha384', 'sha512'];
  return hashes.some((hash) => verify(hash, message, key, signature));
}
