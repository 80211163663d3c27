import type { PipelinePolicy } from '@azure/core-rest-pipeline';
import { isLoopback } from './cloud.ts';

/** How the SDK's clients speak to their servers; what is absent is as the SDK has it. */
export interface AzureTransport {
  /** PEM of an authority that is trusted besides Node's own: the sandbox's. */
  readonly ca?: string;
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

/** Options that every client of the SDK takes. `onAttempt` is told how each attempt failed, if it did. */
export function toClientOptions(transport: AzureTransport, onAttempt: (failed: FailedAttempt | undefined) => void = () => undefined) {
  const { ca, maxRetries = 3, retryDelayMs = 1000, timeoutMs = 30_000, signal } = transport;
  const attempt: PipelinePolicy = {
    name: 'image-custody-attempt',
    sendRequest: async (request, next) => {
      // The SDK's own timeout would hold the process for its whole length where a connection is refused.
      const stop = new AbortController();
      const abort = (): void => stop.abort();
      const timer = setTimeout(abort, timeoutMs);
      const { abortSignal } = request;
      request.timeout = 0;
      request.abortSignal = signal?.aborted === true ? signal : stop.signal;
      signal?.addEventListener('abort', abort);
      // The SDK would send what is for the sandbox on this machine through HTTPS_PROXY.
      if (isLoopback(new URL(request.url))) delete request.agent;
      try {
        const response = await next(request);
        const { status, bodyAsText } = response;
        onAttempt(status >= 400 ? { kind: 'refused', status, body: bodyAsText ?? '' } : undefined);
        return response;
      } catch (error) {
        onAttempt({ kind: 'no-answer', error });
        throw error;
      } finally {
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
        if (abortSignal === undefined) delete request.abortSignal;
        else request.abortSignal = abortSignal;
      }
    },
  };
  return {
    retryOptions: { maxRetries, retryDelayInMs: retryDelayMs, maxRetryDelayInMs: 60_000 },
    additionalPolicies: [{ policy: attempt, position: 'perRetry' as const }],
    ...(ca !== undefined && { tlsOptions: { ca } }),
  };
}
