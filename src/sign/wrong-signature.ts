import type { StepError } from '../lib/step-error.ts';
import type { KeyAlgorithm, KeySigner } from '../model/signer.ts';
import { type SignatureErrorCode, signatureError } from './signature-error.ts';

/** The error where a signer's answer does not verify. */
export function wrongSignature({ description }: Pick<KeySigner, 'description'>, algorithm: KeyAlgorithm): StepError<SignatureErrorCode> {
  return signatureError(
    'wrong-signature',
    `Cannot sign with ${description}: what it returned is no ${algorithm} signature by its key`,
    'Nothing was attached. See whether key and certificate belong together, and whether something between the step and the key changes answers.',
  );
}
