import { type FileHandle, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { forEachParallel } from '../lib/parallel.ts';
import type { Archive, ArchiveFile, ContentVisit } from './archive.ts';
import { openFile, readAhead, toFileError } from './file-access.ts';
import { hints, quote, type SourceFailure } from './source-error.ts';

/** The files of an OCI layout in a folder. Links are followed: build tools make layouts of them, and every blob is held against its digest. */
export class LayoutFolder implements Archive {
  readonly identity = '';
  readonly #folder: string;
  readonly #fail: SourceFailure;

  constructor(folder: string, fail: SourceFailure) {
    this.#folder = folder;
    this.#fail = fail;
  }

  async find(path: string): Promise<ArchiveFile | undefined> {
    try {
      const stats = await stat(join(this.#folder, path));
      return stats.isFile() ? { path, sizeBytes: stats.size } : undefined;
    } catch (error) {
      const failure = toFileError(error, path, this.#fail);
      if (failure.code === 'source-not-found') {
        return undefined;
      }
      throw failure;
    }
  }

  async read(path: string, maxBytes: number): Promise<Buffer> {
    const found = await this.find(path);
    if (found === undefined) {
      throw this.#fail('source-incomplete', `there is no ${quote(path)} in the folder`, hints.writeAgain);
    }
    if (found.sizeBytes > maxBytes) {
      throw this.#fail('source-damaged', `${quote(path)} is larger than ${maxBytes} bytes`, hints.writeAgain);
    }
    return await readFile(join(this.#folder, path)).catch((error: unknown) => {
      throw toFileError(error, path, this.#fail);
    });
  }

  async list(path: string): Promise<readonly string[]> {
    return await readdir(join(this.#folder, path)).catch((error: unknown) => {
      const failure = toFileError(error, path, this.#fail);
      if (failure.code === 'source-not-found') return [];
      throw failure;
    });
  }

  async visit(paths: readonly string[], parallel: number, visit: ContentVisit): Promise<void> {
    await forEachParallel(paths, parallel, async (path) => {
      const handle = await openFile(join(this.#folder, path), this.#fail);
      try {
        await visit(path, this.#content(path, handle));
      } finally {
        await handle.close();
      }
    });
  }

  async close(): Promise<void> {
    // Each file is closed when it has been read.
  }

  async *#content(path: string, handle: FileHandle): AsyncGenerator<Uint8Array> {
    const { size } = await handle.stat();
    yield* readAhead(handle, 0, size, (cause) =>
      this.#fail('source-changed', `${quote(path)} ended early`, 'Do not write to the folder while it is read.', cause),
    );
  }
}
