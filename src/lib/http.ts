import type { Agent, IncomingHttpHeaders } from 'node:http';
import type { SecureContext } from 'node:tls';

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
  /**
   * `public`: an address that is loopback, private, link-local or otherwise not of the internet is refused when connecting. Default `any`.
   * Where a proxy connects, it is the one that resolves names: only an address that stands in `url` is refused then.
   */
  readonly reach?: 'any' | 'public';
  /** Whom to trust and who to be over TLS, where that is not what all others get. */
  readonly tls?: TlsParty;
}

/** One side of mutual TLS. Connections are kept and used again for one and the same object alone. */
export interface TlsParty {
  /** Made by `tls.createSecureContext` of its own authorities, certificate and key. */
  readonly secureContext: SecureContext;
  /** False: whoever answers is taken for the right one. */
  readonly verifiesServer: boolean;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** What answered is on the internet: its IP address is public, or a proxy found it by its name. */
  readonly isPublicPeer?: boolean;
}

/** Rejects with HttpError where no whole answer came; any status is an answer. */
export type Http = (request: HttpRequest) => Promise<HttpResponse>;

/** An answer whose body is read as it comes. Iterating rejects with HttpError where the body breaks off or is larger than allowed. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: AsyncIterable<Buffer>;
  readonly isPublicPeer?: boolean;
}

/**
 * One exchange whose answer is consumed as it comes; back-pressure reaches the other side. The connection is given back or closed when
 * `consume` settles, whether or not it read the body to its end.
 */
export type HttpStream = <T>(request: HttpRequest, consume: (answer: HttpAnswer) => Promise<T>) => Promise<T>;

/** What `createHttp` (http-client.ts) gives; it can be passed wherever an `Http` is asked for. */
export interface HttpClient extends Http {
  readonly stream: HttpStream;
  /** What keeps the connections to a URL (https, or on this machine), for a client of someone else: with its proxy and its trust. */
  agentFor(url: URL): Agent;
  /** Closes all connections, also those in use. Idle ones never hold the process. */
  close(): void;
}
