import type { IncomingHttpHeaders } from 'node:http';

/** One HTTP exchange. Redirects are never followed here: who follows one decides which credentials go along. */
export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** Bytes are sent with Content-Length; an iterable is sent chunked, each chunk awaited. */
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>;
  /** Most bytes of answer that are taken; more is an error. Default 4 MiB. */
  readonly maxBodyBytes?: number;
  /** Longest silence on the connection. Default 60 000. */
  readonly idleTimeoutMs?: number;
  /** Longest time for the whole exchange; no limit where absent and the body is an iterable, else 120 000. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Rejects with HttpError where no whole answer came; any status is an answer. */
export type Http = (request: HttpRequest) => Promise<HttpResponse>;
