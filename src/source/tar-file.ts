import type { FileHandle } from 'node:fs/promises';
import { forEachParallel } from '../lib/parallel.ts';
import { type Archive, type ArchiveFile, type ContentVisit, TarIndex } from './archive.ts';
import { openFile, readAhead, readBytes, readRange, toFileIdentity } from './file-access.ts';
import { hints, quote, type SourceFailure } from './source-error.ts';
import { type TarInput, TarReader } from './tar-reader.ts';

/** Opens an image archive that is not compressed. */
export async function openTarFile(file: string, fail: SourceFailure): Promise<Archive> {
  const handle = await openFile(file, fail);
  try {
    return await TarFile.index(handle, fail);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** A tar that can be read at several places at once. */
class TarFile implements Archive {
  readonly identity: string;
  readonly #handle: FileHandle;
  readonly #fail: SourceFailure;
  readonly #index: TarIndex<number>;

  private constructor(handle: FileHandle, identity: string, fail: SourceFailure, index: TarIndex<number>) {
    this.identity = identity;
    this.#handle = handle;
    this.#fail = fail;
    this.#index = index;
  }

  static async index(handle: FileHandle, fail: SourceFailure): Promise<TarFile> {
    const stats = await handle.stat();
    const input = new FileInput(handle);
    const index = new TarIndex<number>(fail);
    for await (const entry of new TarReader(input, fail).entries()) {
      if (entry.kind === 'file' && input.position + entry.sizeBytes > stats.size) {
        throw fail('source-damaged', `the archive is cut off in ${quote(entry.path)}`, hints.writeAgain);
      }
      index.add(entry, input.position);
    }
    return new TarFile(handle, toFileIdentity(stats), fail, index);
  }

  async find(path: string): Promise<ArchiveFile | undefined> {
    return this.#index.find(path);
  }

  async list(path: string): Promise<readonly string[]> {
    return this.#index.list(path);
  }

  async read(path: string, maxBytes: number): Promise<Buffer> {
    const { sizeBytes } = this.#place(path);
    if (sizeBytes > maxBytes) {
      throw this.#fail('source-damaged', `${quote(path)} is larger than ${maxBytes} bytes`, hints.writeAgain);
    }
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.#content(path, readRange)) {
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }

  async visit(paths: readonly string[], parallel: number, visit: ContentVisit): Promise<void> {
    await forEachParallel(paths, parallel, (path) => visit(path, this.#content(path, readAhead)));
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  async *#content(path: string, read: typeof readRange): AsyncGenerator<Uint8Array> {
    const { place, sizeBytes } = this.#place(path);
    yield* read(this.#handle, place, place + sizeBytes, (cause) =>
      this.#fail('source-changed', `${quote(path)} ended early`, hints.leaveAlone, cause),
    );
  }

  #place(path: string) {
    const found = this.#index.find(path);
    if (found === undefined) {
      throw this.#fail('source-incomplete', `there is no ${quote(path)} in the archive`, hints.writeAgain);
    }
    return found;
  }
}

class FileInput implements TarInput {
  readonly #handle: FileHandle;
  position = 0;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async take(maxBytes: number): Promise<Buffer | undefined> {
    const length = Math.min(maxBytes, readBytes);
    const { bytesRead, buffer } = await this.#handle.read(Buffer.allocUnsafe(length), 0, length, this.position);
    this.position += bytesRead;
    return bytesRead === 0 ? undefined : buffer.subarray(0, bytesRead);
  }

  async skip(sizeBytes: number): Promise<boolean> {
    this.position += sizeBytes;
    return true;
  }
}
