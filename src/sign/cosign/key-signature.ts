import { createHash } from 'node:crypto';
import { toDerSignature } from '../../lib/ecdsa-signature.ts';
import { isSignature, toPublicKey } from '../../lib/signature-algorithm.ts';
import type { KeyAlgorithm, KeySigner } from '../../model/signer.ts';
import { wrongSignature } from '../wrong-signature.ts';

/** The form of signature that cosign verifies by a key of this kind: of RSA PKCS#1 v1.5 with SHA-256 alone. */
export function cosignAlgorithmOf({ algorithm }: Pick<KeySigner, 'algorithm'>): KeyAlgorithm {
  return algorithm.startsWith('PS') ? 'RS256' : algorithm;
}

/** A signature of `message` as cosign has it: of ECDSA in DER. Rejects with a StepError of origin `signature` where the signer's answer does not verify. */
export async function signDer(signer: KeySigner, message: Uint8Array): Promise<Buffer> {
  const algorithm = cosignAlgorithmOf(signer);
  const signature = await signer.sign(message, algorithm);
  if (!isSignature(algorithm, toPublicKey(signer.publicKey), message, signature)) throw wrongSignature(signer, algorithm);
  return Buffer.from(algorithm.startsWith('ES') ? toDerSignature(signature) : signature);
}

/** How cosign names a key in a bundle: SHA-256 of its SubjectPublicKeyInfo. */
export function toHint({ publicKey }: Pick<KeySigner, 'publicKey'>): string {
  return createHash('sha256').update(publicKey).digest('base64');
}
