import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { temporaryFolder } from './reading.ts';

export interface FakeDaemonOptions {
  /** Answers to `/images/NAME/json`, by name. */
  readonly images: Readonly<Record<string, object>>;
  /** What `/images/ID/get` sends, by id. */
  readonly archives: Readonly<Record<string, Buffer>>;
  /** Cuts the connection after that many bytes of an archive. */
  readonly cutAfter?: number;
}

/** A Docker daemon on a Unix socket that answers from memory, in small chunks, and keeps what it was asked. */
export async function startFakeDaemon(
  options: FakeDaemonOptions,
): Promise<{ readonly dockerHost: string; readonly calls: readonly string[] }> {
  const calls: string[] = [];
  const server = createServer((request, response) => {
    calls.push(`${request.method} ${request.url}`);
    answer(options, request, response);
  });
  const socket = join(temporaryFolder(), 'docker.sock');
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { dockerHost: `unix://${socket}`, calls };
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
