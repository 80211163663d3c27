import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { HttpRequest } from '../../src/lib/http.ts';
import { createHttp, readWhole } from '../../src/lib/http-client.ts';
import { HttpError, type HttpErrorKind } from '../../src/lib/http-error.ts';

const http = createHttp({ userAgent: 'test/1' });
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function serve(listener: RequestListener): Promise<{ url: URL; server: Server }> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(
    () => server.closeAllConnections(),
    () => server.close(),
  );
  return { server, url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/path?token=hush`) };
}

async function serveRaw(onConnection: (socket: Socket, count: number) => void): Promise<URL> {
  let count = 0;
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    count += 1;
    onConnection(socket, count);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
}

async function failureOf(request: HttpRequest): Promise<HttpError> {
  const error: unknown = await http(request).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(HttpError);
  return error as HttpError;
}

async function* repeat(chunk: Uint8Array, times: number): AsyncGenerator<Uint8Array> {
  for (let count = 0; count < times; count += 1) yield chunk;
}

test('sends bytes with their length and gives the whole answer', async () => {
  const { url } = await serve(async (request, response) => {
    const body = await readWhole(request);
    response.writeHead(201, {
      'x-seen': JSON.stringify([request.method, request.headers['content-length'], request.headers['user-agent']]),
    });
    response.end(body);
  });
  const response = await http({ method: 'PUT', url, body: Buffer.from('content') });
  expect(response.status).toBe(201);
  expect(response.headers['x-seen']).toBe('["PUT","7","test/1"]');
  expect(response.body.toString()).toBe('content');
  expect(response.isPublicPeer).toBe(false);
});

test('sends an iterable chunk by chunk, reading it no faster than the other side takes it', async () => {
  let pulled = 0;
  async function* source(): AsyncGenerator<Uint8Array> {
    for (; pulled < 400; pulled += 1) yield Buffer.alloc(64 * 1024, pulled);
  }
  let atPause = 0;
  const { url } = await serve(async (request, response) => {
    request.pause();
    await new Promise((resolve) => setTimeout(resolve, 300));
    atPause = pulled;
    const body = await readWhole(request);
    response.end(`${request.headers['transfer-encoding']} ${body.length} ${body.at(-1)}`);
  });
  const response = await http({ method: 'PATCH', url, body: source() });
  expect(response.body.toString()).toBe(`chunked ${400 * 64 * 1024} ${399 % 256}`);
  expect(atPause).toBeLessThan(200);
});

test('does not follow redirects', async () => {
  const { url } = await serve((_request, response) => response.writeHead(307, { location: 'http://127.0.0.1:1/' }).end());
  expect((await http({ method: 'GET', url })).status).toBe(307);
});

test('takes an answer that comes before the body is sent, and stops sending', async () => {
  const { url } = await serve((_request, response) => response.writeHead(401, { connection: 'close' }).end('who are you?'));
  for (let round = 0; round < 20; round += 1) {
    let returned = false;
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        yield* repeat(Buffer.alloc(1024 * 1024), 1000);
      } finally {
        returned = true;
      }
    }
    const response = await http({ method: 'PATCH', url, body: source() });
    expect(response.status).toBe(401);
    expect(response.body.toString()).toBe('who are you?');
    await expect.poll(() => returned).toBe(true);
  }
});

test('an early answer releases a source that never gives its next chunk', async () => {
  const { url } = await serve((_request, response) => response.writeHead(413).end());
  let returned = false;
  const body: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise(() => undefined),
      return: async () => {
        returned = true;
        return { done: true, value: undefined };
      },
    }),
  };
  expect((await http({ method: 'PATCH', url, body, headers: { 'content-length': '10' } })).status).toBe(413);
  expect(returned).toBe(true);
});

test('passes on the error of a source', async () => {
  const { url } = await serve((request) => request.resume());
  async function* source(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('a');
    throw new RangeError('no more');
  }
  await expect(http({ method: 'PATCH', url, body: source() })).rejects.toThrow(new RangeError('no more'));
});

test.each<[string, (socket: Socket) => void, HttpErrorKind]>([
  ['closes at once', (socket) => socket.end(), 'reset'],
  ['resets', (socket) => socket.resetAndDestroy(), 'reset'],
  ['speaks something else', (socket) => socket.end('SSH-2.0-OpenSSH\r\n'), 'protocol'],
  ['cuts the body', (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc'), 'reset'],
  ['cuts a chunk', (socket) => socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc'), 'reset'],
  ['announces too much', (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\nabc'), 'too-large'],
  ['sends endless headers', (socket) => socket.write(`HTTP/1.1 200 OK\r\n${'x-a: aaaaaaaaaaaaaaa\r\n'.repeat(4000)}`), 'too-large'],
  ['never answers', () => undefined, 'timeout'],
  ['stalls in the body', (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc'), 'timeout'],
])('a server that %s', async (_name, answer, kind) => {
  const url = await serveRaw((socket) => socket.once('data', () => answer(socket)));
  const error = await failureOf({ method: 'GET', url, idleTimeoutMs: 150, maxBodyBytes: 1000 });
  expect(error.kind).toBe(kind);
  expect(error.host).toBe(url.host);
});

test('an endless body ends at the cap, and one byte at a time at the deadline', async () => {
  const { url } = await serve((request, response) => {
    if (request.url?.startsWith('/drip') === true) {
      const timer = setInterval(() => response.write('x'), 10);
      response.on('close', () => clearInterval(timer));
    } else {
      const timer = setInterval(() => response.write('x'.repeat(10_000)), 1);
      response.on('close', () => clearInterval(timer));
    }
  });
  expect((await failureOf({ method: 'GET', url, maxBodyBytes: 100_000 })).kind).toBe('too-large');
  expect((await failureOf({ method: 'GET', url: new URL('/drip', url), deadlineMs: 200 })).kind).toBe('timeout');
});

test('a slow source of ours is no silence of the other side', async () => {
  const { url } = await serve(async (request, response) => response.end(String((await readWhole(request)).length)));
  async function* source(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('a');
    await new Promise((resolve) => setTimeout(resolve, 1500));
    yield Buffer.from('b');
  }
  expect((await http({ method: 'PATCH', url, body: source(), idleTimeoutMs: 1000 })).body.toString()).toBe('2');
});

test('a slow consumer of ours is no silence either, and holds the other side back', async () => {
  let written = 0;
  const { url } = await serve(async (_request, response) => {
    for (; written < 400; written += 1) {
      if (!response.write(Buffer.alloc(64 * 1024))) await once(response, 'drain');
    }
    response.end();
  });
  const sizeBytes = await http.stream({ method: 'GET', url, idleTimeoutMs: 1000 }, async ({ body }) => {
    let size = 0;
    for await (const chunk of body) {
      if (size === 0) await new Promise((resolve) => setTimeout(resolve, 2000));
      if (size === 0) expect(written).toBeLessThan(300);
      size += chunk.length;
    }
    return size;
  });
  expect(sizeBytes).toBe(400 * 64 * 1024);
});

test('closes the connection where the consumer does not want the rest', async () => {
  let closed = false;
  const { url } = await serve((_request, response) => {
    response.on('close', () => {
      closed = true;
    });
    response.write('x'.repeat(1000));
  });
  await http.stream({ method: 'GET', url }, async ({ status }) => expect(status).toBe(200));
  await expect.poll(() => closed).toBe(true);
});

test('cancels, also before it begins', async () => {
  const { url } = await serve(() => undefined);
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 50);
  expect((await failureOf({ method: 'GET', url, signal: controller.signal })).kind).toBe('cancelled');
  expect((await failureOf({ method: 'GET', url, signal: controller.signal })).kind).toBe('cancelled');
});

test('uses a connection again, and sends once more where the server has just closed it', async () => {
  const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
  let connections = 0;
  const url = await serveRaw((socket, count) => {
    connections = count;
    let requests = 0;
    socket.on('data', () => {
      requests += 1;
      if (count === 1 && requests === 3) socket.destroy();
      else socket.write(answer);
    });
  });
  for (let round = 0; round < 4; round += 1) expect((await http({ method: 'GET', url })).body.toString()).toBe('ok');
  expect(connections).toBe(2);
  expect((await http({ method: 'HEAD', url: await serveHead() })).headers['content-length']).toBe('5000000000');
});

async function serveHead(): Promise<URL> {
  return (await serve((_request, response) => response.writeHead(200, { 'content-length': '5000000000' }).end())).url;
}

test('a broken connection is not taken for a stale one when the request may not be repeated', async () => {
  const url = await serveRaw((socket) => {
    let requests = 0;
    socket.on('data', () => {
      requests += 1;
      if (requests === 2) socket.destroy();
      else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    });
  });
  await http({ method: 'GET', url });
  expect((await failureOf({ method: 'POST', url })).kind).toBe('reset');
});

test('names host and path, never query, headers or user', async () => {
  const { url, server } = await serve(() => undefined);
  server.close();
  const error = await failureOf({ method: 'GET', url, headers: { authorization: 'Bearer hush' } });
  expect(error.kind).toBe('refused');
  expect(error.message).toBe(`GET http://${url.host}/path?… failed: no connection (ECONNREFUSED)`);
  const { inspect } = await import('node:util');
  expect(inspect(error, { depth: 10, showHidden: true })).not.toContain('hush');
  expect((await failureOf({ method: 'GET', url: new URL('http://me:hush@localhost/') })).message).not.toContain('hush');
});

test('tells a name that does not resolve from a port that nobody listens on', async () => {
  expect((await failureOf({ method: 'GET', url: new URL('http://nowhere.invalid/') })).kind).toBe('dns');
  expect((await failureOf({ method: 'GET', url: new URL('http://127.0.0.1:1/') })).kind).toBe('refused');
});

test('refuses what is not public where only that may be reached', async () => {
  const { url } = await serve((_request, response) => response.end());
  for (const host of ['127.0.0.1', 'localhost', '[::1]', '169.254.169.254', '[::ffff:127.0.0.1]', '0.0.0.0', '2130706433']) {
    const target = new URL(`http://${host}:${url.port}/`);
    expect((await failureOf({ method: 'GET', url: target, reach: 'public' })).kind, host).toBe('refused');
  }
});

test('speaks through a Unix socket', async () => {
  const socketPath = join(tmpdir(), `http-client-test-${process.pid}.sock`);
  const server = createServer((request, response) => response.end(`${request.headers.host} ${request.url}`)).listen(socketPath);
  await once(server, 'listening');
  cleanups.push(() => server.close());
  const url = new URL('http://docker/v1.44/images/app:ci/get');
  expect((await http({ method: 'GET', url, socketPath })).body.toString()).toBe('docker /v1.44/images/app:ci/get');
  expect((await failureOf({ method: 'GET', url, socketPath: `${socketPath}.none` })).message).toContain(`unix:${socketPath}.none:/v1.44`);
});
