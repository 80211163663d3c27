import { StepError } from '../lib/step-error.ts';

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
  | 'critical-header'
  | 'bundle'
  | 'certified-signature'
  | 'cosign-key'
  | 'cosign-identity'
  | 'trusted-root'
  | 'signing-config'
  | 'no-identity-token'
  | 'sigstore-refused'
  | 'sigstore-unreachable'
  | 'sigstore-answer'
  | 'untrusted'
  | 'other-subject'
  | 'expired'
  | 'timestamp-root'
  | 'timestamp-authority'
  | 'timestamp-refused'
  | 'timestamp-nonce'
  | 'timestamp-format'
  | 'timestamp-imprint'
  | 'timestamp-certificate'
  | 'timestamp-signature'
  | 'timestamp-untrusted'
  | 'timestamp-validity'
  | 'trust-policy'
  | 'trust-store'
  | 'no-trust-policy'
  | 'untrusted-identity'
  | 'certificate-time'
  | 'no-timestamp'
  | 'revoked'
  | 'revocation-unknown';

const inputCodes: readonly SignatureErrorCode[] = [
  'bad-signing-key',
  'key-file',
  'key-encrypted',
  'cosign-key',
  'cosign-identity',
  'trusted-root',
  'signing-config',
  'no-identity-token',
  'timestamp-root',
  'trust-policy',
  'trust-store',
];

/** Every error of this folder. What another value of an input would mend is of origin `input`. */
export function signatureError(code: SignatureErrorCode, message: string, hint: string): StepError<SignatureErrorCode> {
  return new StepError({ code, origin: inputCodes.includes(code) ? 'input' : 'signature', message, hint });
}
