import { mkdir, mkdtemp, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, toHex } from '../../model/digest.ts';
import { digestOfSnapshot, openSnapshotBytes, type SnapshotBytes } from './snapshot-bytes.ts';

export interface CachedSnapshotOptions {
  readonly folder: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly now: () => Date;
  /** Gives the bytes of the digest, or rejects. */
  readonly fetch: (consume: (content: AsyncIterable<Buffer>) => Promise<void>) => Promise<void>;
  readonly log: (line: string) => void;
  /** For the log. */
  readonly name: string;
}

/** A snapshot that no run has used for as long is removed. */
const keptMs = 14 * 24 * 60 * 60 * 1000;

/**
 * A snapshot from the cache, or fetched into it. What the cache has is held against its digest: others may write there. A file appears under its name
 * only when it is whole, so that runs which fetch the same at once do not meet. Undefined where the cache cannot be used, which is told; what `fetch`
 * rejects with is passed on.
 */
export async function openCachedSnapshot(options: CachedSnapshotOptions): Promise<SnapshotBytes | undefined> {
  const { folder, digest, sizeBytes, name, now, log } = options;
  const path = join(folder, `${toHex(digest)}.snapshot`);
  const kept = await openVerified(path, options);
  if (kept !== undefined) {
    await utimes(path, now(), now()).catch(() => undefined);
    log(`Took the advisories ${name} from the cache.`);
    return kept;
  }
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await fetchTo(path, options);
    log(`Fetched the advisories ${name}: ${(sizeBytes / 1e6).toFixed(1)} MB.`);
    await removeUnused(folder, now());
    return await openSnapshotBytes(path);
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (syscall === undefined || !isOfFiles(code)) throw error;
    log(`Cannot keep advisories in ${folder}: ${code}.`);
    return undefined;
  }
}

/** Of the network are others (`ECONNRESET`), which are wrapped besides. */
function isOfFiles(code: string | undefined): boolean {
  return ['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT', 'ENOTDIR', 'EEXIST', 'ENOENT', 'EMFILE', 'EIO'].includes(code ?? '');
}

async function openVerified(path: string, { digest, sizeBytes, log }: CachedSnapshotOptions): Promise<SnapshotBytes | undefined> {
  const bytes = await openSnapshotBytes(path).catch(() => undefined);
  if (bytes === undefined) return undefined;
  if (bytes.sizeBytes === sizeBytes && (await digestOfSnapshot(bytes)) === digest) return bytes;
  await bytes.close();
  log(`What the cache has as ${path} is something else; it is fetched again.`);
  return undefined;
}

async function fetchTo(path: string, { folder, fetch }: CachedSnapshotOptions): Promise<void> {
  const temporary = await mkdtemp(join(folder, '.part-'));
  try {
    const part = join(temporary, 'part');
    await fetch(async (content) => {
      const file = await open(part, 'w', 0o600);
      try {
        for await (const chunk of content) await file.appendFile(chunk);
      } finally {
        await file.close();
      }
    });
    await rename(part, path);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function removeUnused(folder: string, now: Date): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!/^(?:[0-9a-f]{64}\.snapshot|\.part-\w+)$/.test(name)) continue;
    const path = join(folder, name);
    const found = await stat(path).catch(() => undefined);
    if (found !== undefined && now.getTime() - found.mtimeMs > keptMs) await rm(path, { recursive: true, force: true });
  }
}
