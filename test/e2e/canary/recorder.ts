import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { readWhole } from '../../../src/lib/http-client.ts';
import type { Answer, Exchange, ReceivedRequest } from '../../../src/sandbox/exchange.ts';
import type { TlsIdentity } from '../../../src/sandbox/stand-in.ts';

export interface RecorderOptions {
  readonly target: URL;
  readonly onExchange: (exchange: Exchange) => void;
  /** Speaks https to its clients. */
  readonly tls?: TlsIdentity | undefined;
  /** The host that it is called by; its own address where absent. */
  readonly name?: string;
  /** Answers in place of the target where it gives an answer. */
  readonly tamper?: ((request: ReceivedRequest) => Answer | undefined) | undefined;
}

export interface Recorder {
  /** Its own address. */
  readonly url: URL;
  /** Host and port as they stand in a reference. */
  readonly host: string;
  close(): Promise<void>;
}

/** Stands before a server and keeps every byte that both sides send. The server's own address becomes the recorder's in what it answers. */
export async function startRecorder({ target, onExchange, tls, name, tamper }: RecorderOptions): Promise<Recorder> {
  const shown = { origin: '' };
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    pass(request, response).catch(() => response.destroy());
  };
  const server = tls === undefined ? createServer(listener) : createTlsServer({ key: tls.keyPem, cert: tls.certificatePem }, listener);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const scheme = tls === undefined ? 'http' : 'https';
  const url = new URL(`${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`);
  shown.origin = name === undefined ? url.origin : `${scheme}://${name}`;

  async function pass(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readWhole(message);
    const request = { method: message.method ?? 'GET', url: new URL(message.url ?? '/', shown.origin), headers: message.headers, body };
    const { status, headers, body: content } = tamper?.(request) ?? (await ask(target, shown.origin, request));
    onExchange({ request, answer: { status, headers, body: content } });
    response.writeHead(status, headers).end(content);
  }

  return {
    url,
    host: new URL(shown.origin).host,
    close: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function ask(target: URL, origin: string, { method, url, headers, body }: ReceivedRequest): Promise<Answer> {
  const send = target.protocol === 'https:' ? httpsRequest : httpRequest;
  // What is behind is the harness's own matter: its certificate is the sandbox's.
  const options = { method, headers: { ...headers, host: target.host }, rejectUnauthorized: false };
  const upstream = send(new URL(`${url.pathname}${url.search}`, target), options).end(body);
  const [answer] = (await once(upstream, 'response')) as [IncomingMessage];
  const rename = (text: string): string => text.replaceAll(target.origin, origin);
  const content = Buffer.from(rename((await readWhole(answer)).toString('latin1')), 'latin1');
  const given = JSON.parse(rename(JSON.stringify(answer.headers))) as Record<string, string>;
  if (method !== 'HEAD' && given['content-length'] !== undefined) given['content-length'] = String(content.length);
  return { status: answer.statusCode ?? 502, headers: given, body: content };
}
