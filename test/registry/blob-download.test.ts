import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import { readWhole } from '../../src/lib/http-client.ts';
import { digestOf } from '../../src/registry/artifact.ts';
import { type Behaviour, clock, open, type Seen, serve } from './loopback.ts';

const content = randomBytes(10_000_000);
const blob = { digest: digestOf(content), size: content.length };

/** Sends `bytes` of an answer that promises all of `whole`, then breaks the connection. */
async function breakAfter(response: ServerResponse, bytes: Buffer, whole: number): Promise<void> {
  response.setHeader('content-length', whole);
  await new Promise<void>((resolve) => response.write(bytes, () => resolve()));
  // What was written is read first where the other side does not see the end at once.
  await new Promise((resolve) => setTimeout(resolve, 50));
  response.destroy();
}

/** Serves ranges, and breaks off after `pieces` bytes each time. */
function breaking(pieceBytes: number, ranges = true): Behaviour {
  return async ({ headers }: Seen, response: ServerResponse) => {
    const start = ranges ? Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0) : 0;
    const rest = content.subarray(start);
    if (headers.range !== undefined && ranges) {
      response.writeHead(206, { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}`, 'content-length': rest.length });
    }
    if (rest.length <= pieceBytes) return response.end(rest);
    if (response.headersSent) {
      await new Promise<void>((resolve) => response.write(rest.subarray(0, pieceBytes), () => resolve()));
      await new Promise((resolve) => setTimeout(resolve, 50));
      return response.destroy();
    }
    return breakAfter(response, rest.subarray(0, pieceBytes), rest.length);
  };
}

async function read(host: string, time = clock()) {
  let consumers = 0;
  const chunks: Buffer[] = [];
  await open(host, time).fetchBlob(blob, async (body) => {
    consumers += 1;
    for await (const chunk of body) chunks.push(chunk);
  });
  return { isWhole: Buffer.concat(chunks).equals(content), consumers };
}

test('a download that breaks off goes on at the byte where it was', async () => {
  const { host, seen } = await serve(breaking(3_000_000));
  expect(await read(host)).toEqual({ isWhole: true, consumers: 1 });
  const starts = seen.map(({ headers }) => Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0));
  expect(starts).toHaveLength(4);
  expect(starts).toEqual([...starts].sort((a, b) => a - b));
  expect(starts.slice(1).every((start) => start > 0)).toBe(true);
});

test('one that breaks off as often as it takes ends all the same, while it gets on', async () => {
  const { host, seen } = await serve(breaking(1_100_000));
  const time = clock();
  expect(await read(host, time)).toEqual({ isWhole: true, consumers: 1 });
  expect(seen.length).toBeGreaterThan(8);
  expect(Math.max(...time.waits)).toBeLessThan(1000);
});

test('a registry without ranges sends it again, and nobody reads a byte twice', async () => {
  let tries = 0;
  const { host, seen } = await serve((request, response) => {
    tries += 1;
    return tries < 3 ? breaking(2_000_000 * tries, false)(request, response) : response.end(content);
  });
  expect(await read(host)).toEqual({ isWhole: true, consumers: 1 });
  expect(seen.map(({ headers }) => headers.range !== undefined)).toEqual([false, true, true]);
});

test.each([
  ['of another place', 206, `bytes 5-${content.length - 1}/${content.length}`],
  ['of another size', 206, `bytes 2000000-${content.length}/${content.length + 1}`],
  ['that it does not say', 206, ''],
  ['that it refuses', 416, ''],
])('a range %s is not believed: the blob is asked for whole', async (_what, status, range) => {
  let tries = 0;
  const { host, seen } = await serve((request, response) => {
    tries += 1;
    if (tries === 1) return breaking(2_000_000)(request, response);
    return request.headers.range === undefined ? response.end(content) : response.writeHead(status, { 'content-range': range }).end('x');
  });
  expect(await read(host)).toEqual({ isWhole: true, consumers: 1 });
  expect(seen.at(-1)?.headers.range).toBeUndefined();
});

test('one that does not get on is given up after five breaks, with longer waits between', async () => {
  const { host, seen } = await serve((_request, response) => breakAfter(response, content.subarray(0, 10), content.length));
  const time = clock();
  await expect(read(host, time)).rejects.toMatchObject({ code: 'unreachable', message: expect.stringContaining(blob.digest) });
  expect(seen).toHaveLength(6);
  expect(time.waits).toEqual([...time.waits].sort((a, b) => a - b));
});

test('other bytes end in an error before the end of the content', async () => {
  const other = Buffer.from(content);
  other[9_000_000] = (other[9_000_000] ?? 0) ^ 1;
  const { host } = await serve((_request, response) => response.end(other));
  let isWhole = false;
  const reading = open(host).fetchBlob(blob, async (body) => {
    for await (const _ of body);
    isWhole = true;
  });
  await expect(reading).rejects.toMatchObject({ code: 'digest-mismatch' });
  expect(isWhole).toBe(false);
});

test('who stops reading closes the connection, and gets his own error', async () => {
  let closed = false;
  const { host } = await serve(async (_request, response) => {
    response.once('close', () => {
      closed = true;
    });
    response.writeHead(200, { 'content-length': content.length }).write(content.subarray(0, 1000));
  });
  const failure = new Error('the upload failed');
  const reading = open(host).fetchBlob(blob, async (body) => {
    for await (const _ of body) throw failure;
  });
  await expect(reading).rejects.toBe(failure);
  await expect.poll(() => closed).toBe(true);
});

test('an empty blob is asked for', async () => {
  const { host, seen } = await serve((_request, response) => response.end());
  await open(host).fetchBlob({ digest: digestOf(Buffer.alloc(0)), size: 0 }, async (body) => {
    for await (const _ of body) expect.unreachable();
  });
  expect(seen).toHaveLength(1);
});

test.each([-1, 1])('a blob whose size is not what somebody has written (%i byte) is asked for once, and nobody waits', async (more) => {
  const bytes = Buffer.from('{"junk":1}');
  const { host, seen } = await serve((_request, response) => response.writeHead(200, { 'content-length': bytes.length }).end(bytes));
  const time = clock();
  const lied = { digest: digestOf(bytes), size: bytes.length + more };
  await expect(open(host, time).fetchBlob(lied, readWhole)).rejects.toMatchObject({
    code: 'digest-mismatch',
  });
  expect([seen.length, time.waits]).toEqual([1, []]);
});
