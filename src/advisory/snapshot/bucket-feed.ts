import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { HttpClient, HttpRequest } from '../../lib/http.ts';
import { readWhole } from '../../lib/http-client.ts';
import { HttpError } from '../../lib/http-error.ts';
import { type RetryOptions, retry } from '../../lib/retry.ts';
import { advisoryError } from '../advisory-error.ts';
import { supportedEcosystems } from '../ecosystem.ts';
import { readZip } from '../zip.ts';
import { chooseEcosystems } from './directory-feed.ts';
import type { EcosystemFeed } from './snapshot-writer.ts';

/** https://google.github.io/osv.dev/data/#data-dumps */
export const osvBucket = 'https://osv-vulnerabilities.storage.googleapis.com/';

export interface BucketOptions {
  /** Where `ecosystems.txt` and `ECOSYSTEM/all.zip` are: osv.dev's bucket, or a mirror of it. */
  readonly url: URL;
  /** Those that are named; empty for all whose versions this program can order. */
  readonly ecosystems: readonly string[];
  readonly http: HttpClient;
  readonly retry: RetryOptions;
  /** Where one archive at a time lies while it is read. */
  readonly folder: string;
  readonly log: (line: string) => void;
}

const archiveLimitBytes = 4 * 1024 ** 3;
const listLimitBytes = 1024 * 1024;
const idleTimeoutMs = 60_000;

/** Downloads the archives of a bucket, one after the other. Nothing is sent but the requests for them. */
export async function* openBucketFeeds(options: BucketOptions): AsyncGenerator<EcosystemFeed> {
  const { url, ecosystems, folder, log } = options;
  const there = await fetchEcosystems(options);
  const byDefault = supportedEcosystems.filter((name) => there.includes(name));
  for (const name of chooseEcosystems(ecosystems, there, byDefault, url.origin)) {
    const file = join(folder, 'all.zip');
    const sizeBytes = await download(options, `${encodeURIComponent(name)}/all.zip`, file);
    log(`Fetched the advisories of ${name}: ${(sizeBytes / 1e6).toFixed(1)} MB.`);
    yield { name, records: readZip(file) };
    await rm(file);
  }
}

/** The names without release; the list has both. */
async function fetchEcosystems(options: BucketOptions): Promise<readonly string[]> {
  let text = '';
  await exchange(options, 'ecosystems.txt', listLimitBytes, async (body) => {
    text = (await readWhole(body)).toString('utf8');
  });
  return [...new Set(text.split(/\r?\n/).map((line) => line.split(':', 1)[0]?.trim() ?? ''))].filter((name) =>
    /^[\w. -]{1,64}$/.test(name),
  );
}

async function download(options: BucketOptions, path: string, file: string): Promise<number> {
  let sizeBytes = 0;
  await exchange(options, path, archiveLimitBytes, async (body) => {
    const target = createWriteStream(file);
    await pipeline(body, target);
    sizeBytes = target.bytesWritten;
  });
  return sizeBytes;
}

/** Repeated as a whole: archives of a bucket are replaced while they are read. */
async function exchange(
  { url, http, retry: options }: BucketOptions,
  path: string,
  maxBodyBytes: number,
  consume: (body: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<void> {
  const base = url.href.replace(/\/*$/, '/');
  const request: HttpRequest = { method: 'GET', url: new URL(path, base), maxBodyBytes, idleTimeoutMs };
  const attempt = () =>
    http.stream(request, async ({ status, headers, body }) => {
      await (status === 200 ? consume(body) : readWhole(body));
      return { status, headers };
    });
  try {
    const { status } = await retry({ deadlineMs: 600_000, ...options }, attempt);
    if (status === 200) return;
    const hint = 'try again later, or name a directory or a mirror of the archives in the input advisories';
    throw advisoryError('service-refused', `cannot fetch ${path} from ${url.origin}: it answers with status ${status}`, hint);
  } catch (cause) {
    if (!(cause instanceof HttpError)) throw cause;
    throw advisoryError('service-unreachable', `cannot fetch ${path} from ${url.origin}: ${cause.message}`, cause.hint, cause);
  }
}
