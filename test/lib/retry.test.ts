import type { IncomingHttpHeaders } from 'node:http';
import { expect, test } from 'vitest';
import type { HttpRequest } from '../../src/lib/http.ts';
import { HttpError, type HttpErrorKind } from '../../src/lib/http-error.ts';
import { type RetryOptions, retry, retryAfterMs, retryableStatuses } from '../../src/lib/retry.ts';

const request: HttpRequest = { method: 'GET', url: new URL('https://registry.example/v2/') };
const start = Date.parse('2026-11-23T18:00:00Z');

interface Step {
  readonly status?: number;
  readonly headers?: IncomingHttpHeaders;
  readonly error?: Error;
}

async function run(steps: readonly Step[], options: Partial<RetryOptions> = {}) {
  let time = start;
  const waits: number[] = [];
  const sleep = async (ms: number): Promise<void> => {
    waits.push(ms);
    time += ms;
  };
  let tries = 0;
  const outcome = await retry({ now: () => new Date(time), random: () => 0.5, sleep, ...options }, async (count) => {
    const { status = 200, headers = {}, error } = steps[Math.min(count, steps.length) - 1] ?? {};
    tries = count;
    time += 10;
    if (error !== undefined) throw error;
    return { status, headers };
  }).then(
    ({ status }) => status,
    (error: unknown) => error,
  );
  return { outcome, tries, waits };
}

test('an answer that stays is given at once', async () => {
  for (const status of [200, 301, 400, 401, 403, 404, 409, 416, 501, 505]) {
    expect(await run([{ status }])).toEqual({ outcome: status, tries: 1, waits: [] });
  }
});

test('each retryable status is tried again, with doubled waits', async () => {
  for (const status of retryableStatuses) {
    expect(await run([{ status }, { status }, {}])).toEqual({ outcome: 200, tries: 3, waits: [375, 750] });
  }
});

test('gives the last answer after the last try', async () => {
  expect(await run([{ status: 503 }], { attempts: 3 })).toEqual({ outcome: 503, tries: 3, waits: [375, 750] });
});

test.each<[HttpErrorKind, string, boolean]>([
  ['reset', 'ECONNRESET', true],
  ['timeout', '', true],
  ['refused', 'ECONNREFUSED', true],
  ['refused', 'EACCES', false],
  ['dns', 'EAI_AGAIN', true],
  ['dns', 'ENOTFOUND', false],
  ['tls', 'CERT_HAS_EXPIRED', false],
  ['too-large', '', false],
  ['protocol', 'HPE_INVALID_CONSTANT', false],
  ['cancelled', '', false],
])('a connection that fails with %s %s', async (kind, code, again) => {
  const error = new HttpError(kind, request, 'reason', code);
  expect(await run([{ error }, {}])).toMatchObject(again ? { outcome: 200, tries: 2 } : { outcome: error, tries: 1 });
});

test('an error that is not of the connection is never repeated', async () => {
  const error = new TypeError('x');
  expect(await run([{ error }])).toEqual({ outcome: error, tries: 1, waits: [] });
});

test('waits as long as the server asks, and gives up where that is too long', async () => {
  expect((await run([{ status: 429, headers: { 'retry-after': '7' } }, {}])).waits).toEqual([7000]);
  const date = 'Mon, 23 Nov 2026 18:00:20 GMT';
  expect((await run([{ status: 503, headers: { 'retry-after': date } }, {}])).waits).toEqual([19_990]);
  expect(await run([{ status: 429, headers: { 'retry-after': '1000000000' } }])).toEqual({ outcome: 429, tries: 1, waits: [] });
  expect((await run([{ status: 429, headers: { 'retry-after': '0' } }, {}])).waits).toEqual([375]);
});

test('begins no try after the deadline', async () => {
  const { outcome, waits } = await run([{ status: 503, headers: { 'retry-after': '50' } }], { attempts: 100 });
  expect(outcome).toBe(503);
  expect(waits).toEqual([50_000, 50_000]);
});

test('reads Retry-After as seconds or an HTTP date, and nothing else', () => {
  const now = new Date(start);
  const read = (text: string) => retryAfterMs({ headers: { 'retry-after': text } }, now);
  expect(read('120')).toBe(120_000);
  expect(read('Mon, 23 Nov 2026 17:00:00 GMT')).toBe(0);
  for (const text of ['', '-1', '1.5', '1e3', 'soon', '2026-11-23', '9'.repeat(400), 'Mon, 99 Nov 2026 17:00:00 GMT']) {
    expect(read(text), text).toBeUndefined();
  }
  expect(retryAfterMs({ headers: {} }, now)).toBeUndefined();
});
