import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { TlsIdentity } from '../../src/sandbox/stand-in.ts';

export interface ForwardProxyOptions {
  /** Where `HOST:PORT` of a request leads to; the proxy resolves no other name. */
  readonly hosts: Readonly<Record<string, URL>>;
  /** `user:password` that it asks for. */
  readonly login?: string;
  /** Speaks TLS to its clients. */
  readonly tls?: TlsIdentity;
  /** Answers this to every request. */
  readonly status?: number;
  /** Takes requests and never answers. */
  readonly isSilent?: boolean;
  readonly onRequest?: (request: IncomingMessage) => void;
}

export interface ForwardProxy {
  /** Of the proxy, with user and password as they stand in a variable. */
  address(login?: string): string;
  /** `CONNECT host:port` and `GET http://host/path`, in order. */
  readonly seen: readonly string[];
  close(): void;
}

/** A forward proxy on loopback (RFC 9110, sections 7.6 and 9.3.6): passes tunnels on unread, and requests in absolute form. */
export async function startForwardProxy(options: ForwardProxyOptions): Promise<ForwardProxy> {
  const seen: string[] = [];
  const sockets = new Set<Socket>();
  const refusal = (request: IncomingMessage): number | undefined => {
    seen.push(`${request.method} ${request.url}`);
    options.onRequest?.(request);
    const wanted = options.login === undefined ? undefined : `Basic ${Buffer.from(options.login).toString('base64')}`;
    if (wanted !== undefined && request.headers['proxy-authorization'] !== wanted) return 407;
    return options.status;
  };
  const forward: RequestListener = (request, response) => {
    const status = refusal(request);
    if (options.isSilent === true) return;
    if (status === undefined) pass(options.hosts, request, response);
    else response.writeHead(status, { 'proxy-authenticate': 'Basic realm="proxy"' }).end('<html>proxy</html>');
  };
  const { tls } = options;
  const server = tls === undefined ? createServer(forward) : createTlsServer({ key: tls.keyPem, cert: tls.certificatePem }, forward);
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.on('connect', (request: IncomingMessage, client: Socket, head: Buffer) => {
    client.on('error', () => undefined);
    const status = refusal(request);
    if (options.isSilent === true) return;
    const target = options.hosts[request.url ?? ''];
    if (status !== undefined || target === undefined) {
      client.end(`HTTP/1.1 ${status ?? 502} No\r\nProxy-Authenticate: Basic realm="proxy"\r\nContent-Length: 5\r\n\r\nsorry`);
      return;
    }
    const upstream = connect(Number(target.port), target.hostname, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      upstream.write(head);
      client.pipe(upstream).pipe(client);
    });
    sockets.add(upstream);
    upstream.on('error', () => client.destroy());
    client.on('close', () => upstream.destroy());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const scheme = tls === undefined ? 'http' : 'https';
  return {
    seen,
    address: (login) => `${scheme}://${login === undefined ? '' : `${login}@`}${tls === undefined ? '127.0.0.1' : 'localhost'}:${port}`,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

function pass(hosts: ForwardProxyOptions['hosts'], request: IncomingMessage, response: ServerResponse): void {
  const asked = new URL(request.url ?? '');
  const target = hosts[`${asked.hostname}:${asked.port || 80}`];
  if (target === undefined) {
    response.writeHead(502).end();
    return;
  }
  const { 'proxy-authorization': _, ...headers } = request.headers;
  const path = `${asked.pathname}${asked.search}`;
  const upstream = httpRequest({ host: target.hostname, port: target.port, method: request.method, path, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  upstream.on('error', () => response.destroy());
  request.pipe(upstream);
}
