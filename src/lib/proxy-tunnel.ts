import { type AgentOptions, type ClientRequest, request as httpRequest, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ProxyServer } from './proxy.ts';
import { refusedByProxy, unreachableProxy } from './proxy-error.ts';

/** Longest wait for a proxy to say anything while it opens a tunnel. */
const openingTimeoutMs = 30_000;

type Opened = (error: Error | null, socket: Duplex) => void;

/** Keeps TLS connections to hosts, each through a tunnel of one proxy (CONNECT, RFC 9110, section 9.3.6). */
export class TunnelAgent extends HttpsAgent {
  readonly #proxy: ProxyServer;
  readonly #toProxy: RequestOptions;
  readonly #opening = new Set<ClientRequest>();

  /** `toProxy`: options of the connection to the proxy itself. */
  constructor(proxy: ProxyServer, options: AgentOptions, toProxy: RequestOptions) {
    super(options);
    this.#proxy = proxy;
    this.#toProxy = toProxy;
  }

  override createConnection(options: RequestOptions, opened: Opened): undefined {
    const target = toAuthority(options);
    const connect = openTunnel(this.#proxy, target, this.#toProxy);
    this.#opening.add(connect);
    let isDone = false;
    const done = (error: Error | undefined, socket?: Socket): void => {
      if (isDone) return;
      isDone = true;
      this.#opening.delete(connect);
      if (error !== undefined || socket === undefined) opened(error ?? new Error('no tunnel'), undefined as never);
      else opened(null, super.createConnection({ ...options, socket } as RequestOptions) as Duplex);
    };
    connect.once('connect', ({ statusCode = 0 }, socket: Socket, head: Buffer) => {
      if (statusCode < 200 || statusCode > 299) {
        socket.destroy();
        done(refusedByProxy(this.#proxy, target, statusCode));
        return;
      }
      socket.setTimeout(0);
      socket.ref();
      if (head.length > 0) socket.unshift(head);
      done(undefined, socket);
    });
    connect.once('error', (error) => done(unreachableProxy(this.#proxy, error)));
    connect.once('close', () => done(unreachableProxy(this.#proxy, new Error('closed before an answer came'))));
  }

  override destroy(): void {
    for (const connect of this.#opening) connect.destroy();
    super.destroy();
  }
}

/** Options of a request whose connection goes to a proxy: its certificate is held against its own name, not against the target's. */
export function toProxyServer({ url }: ProxyServer): RequestOptions & { readonly servername?: string } {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = url.port || (url.protocol === 'https:' ? 443 : 80);
  return { protocol: url.protocol, host, port, ...(url.protocol === 'https:' ? { servername: isIP(host) === 0 ? host : '' } : {}) };
}

/** Proxy-Authorization, where the proxy has a user. */
export function toProxyHeaders({ authorization }: ProxyServer): Readonly<Record<string, string>> {
  return authorization === undefined ? {} : { 'proxy-authorization': authorization.reveal() };
}

function openTunnel(proxy: ProxyServer, target: string, toProxy: RequestOptions): ClientRequest {
  const request = proxy.url.protocol === 'https:' ? httpsRequest : httpRequest;
  const headers = { host: target, ...toProxyHeaders(proxy) };
  const connect = request({ ...toProxy, ...toProxyServer(proxy), method: 'CONNECT', path: target, headers, agent: false });
  connect.setTimeout(openingTimeoutMs, () => connect.destroy(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })));
  // Whoever waits for the exchange holds the process: one that has given up is not held by a proxy that says nothing.
  connect.once('socket', (socket) => socket.unref());
  connect.end();
  return connect;
}

function toAuthority({ host, port }: RequestOptions): string {
  const name = host ?? '';
  return `${name.includes(':') ? `[${name}]` : name}:${port ?? 443}`;
}
