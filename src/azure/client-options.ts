import type { Agent } from 'node:http';
import type { PipelinePolicy, PipelineRequest, PipelineResponse } from '@azure/core-rest-pipeline';

/** How the SDK's clients speak to their servers; what is absent is as the SDK has it. */
export interface AzureTransport {
  /** What keeps the connections to a URL: with the proxy and the trust of all other exchanges of the run. */
  readonly agentFor?: (url: URL) => Agent;
  /** Attempts after the first; throttling (429, 503) is waited for as the server says. */
  readonly maxRetries?: number;
  readonly retryDelayMs?: number;
  /** Longest time for one attempt. Default 30 000. */
  readonly timeoutMs?: number;
  /** Gives up whatever is under way, and what would begin. */
  readonly signal?: AbortSignal;
}

/** What one attempt came to, where it failed: MSAL keeps little of it. */
export type FailedAttempt =
  | { readonly kind: 'no-answer'; readonly error: unknown }
  | { readonly kind: 'refused'; readonly status: number; readonly body: string };

/** Longest that a server may ask to wait before the next attempt. One that asks for more is told of, and not waited for. */
export const longestWaitMs = 120_000;

/** A server that throttles, or does not serve, for longer than a run waits. */
export class LongWait extends Error {
  readonly statusCode: number;

  constructor(statusCode: number, waitMs: number) {
    super(`it asks to wait ${Math.ceil(waitMs / 1000)} seconds`);
    this.name = 'LongWait';
    this.statusCode = statusCode;
  }
}

type Send = (request: PipelineRequest) => Promise<PipelineResponse>;

/** Sends one attempt over the transport's connections. `onAttempt` is told how it failed, if it did. */
export function createAttempt(
  { agentFor, timeoutMs = 30_000, signal }: AzureTransport,
  onAttempt: (failed: FailedAttempt | undefined) => void,
): (request: PipelineRequest, next: Send) => Promise<PipelineResponse> {
  return async (request, next) => {
    // The SDK's own timeout would hold the process for its whole length where a connection is refused.
    const stop = new AbortController();
    const abort = (): void => stop.abort();
    const timer = setTimeout(abort, timeoutMs);
    const { abortSignal } = request;
    request.timeout = 0;
    request.abortSignal = signal?.aborted === true ? signal : stop.signal;
    signal?.addEventListener('abort', abort);
    const agent = agentFor?.(new URL(request.url));
    if (agent === undefined) delete request.agent;
    else request.agent = agent;
    try {
      const response = await next(request);
      const { status, bodyAsText } = response;
      onAttempt(status >= 400 ? { kind: 'refused', status, body: bodyAsText ?? '' } : undefined);
      const waitMs = readWaitMs(response);
      if (waitMs > longestWaitMs) throw new LongWait(status, waitMs);
      return response;
    } catch (error) {
      if (!(error instanceof LongWait)) onAttempt({ kind: 'no-answer', error });
      throw error;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      // The SDK waits between attempts with this signal: a run that is cancelled does not wait.
      const outer = abortSignal ?? signal;
      if (outer === undefined) delete request.abortSignal;
      else request.abortSignal = outer;
    }
  };
}

/** How long the SDK would wait by these headers (its throttlingRetryStrategy); 0 where they are absent. */
function readWaitMs({ status, headers }: PipelineResponse): number {
  if (status !== 429 && status !== 503) return 0;
  for (const name of ['retry-after-ms', 'x-ms-retry-after-ms']) {
    const given = Number.parseFloat(headers.get(name) ?? '');
    if (Number.isFinite(given)) return given;
  }
  const text = headers.get('retry-after') ?? '';
  const seconds = /^\s*\d+(?:\.\d+)?\s*$/.test(text) ? Number.parseFloat(text) : (Date.parse(text) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? seconds * 1000 : 0;
}

/** Options that every client of the SDK takes. `onAttempt` is told how each attempt failed, if it did. */
export function toClientOptions(transport: AzureTransport, onAttempt: (failed: FailedAttempt | undefined) => void = () => undefined) {
  const { maxRetries = 3, retryDelayMs = 1000 } = transport;
  const policy: PipelinePolicy = { name: 'image-custody-attempt', sendRequest: createAttempt(transport, onAttempt) };
  return {
    retryOptions: { maxRetries, retryDelayInMs: retryDelayMs, maxRetryDelayInMs: 60_000 },
    additionalPolicies: [{ policy, position: 'perRetry' as const }],
    // Of the environment the SDK takes one proxy for all, knows no ports and blocks in NO_PROXY, and stumbles over a proxy without a scheme. It does
    // not look there where it is given a proxy; the agent of each attempt is put in place of that.
    proxyOptions: { host: 'http://127.0.0.1', port: 9 },
  };
}
