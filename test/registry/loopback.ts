import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { createHttp, readWhole } from '../../src/lib/http-client.ts';
import type { RegistryCredential } from '../../src/registry/credential.ts';
import { toRegistryAddress } from '../../src/registry/reference.ts';
import { openRepository, type Repository, type RepositoryOptions } from '../../src/registry/repository.ts';
import { Session, type SessionOptions } from '../../src/registry/session.ts';

export const http = createHttp({ userAgent: 'test' });

export interface Seen {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** What a server does with one request; `destroy` breaks the connection without an answer. */
export type Behaviour = (request: Seen, response: ServerResponse) => unknown;

export interface Loopback {
  readonly host: string;
  readonly url: URL;
  readonly seen: Seen[];
}

/** A server that lives until the test ends, and keeps what it was sent. */
export async function serve(behave: Behaviour, address = '127.0.0.1'): Promise<Loopback> {
  const seen: Seen[] = [];
  const server: Server = createServer(async (request, response) => {
    const body = await readWhole(request).catch(() => Buffer.alloc(0));
    const entry = { method: request.method ?? '', path: request.url ?? '', headers: request.headers, body };
    seen.push(entry);
    await behave(entry, response);
  }).listen(0, address);
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const host = `${address}:${(server.address() as AddressInfo).port}`;
  return { host, url: new URL(`http://${host}/`), seen };
}

export const anonymous: RegistryCredential = { kind: 'anonymous' };

/** Time that passes only while somebody sleeps. */
export function clock() {
  let time = Date.parse('2026-11-23T18:00:00Z');
  const waits: number[] = [];
  return {
    waits,
    now: () => new Date(time),
    random: () => 0.5,
    sleep: async (ms: number) => {
      waits.push(ms);
      time += ms;
      await new Promise(setImmediate);
    },
    pass: (ms: number) => {
      time += ms;
    },
  };
}

export function open(host: string, options: Partial<RepositoryOptions> = {}): Repository {
  return openRepository({ registry: host, repository: 'team/app' }, { http, credential: anonymous, ...clock(), ...options });
}

export function openSession(host: string, options: Partial<SessionOptions> = {}): Session {
  return new Session({
    registry: toRegistryAddress(host),
    repository: 'team/app',
    http,
    credential: anonymous,
    retry: clock(),
    ...options,
  });
}
