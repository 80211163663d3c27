import { type KeyObject, sign, X509Certificate } from 'node:crypto';
import * as v from 'valibot';
import type { SecretValue } from '../../lib/secret-value.ts';
import { parseStrictJson } from '../../lib/strict-json.ts';
import { askService, type SigstoreService, wrongAnswer } from './service.ts';

export interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

const chainShape = v.object({ chain: v.object({ certificates: v.pipe(v.array(v.string()), v.minLength(1), v.maxLength(16)) }) });
const answerShape = v.union([
  v.object({ signedCertificateEmbeddedSct: chainShape }),
  v.object({ signedCertificateDetachedSct: chainShape }),
]);
const claimsShape = v.object({ sub: v.string(), email: v.optional(v.string()) });

/**
 * A certificate of Fulcio for the key, that says who the token is for: DER, leaf first. The token is shown to Fulcio alone. Rejects with a StepError.
 * https://github.com/sigstore/fulcio/blob/v1.8.7/fulcio.proto
 */
export async function requestCertificate(
  service: SigstoreService,
  token: SecretValue,
  { privateKey, publicKey }: KeyPair,
): Promise<readonly Buffer[]> {
  const challenge = readSubject(service, token);
  const request = {
    credentials: { oidcIdentityToken: token.reveal() },
    publicKeyRequest: {
      publicKey: { algorithm: 'ECDSA', content: publicKey.export({ type: 'spki', format: 'pem' }).toString() },
      proofOfPossession: sign('sha256', Buffer.from(challenge), privateKey).toString('base64'),
    },
  };
  const answer = await askService(service, 'POST', '/api/v2/signingCert', request, token);
  if ('conflict' in answer) throw wrongAnswer(service, 'it answered with status 409');
  const chain = readChain(service, answer);
  const [leaf] = chain;
  if (leaf === undefined || !leaf.publicKey.equals(publicKey)) throw wrongAnswer(service, 'its certificate is for another key');
  return chain.map(({ raw }) => raw);
}

/** What Fulcio wants to be signed, to see that the key is ours: the email address in the token, or else its subject. */
function readSubject(service: SigstoreService, token: SecretValue): string {
  try {
    const { sub, email } = v.parse(claimsShape, parseStrictJson(Buffer.from(token.reveal().split('.')[1] ?? '', 'base64url')));
    return email ?? sub;
  } catch {
    // Nothing of the token is told, not even by the parser.
    throw wrongAnswer({ name: 'the host, which was asked for a token for', url: service.url }, 'it is no token that names its subject');
  }
}

function readChain(service: SigstoreService, body: Uint8Array): readonly X509Certificate[] {
  try {
    const answer = v.parse(answerShape, parseStrictJson(body));
    const { chain } = 'signedCertificateEmbeddedSct' in answer ? answer.signedCertificateEmbeddedSct : answer.signedCertificateDetachedSct;
    return chain.certificates.map((pem) => new X509Certificate(pem));
  } catch {
    throw wrongAnswer(service, 'it has no chain of certificates');
  }
}
