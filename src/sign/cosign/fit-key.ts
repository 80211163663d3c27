import type { KeyObject } from 'node:crypto';

/** Smaller keys of RSA have been factored, or soon will be. */
const minRsaBits = 2048;
const curves: readonly (string | undefined)[] = ['prime256v1', 'secp384r1', 'secp521r1'];

/** Whether a key is of a kind and strength that signatures by it count. */
export function isFitKey({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): boolean {
  return (
    (type === 'rsa' && (details?.modulusLength ?? 0) >= minRsaBits) ||
    (type === 'ec' && curves.includes(details?.namedCurve)) ||
    type === 'ed25519'
  );
}
