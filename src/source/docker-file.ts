import { readFile, stat } from 'node:fs/promises';
import { hints, quote, type SourceFailure } from './source-error.ts';

const fileMaxBytes = 1024 * 1024;

/** A file of Docker's settings, undefined where it is not there. Throws `source-unreadable` for what cannot be read or is larger than 1 MiB. */
export async function readDockerFile(path: string, fail: SourceFailure): Promise<Buffer | undefined> {
  try {
    const found = await stat(path);
    if (found.isFile() && found.size <= fileMaxBytes) return await readFile(path);
  } catch (error) {
    const { code = 'unknown' } = error as { code?: string };
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw fail('source-unreadable', `${quote(path)} cannot be read (${code})`, hints.permission, error);
  }
  throw fail(
    'source-unreadable',
    `${quote(path)} is not a file of at most 1 MiB`,
    'Put the file there that belongs there, or set DOCKER_HOST.',
  );
}
