import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { TlsIdentity } from '../../src/sandbox/stand-in.ts';
import { temporaryFolder } from './reading.ts';

export interface FakeDaemonOptions {
  /** Answers to `/images/NAME/json`, by name. */
  readonly images: Readonly<Record<string, object>>;
  /** What `/images/ID/get` sends, by id. */
  readonly archives: Readonly<Record<string, Buffer>>;
  /** Cuts the connection after that many bytes of an archive. */
  readonly cutAfter?: number;
  /** Listens on 127.0.0.1 with TLS, to clients of the same authority alone. */
  readonly tls?: { readonly identity: TlsIdentity; readonly ca: string };
}

/** A Docker daemon, by default on a Unix socket, that answers from memory, in small chunks, and keeps what it was asked. */
export async function startFakeDaemon(
  options: FakeDaemonOptions,
): Promise<{ readonly dockerHost: string; readonly calls: readonly string[] }> {
  const calls: string[] = [];
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    calls.push(`${request.method} ${request.url}`);
    answer(options, request, response);
  };
  const { tls } = options;
  const server =
    tls === undefined
      ? createServer(serve)
      : createTlsServer({ key: tls.identity.keyPem, cert: tls.identity.certificatePem, ca: tls.ca, requestCert: true }, serve);
  const socket = join(temporaryFolder(), 'docker.sock');
  await new Promise<void>((resolve) => {
    if (tls === undefined) server.listen(socket, resolve);
    else server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return { dockerHost: typeof address === 'object' && address !== null ? `tcp://127.0.0.1:${address.port}` : `unix://${socket}`, calls };
}

function answer({ images, archives, cutAfter }: FakeDaemonOptions, request: IncomingMessage, response: ServerResponse): void {
  const [, name = '', verb] = /^\/images\/(.+)\/(json|get)$/.exec(request.url ?? '') ?? [];
  if (request.url === '/images/json') {
    response.end(JSON.stringify(Object.keys(images).map((image) => ({ RepoTags: [image] }))));
  } else if (verb === 'json' && images[name] !== undefined) {
    response.end(JSON.stringify(images[name]));
  } else if (verb === 'get' && archives[name] !== undefined) {
    void send(archives[name], cutAfter, response);
  } else {
    response.writeHead(404, { 'content-type': 'application/json' }).end(JSON.stringify({ message: `No such image: ${name}` }));
  }
}

async function send(archive: Buffer, cutAfter: number | undefined, response: ServerResponse): Promise<void> {
  const bytes = archive.subarray(0, cutAfter);
  for (let at = 0; at < bytes.length && !response.destroyed; at += 70_001) {
    await new Promise((resolve) => response.write(bytes.subarray(at, at + 70_001), resolve));
  }
  if (cutAfter === undefined) response.end();
  else response.destroy();
}
