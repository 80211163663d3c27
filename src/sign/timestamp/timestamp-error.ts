import type { StepError } from '../../lib/step-error.ts';
import { type SignatureErrorCode, signatureError } from '../signature-error.ts';

export type TimestampErrorCode = Extract<SignatureErrorCode, `timestamp-${string}`>;

/** An error about a token or its authority. */
export function timestampError(code: TimestampErrorCode, message: string, hint: string = hints[code]): StepError<SignatureErrorCode> {
  return signatureError(code, message, hint);
}

const notOurs = 'Do not trust the time in this signature; see who wrote it to the registry, and sign the image again.';
const otherAuthority = 'Tell the authority of it, or name another one in timestamp-url, with its root in timestamp-certificate.';

const hints: Readonly<Record<TimestampErrorCode, string>> = {
  'timestamp-root': "Give a file, PEM or DER, with the authority's self-signed root certificate, which its operator publishes.",
  'timestamp-authority': `Try again later, or see whether timestamp-url names an authority of RFC 3161. ${otherAuthority}`,
  'timestamp-refused': otherAuthority,
  'timestamp-nonce': `Something between the step and the authority may answer with what it kept. ${otherAuthority}`,
  'timestamp-format': `Sign the image again; where the authority has just sent it: ${otherAuthority}`,
  'timestamp-imprint': notOurs,
  'timestamp-certificate': otherAuthority,
  'timestamp-signature': notOurs,
  'timestamp-untrusted':
    "Name the root of the authority's certificates: in timestamp-certificate when signing, in a trust store of type tsa when verifying.",
  'timestamp-validity': 'Have the image signed again, with certificates that are valid, by machines whose clocks are right.',
};
