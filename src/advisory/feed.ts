import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import type { Http } from '../lib/http.ts';
import { HttpError } from '../lib/http-error.ts';
import { type RetryOptions, retry } from '../lib/retry.ts';
import { StepError } from '../lib/step-error.ts';
import { advisoryError } from './advisory-error.ts';

/** A list that someone publishes as one file. */
export type Feed = { readonly kind: 'file'; readonly path: string } | { readonly kind: 'url'; readonly url: URL };

export interface FeedAccess {
  readonly http: Http;
  readonly retry: RetryOptions;
}

/** Far above today's: CISA's catalogue has 1.5 MB, EPSS 2 MB compressed and 11 MB not. */
const fetchLimitBytes = 64 * 1024 * 1024;
const readLimitBytes = 256 * 1024 * 1024;
const redirectLimit = 5;

/**
 * Reads a feed as it comes, decompressed where it begins as gzip does, and gives what `parse` makes of it. Rejects with a StepError where it cannot be
 * read, is larger than 256 MiB, or `parse` throws: then the feed is damaged.
 */
export async function readFeed<T>(feed: Feed, access: FeedAccess, parse: (bytes: AsyncIterable<Buffer>) => Promise<T>): Promise<T> {
  const name = feed.kind === 'file' ? feed.path : feed.url.href;
  try {
    return await parse(bounded(unpacked(feed.kind === 'file' ? fromFile(feed.path) : fromUrl(feed.url, access))));
  } catch (cause) {
    if (cause instanceof StepError) throw cause;
    const hint = 'download it again, and check that it is the list that the input asks for';
    throw advisoryError('feed-damaged', `cannot use ${name}: ${(cause as Error).message}`, hint, cause);
  }
}

async function* fromFile(path: string): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of createReadStream(path)) yield chunk;
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
    throw advisoryError('feed-unreadable', `cannot read ${path}: ${reason}`, 'check the file and its permissions', cause);
  }
}

async function* fromUrl(start: URL, { http, retry: options }: FeedAccess): AsyncGenerator<Buffer> {
  const hint = 'check the URL, or download the file beforehand and give its path';
  const refuse = (reason: string, cause?: unknown) => advisoryError('feed-unreadable', `cannot read ${start.href}: ${reason}`, hint, cause);
  let url = start;
  for (let redirects = 0; redirects <= redirectLimit; redirects += 1) {
    const answer = await retry(options, () => http({ method: 'GET', url, maxBodyBytes: fetchLimitBytes })).catch((cause: unknown) => {
      throw cause instanceof HttpError ? refuse(cause.message, cause) : cause;
    });
    if (answer.status === 200) {
      yield answer.body;
      return;
    }
    const { location } = answer.headers;
    if (![301, 302, 303, 307, 308].includes(answer.status) || location === undefined)
      throw refuse(`it answers with status ${answer.status}`);
    if (!URL.canParse(location, url.href)) throw refuse('it redirects to what is no URL');
    url = new URL(location, url);
    if (url.protocol !== start.protocol || url.username !== '' || url.password !== '')
      throw refuse(`it redirects to ${url.protocol} or with a password`);
  }
  throw refuse(`it redirects more than ${redirectLimit} times`);
}

async function* unpacked(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const iterator = bytes[Symbol.asyncIterator]();
  const first = await iterator.next();
  const rest = { [Symbol.asyncIterator]: () => iterator };
  if (first.done) return;
  const all = prepended(first.value, rest);
  yield* first.value[0] === 0x1f && first.value[1] === 0x8b ? inflated(all) : all;
}

async function* prepended(first: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  yield* rest;
}

async function* inflated(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const { pipeline } = await import('node:stream/promises');
  const gunzip = createGunzip();
  const done = pipeline(bytes, gunzip);
  // What fails is told by the reading below.
  done.catch(() => undefined);
  for await (const chunk of gunzip) yield chunk;
  await done;
}

async function* bounded(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let total = 0;
  for await (const chunk of bytes) {
    total += chunk.length;
    if (total > readLimitBytes) throw new Error(`it is larger than ${readLimitBytes} bytes`);
    yield chunk;
  }
}
