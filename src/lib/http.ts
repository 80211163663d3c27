import type { IncomingHttpHeaders } from 'node:http';

/** One HTTP exchange. Redirects are never followed here: who follows one decides which credentials go along. */
export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** http: or https:, without user and password. */
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** Bytes are sent with Content-Length; an iterable is sent chunked (or with a `content-length` of `headers`), each chunk awaited. */
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>;
  /** Most bytes of answer that are taken; more is an error. Default 4 MiB; no limit for a streamed answer. */
  readonly maxBodyBytes?: number;
  /** Longest wait for the other side to take or give a byte; our own slowness does not count. Default 60 000. */
  readonly idleTimeoutMs?: number;
  /** Longest time for the whole exchange; no limit where absent and the body is an iterable or the answer is streamed, else 120 000. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
  /** Unix domain socket to speak through, such as the Docker daemon's; the host of `url` is then only the Host header. */
  readonly socketPath?: string;
  /** `public`: an address that is loopback, private, link-local or otherwise not of the internet is refused when connecting. Default `any`. */
  readonly reach?: 'any' | 'public';
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** IP address that answered; absent for a Unix socket. */
  readonly remoteAddress?: string;
}

/** Rejects with HttpError where no whole answer came; any status is an answer. */
export type Http = (request: HttpRequest) => Promise<HttpResponse>;

/** An answer whose body is read as it comes. Iterating rejects with HttpError where the body breaks off or is larger than allowed. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: AsyncIterable<Buffer>;
  readonly remoteAddress?: string;
}

/**
 * One exchange whose answer is consumed as it comes; back-pressure reaches the other side. The connection is given back or closed when
 * `consume` settles, whether or not it read the body to its end.
 */
export type HttpStream = <T>(request: HttpRequest, consume: (answer: HttpAnswer) => Promise<T>) => Promise<T>;

/** What `createHttp` (http-client.ts) gives; it can be passed wherever an `Http` is asked for. */
export interface HttpClient extends Http {
  readonly stream: HttpStream;
  /** Closes all connections, also those in use. Idle ones never hold the process. */
  close(): void;
}
