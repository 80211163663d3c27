import { StepError, type StepErrorFields } from '../lib/step-error.ts';

export type SignatureErrorCode =
  | 'bad-signing-key'
  | 'key-file'
  | 'key-encrypted'
  | 'key-type'
  | 'key-mismatch'
  | 'incomplete-chain'
  | 'certificate-rules'
  | 'wrong-signature'
  | 'envelope'
  | 'untrusted'
  | 'other-subject'
  | 'expired';

/** Every error of this folder. */
export function signatureError(
  code: SignatureErrorCode,
  message: string,
  hint: string,
  origin: StepErrorFields<SignatureErrorCode>['origin'] = 'signature',
): StepError<SignatureErrorCode> {
  return new StepError({ code, origin, message, hint });
}
