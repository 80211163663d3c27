import { readCertificates } from '../../lib/certificate-bundle.ts';
import { nameText, publicKeyOf } from '../../lib/certificate-chain.ts';
import type { Http, HttpResponse } from '../../lib/http.ts';
import { HttpError } from '../../lib/http-error.ts';
import { type RetryOptions, retry } from '../../lib/retry.ts';
import type { SignatureAlgorithm } from '../../model/signer.ts';
import { parseTimestampResponse, toTimestampRequest } from './request.ts';
import { timestampError } from './timestamp-error.ts';
import { maxTokenBytes, parseTimestampToken } from './token.ts';
import { verifySignedInTime, verifyTimestamp } from './verification.ts';

export interface TimestampAuthority {
  readonly url: URL;
  /** DER of its roots. */
  readonly trusted: readonly Uint8Array[];
}

export interface TimestampSession {
  readonly http: Http;
  readonly retry: Pick<RetryOptions, 'now' | 'random' | 'sleep'>;
}

/**
 * Has `signature` (ECDSA as r || s) countersigned: asks the authority (RFC 3161, 3.4), and gives the token once it is verified as verifiers will, against the
 * request, the authority's roots and the validity of the certificates that signed. Rejects with a StepError of origin `signature`.
 */
export async function fetchTimestamp(
  authority: TimestampAuthority,
  signature: Uint8Array,
  { algorithm, certificateChain }: { readonly algorithm: SignatureAlgorithm; readonly certificateChain: readonly Uint8Array[] },
  session: TimestampSession,
): Promise<Uint8Array> {
  const { token } = await requestTimestamp(authority.url, signature, algorithm, session);
  verifySignedInTime(certificateChain, verifyTimestamp(token, signature, algorithm, authority));
  return token;
}

/** The authority's answer to this very request, and the token in it, which is not verified. Rejects with a StepError of origin `signature`. */
export async function requestTimestamp(
  url: URL,
  signature: Uint8Array,
  algorithm: SignatureAlgorithm,
  session: TimestampSession,
): Promise<{ readonly answer: Buffer; readonly token: Uint8Array }> {
  const request = toTimestampRequest(signature, algorithm);
  const answer = await send(url, request.bytes, session);
  const token = parseTimestampResponse(answer, url.host);
  const { nonce } = parseTimestampToken(token).info;
  if (nonce === request.nonce) return { answer, token };
  throw timestampError(
    'timestamp-nonce',
    `Cannot use the timestamp of ${url.host}: it ${nonce === undefined ? 'has no nonce' : 'has the nonce of another request'}`,
  );
}

async function send(url: URL, body: Uint8Array, { http, retry: options }: TimestampSession): Promise<Buffer> {
  const answer = await ask(url, body, http, options);
  const type = answer.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  if (answer.status === 200 && type === replyType) return answer.body;
  const what =
    answer.status === 200
      ? `content of type ${JSON.stringify(type ?? 'none').slice(0, 100)} instead of ${replyType}`
      : `status ${answer.status}`;
  throw timestampError('timestamp-authority', `Cannot get a timestamp from ${url.host}: it answered with ${what}`);
}

async function ask(url: URL, body: Uint8Array, http: Http, options: TimestampSession['retry']): Promise<HttpResponse> {
  const headers = { 'content-type': 'application/timestamp-query', accept: replyType };
  const request = { method: 'POST', url, headers, body, maxBodyBytes: maxTokenBytes, deadlineMs: 30_000 } as const;
  try {
    return await retry({ attempts: 4, ...options }, () => http(request));
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    throw timestampError('timestamp-authority', `Cannot get a timestamp from ${url.host}: ${error.message}`, error.hint);
  }
}

/** The roots in a file, PEM or DER; each self-signed. Rejects with a StepError `timestamp-root` that names the file. */
export async function readTimestampRoots(bytes: Uint8Array, file: string): Promise<readonly Uint8Array[]> {
  const refuse = (reason: string) =>
    timestampError('timestamp-root', `Cannot use the file ${JSON.stringify(file)} of the input timestamp-certificate: ${reason}`);
  const roots = await readCertificates(bytes).catch(() => undefined);
  if (roots === undefined) throw refuse('a certificate in it is damaged');
  if (roots.length === 0) throw refuse('it has no certificate');
  const other = roots.find((root) => {
    const key = publicKeyOf(root);
    return key === undefined || root.subject !== root.issuer || !root.verify(key);
  });
  if (other !== undefined) throw refuse(`"${nameText(other.subject)}" is no root, for it is not self-signed`);
  return roots.map(({ raw }) => raw);
}

/** RFC 3161, 3.4. */
const replyType = 'application/timestamp-reply';
