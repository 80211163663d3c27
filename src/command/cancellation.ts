import type { HttpClient, HttpRequest, HttpResponse, HttpStream } from '../lib/http.ts';
import { StepError } from '../lib/step-error.ts';
import type { World } from './world.ts';

/** Throws where the host has cancelled the run. */
export function throwIfCancelled(world: World): void {
  if (world.cancelled.aborted) throw toCancellation();
}

/** The error of a run that the host has cancelled, whatever failed because of it. */
export function toCancellation(): StepError {
  return new StepError({
    code: 'cancelled',
    origin: 'host',
    message: 'The run was cancelled',
    hint: 'No tag was moved, and held uploads were given up. Run it again.',
  });
}

/** For exchanges that only read: they are given up when the run is cancelled. */
export function toCancellable(http: HttpClient, signal: AbortSignal): HttpClient {
  const whole = (request: HttpRequest): Promise<HttpResponse> => http({ ...request, signal });
  const stream: HttpStream = (request, consume) => http.stream({ ...request, signal }, consume);
  return Object.assign(whole, { stream, agentFor: (url: URL) => http.agentFor(url), close: () => http.close() });
}
