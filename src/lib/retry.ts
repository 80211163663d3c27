import type { HttpResponse } from './http.ts';
import { HttpError } from './http-error.ts';

export interface RetryOptions {
  /** Tries in all. Default 5. */
  readonly attempts?: number;
  /** No try begins later than this after the first. Default 120 000. */
  readonly deadlineMs?: number;
  /** Wait before the second try, doubled for each further one. Default 500. */
  readonly backoffMs?: number;
  /** Longest wait between two tries, also where the server asks for a longer one: then the last answer is given. Default 60 000. */
  readonly maxWaitMs?: number;
  readonly now: () => Date;
  /** 0 up to 1. */
  readonly random: () => number;
  readonly sleep: (ms: number) => Promise<void>;
}

/** Statuses after which the same request may succeed. Closed: a 4xx is an answer, and 501 or 505 stay. */
export const retryableStatuses: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);

/**
 * Repeats an exchange that may be repeated (idempotent, body in memory) while it fails in a way that may pass: a broken connection or a
 * retryable status. Waits as Retry-After says, else 2^n times the backoff, of which half is random. Resolves to the last answer whatever
 * its status; rejects with the last HttpError.
 */
export async function retry<Answer extends Pick<HttpResponse, 'status' | 'headers'>>(
  options: RetryOptions,
  attempt: (count: number) => Promise<Answer>,
): Promise<Answer> {
  const { attempts = 5, deadlineMs = 120_000, maxWaitMs = 60_000 } = options;
  const end = options.now().getTime() + deadlineMs;
  for (let count = 1; ; count += 1) {
    const outcome = await settle(attempt, count);
    const waitMs = outcome.kind === 'answer' ? retryAfterMs(outcome.answer, options.now()) : undefined;
    const delayMs = Math.max(waitMs ?? 0, backoff(options, count, maxWaitMs));
    const isLast = count >= attempts || delayMs > maxWaitMs || options.now().getTime() + delayMs > end;
    if (outcome.kind === 'answer' && (isLast || !retryableStatuses.has(outcome.answer.status))) return outcome.answer;
    if (outcome.kind === 'failure' && (isLast || !isPassing(outcome.error))) throw outcome.error;
    await options.sleep(delayMs);
  }
}

/** Milliseconds that a Retry-After asks for (RFC 9110, 10.2.3: seconds or a date); undefined where there is none that can be read. */
export function retryAfterMs(answer: Pick<HttpResponse, 'headers'>, now: Date): number | undefined {
  const text = answer.headers['retry-after']?.trim();
  if (text === undefined) return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text) * 1000;
  const date = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - now.getTime());
}

/** Whether a connection that failed in this way may be tried again. A certificate or an oversized answer stays what it is. */
function isPassing(error: unknown): boolean {
  if (!(error instanceof HttpError)) return false;
  switch (error.kind) {
    case 'refused':
      return error.code === 'ECONNREFUSED' || error.code === 'EHOSTUNREACH' || error.code === 'ENETUNREACH';
    case 'dns':
      return error.code === 'EAI_AGAIN';
    case 'proxy-unreachable':
    case 'proxy-refused':
      return /^PROXY_(ECONNREFUSED|ECONNRESET|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|EAI_AGAIN|502|503|504)$/.test(error.code ?? '');
    default:
      return error.kind === 'reset' || error.kind === 'timeout';
  }
}

type Outcome<Answer> = { readonly kind: 'answer'; readonly answer: Answer } | { readonly kind: 'failure'; readonly error: unknown };

async function settle<Answer>(attempt: (count: number) => Promise<Answer>, count: number): Promise<Outcome<Answer>> {
  try {
    return { kind: 'answer', answer: await attempt(count) };
  } catch (error) {
    return { kind: 'failure', error };
  }
}

function backoff(options: RetryOptions, count: number, maxWaitMs: number): number {
  const wholeMs = Math.min((options.backoffMs ?? 500) * 2 ** (count - 1), maxWaitMs);
  return Math.round(wholeMs * (0.5 + options.random() / 2));
}
