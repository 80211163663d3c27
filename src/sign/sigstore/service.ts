import * as v from 'valibot';
import type { Http, HttpResponse } from '../../lib/http.ts';
import { HttpError } from '../../lib/http-error.ts';
import { redact } from '../../lib/redaction.ts';
import { type RetryOptions, retry } from '../../lib/retry.ts';
import type { SecretValue } from '../../lib/secret-value.ts';
import { type JsonValue, parseStrictJson } from '../../lib/strict-json.ts';
import { toClipped, toVisibleLine } from '../../lib/visible-text.ts';
import { signatureError } from '../signature-error.ts';

/** One of the services of a Sigstore instance. */
export interface SigstoreService {
  /** `the certificate authority`, for messages. */
  readonly name: string;
  /** Without a slash at its end. */
  readonly url: string;
  readonly http: Http;
  readonly retry: RetryOptions;
}

const maxAnswerBytes = 4 * 1024 * 1024;
const attempts = 3;

/**
 * The body of an answer with status 200 or 201; `conflict` says where a 409 points instead. Rejects with a StepError, which repeats the service's words without
 * `secret`.
 */
export async function askService(
  service: SigstoreService,
  method: 'GET' | 'POST',
  path: string,
  json?: JsonValue,
  secret?: SecretValue,
): Promise<Buffer | { readonly conflict: string }> {
  const body = json === undefined ? undefined : Buffer.from(JSON.stringify(json));
  const answer = await exchange(service, method, path, body);
  const { status, headers } = answer;
  if (status === 200 || status === 201) return answer.body;
  if (status === 409 && headers.location !== undefined) return { conflict: headers.location };
  throw signatureError(
    'sigstore-refused',
    `Cannot sign without a key: ${service.name} ${service.url} answered with status ${status}${wordsOf(answer, secret)}`,
    hintOf(status, body),
  );
}

/** Logs take a whole statement and keep a digest of it. The public ones say nowhere how large it may be. */
const largeBytes = 4 * 1024 * 1024;

function hintOf(status: number, body: Buffer | undefined): string {
  if (status === 413 || (status !== 401 && status !== 403 && body !== undefined && body.length > largeBytes))
    return `It was sent ${((body?.length ?? 0) / 1_000_000).toFixed(1)} MB, which may be more than it takes: leave sbom out of attest (it is attached without a signature then), or sign with a key, of which nothing is logged.`;
  return status === 400 || status === 401 || status === 403
    ? 'It does not accept the identity token of this run, or what was sent. See whether the instance of Sigstore knows the issuer of tokens of this host.'
    : 'Nothing was attached. Run the step again; see https://status.sigstore.dev for the public instance.';
}

/** Fulcio and Rekor say why in `message`. */
function wordsOf({ body }: HttpResponse, secret: SecretValue | undefined): string {
  try {
    const { message } = v.parse(v.object({ message: v.string() }), parseStrictJson(body));
    return `: ${toClipped(toVisibleLine(redact(message.trim(), secret === undefined ? [] : [secret.reveal()])), 300)}`;
  } catch {
    return '';
  }
}

async function exchange(
  { name, url, http, retry: options }: SigstoreService,
  method: 'GET' | 'POST',
  path: string,
  body: Buffer | undefined,
): Promise<HttpResponse> {
  const request = {
    method,
    url: new URL(`${url}${path}`),
    headers: { accept: 'application/json', ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body }),
    maxBodyBytes: maxAnswerBytes,
    deadlineMs: 60_000,
  };
  try {
    return await retry({ attempts, ...options }, () => http(request));
  } catch (cause) {
    if (!(cause instanceof HttpError)) throw cause;
    throw signatureError('sigstore-unreachable', `Cannot sign without a key: ${name} does not answer: ${cause.message}`, cause.hint);
  }
}

/** The error where what a service answered is of no use. */
export function wrongAnswer({ name, url }: Pick<SigstoreService, 'name' | 'url'>, reason: string) {
  return signatureError(
    'sigstore-answer',
    `Cannot sign without a key: what ${name} ${url} answered is of no use: ${reason}`,
    'Nothing was attached. See whether the URL is that of the service, and whether something between it and the step changes answers.',
  );
}
