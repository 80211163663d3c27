import type { HttpAnswer, HttpClient, HttpRequest, HttpResponse } from './http.ts';
import { Connections } from './http-connections.ts';
import { exchange } from './http-exchange.ts';
import type { ChooseProxy } from './proxy.ts';

export interface HttpClientOptions {
  /** Sent as User-Agent with every request that names none. */
  readonly userAgent: string;
  /** PEM texts of certificate authorities that are trusted besides Node's own. */
  readonly ca?: readonly string[];
  /** Connections to one host at once. Default 16. */
  readonly maxConnections?: number;
  /** Default: everything is asked directly. Never asked for a Unix socket. */
  readonly chooseProxy?: ChooseProxy;
}

/**
 * HTTP/1.1 over keep-alive connections. TLS certificates are always checked. No redirects, no cookies, no decompression; idle
 * connections are closed after 4 s (or earlier, as the server says), since a request on one that the server has just closed fails.
 */
export function createHttp(options: HttpClientOptions): HttpClient {
  const connections = new Connections(options);

  function stream<T>(request: HttpRequest, consume: (answer: HttpAnswer) => Promise<T>): Promise<T> {
    return exchange(connections, withUserAgent(request, options.userAgent), consume);
  }

  async function whole(request: HttpRequest): Promise<HttpResponse> {
    const deadlineMs = request.deadlineMs ?? (request.body === undefined || request.body instanceof Uint8Array ? 120_000 : undefined);
    const bounded = { maxBodyBytes: 4 * 1024 * 1024, ...request, ...(deadlineMs === undefined ? {} : { deadlineMs }) };
    return stream(bounded, async ({ body, ...head }) => ({ ...head, body: await readWhole(body) }));
  }

  return Object.assign(whole, {
    stream,
    agentFor: (url: URL) => connections.route({ url }).agent,
    close: () => connections.close(),
  });
}

/** All bytes of a body whose size is already limited. */
export async function readWhole(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function withUserAgent(request: HttpRequest, userAgent: string): HttpRequest {
  return { ...request, headers: { 'user-agent': userAgent, 'accept-encoding': 'identity', ...request.headers } };
}
