import type { Stats } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { hints, quote, type SourceFailure } from './source-error.ts';

/** Bytes that are read at once. */
export const readBytes = 1024 * 1024;

/** Opens a file for reading; folders, devices and missing files are refused with what to do about them. */
export async function openFile(file: string, fail: SourceFailure): Promise<FileHandle> {
  try {
    // Before opening: a named pipe would wait for its writer.
    if ((await stat(file)).isFile()) {
      return await open(file, 'r');
    }
  } catch (error) {
    throw toFileError(error, file, fail);
  }
  throw fail('source-unreadable', `${quote(file)} is not a file`, 'Give the path of the archive itself; a folder is read with oci:DIR.');
}

export function toFileError(error: unknown, file: string, fail: SourceFailure) {
  const { code = 'unknown' } = error as { code?: string };
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return fail('source-not-found', `there is no ${quote(file)}`, 'Check the path; it is relative to the workspace.', error);
  }
  const hint = code === 'EACCES' || code === 'EPERM' ? hints.permission : 'Check the disk and the file system.';
  return fail('source-unreadable', `${quote(file)} cannot be read (${code})`, hint, error);
}

/** Equal as long as nobody has written to the file or put another in its place. */
export function toFileIdentity({ dev, ino, size, mtimeMs }: Stats): string {
  return [dev, ino, size, mtimeMs].join(':');
}

/** Bytes `start` to `end` of a file, in large pieces, each in memory of its own. */
export async function* readRange(
  handle: FileHandle,
  start: number,
  end: number,
  ended: (cause?: unknown) => Error,
): AsyncGenerator<Uint8Array> {
  for (let at = start; at < end; ) {
    const piece = await readPiece(handle, Buffer.allocUnsafe(Math.min(readBytes, end - at)), at, end, ended);
    at += piece.length;
    yield piece;
  }
}

/**
 * As `readRange`, for who is done with a piece when it asks for the next: two pieces of memory take turns, and while one is used the other is
 * read into.
 */
export async function* readAhead(
  handle: FileHandle,
  start: number,
  end: number,
  ended: (cause?: unknown) => Error,
): AsyncGenerator<Uint8Array> {
  const read = (into: Buffer, at: number) => readPiece(handle, into, at, end, ended);
  const length = Math.min(readBytes, end - start);
  let [used, next] = [Buffer.allocUnsafeSlow(length), Buffer.allocUnsafeSlow(length)];
  let reading = start < end ? read(next, start) : undefined;
  try {
    for (let at = start; reading !== undefined; ) {
      const piece: Buffer = await reading;
      at += piece.length;
      [used, next] = [next, used];
      reading = at < end ? read(next, at) : undefined;
      yield piece;
    }
  } finally {
    await reading?.catch(() => undefined);
  }
}

async function readPiece(handle: FileHandle, into: Buffer, at: number, end: number, ended: (cause?: unknown) => Error): Promise<Buffer> {
  const { bytesRead } = await handle.read(into, 0, Math.min(into.length, end - at), at).catch((error: unknown) => {
    throw ended(error);
  });
  if (bytesRead === 0) {
    throw ended();
  }
  return into.subarray(0, bytesRead);
}
