import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
// As a whole: Node 20 has no getCACertificates, and a named import of it would fail.
import * as tls from 'node:tls';
import type { HttpAnswer, HttpClient, HttpRequest, HttpResponse } from './http.ts';
import { type Agents, exchange } from './http-exchange.ts';
import { lookupPublic } from './http-reach.ts';

export interface HttpClientOptions {
  /** Sent as User-Agent with every request that names none. */
  readonly userAgent: string;
  /** PEM texts of certificate authorities that are trusted besides Node's own. */
  readonly ca?: readonly string[];
  /** Connections to one host at once. Default 16. */
  readonly maxConnections?: number;
}

/**
 * HTTP/1.1 over keep-alive connections. TLS certificates are always checked. No redirects, no cookies, no decompression, no proxy; idle
 * connections are closed after 4 s (or earlier, as the server says), since a request on one that the server has just closed fails.
 */
export function createHttp(options: HttpClientOptions): HttpClient {
  const any = createAgents(options, {});
  const publicOnly = createAgents(options, { lookup: lookupPublic });

  function stream<T>(request: HttpRequest, consume: (answer: HttpAnswer) => Promise<T>): Promise<T> {
    return exchange(request.reach === 'public' ? publicOnly : any, withUserAgent(request, options.userAgent), consume);
  }

  async function whole(request: HttpRequest): Promise<HttpResponse> {
    const deadlineMs = request.deadlineMs ?? (request.body === undefined || request.body instanceof Uint8Array ? 120_000 : undefined);
    const bounded = { maxBodyBytes: 4 * 1024 * 1024, ...request, ...(deadlineMs === undefined ? {} : { deadlineMs }) };
    return stream(bounded, async ({ body, ...head }) => ({ ...head, body: await readWhole(body) }));
  }

  function close(): void {
    for (const agent of [any.http, any.https, publicOnly.http, publicOnly.https]) agent.destroy();
  }

  return Object.assign(whole, { stream, close });
}

/** All bytes of a body whose size is already limited. */
export async function readWhole(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function createAgents(options: HttpClientOptions, connection: object): Agents {
  const shared = {
    keepAlive: true,
    maxSockets: options.maxConnections ?? 16,
    maxFreeSockets: 8,
    timeout: 4_000,
    // Node's 250 ms for each address of a host is too little for a far one.
    autoSelectFamilyAttemptTimeout: 2_500,
    ...connection,
  };
  const trust = options.ca === undefined || options.ca.length === 0 ? {} : { secureContext: trustAlso(options.ca) };
  return { http: new HttpAgent(shared), https: new HttpsAgent({ ...shared, ...trust, minVersion: 'TLSv1.2' }) };
}

/** One context for all connections: parsing Node's whole list for each would cost more than the handshake. */
function trustAlso(ca: readonly string[]) {
  // Node 20 cannot tell what NODE_EXTRA_CA_CERTS added to its list.
  const own = typeof tls.getCACertificates === 'function' ? tls.getCACertificates('default') : tls.rootCertificates;
  return tls.createSecureContext({ ca: [...own, ...ca], minVersion: 'TLSv1.2' });
}

function withUserAgent(request: HttpRequest, userAgent: string): HttpRequest {
  return { ...request, headers: { 'user-agent': userAgent, 'accept-encoding': 'identity', ...request.headers } };
}
