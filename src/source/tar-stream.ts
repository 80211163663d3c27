import type { FileHandle } from 'node:fs/promises';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { type Archive, type ArchiveFile, type ContentVisit, TarIndex } from './archive.ts';
import { DocumentStore } from './document-store.ts';
import { readBytes, readRange, toFileIdentity } from './file-access.ts';
import { hints, quote, type SourceFailure } from './source-error.ts';
import { StreamInput } from './stream-input.ts';
import { type ArchiveEntry, TarReader } from './tar-reader.ts';

/** A compressed archive may be as large as this whatever the ratio; deflate's greatest is 1032. */
const freeBytes = 1024 * 1024 * 1024;
const ratioLimit = 100;

/** Opens a gzip-compressed archive: it is read once for its table and documents, and once more for each visit. */
export async function openTarStream(handle: FileHandle, fail: SourceFailure): Promise<Archive> {
  const archive = new TarStream(handle, toFileIdentity(await handle.stat()), fail);
  await archive.scan();
  return archive;
}

class TarStream implements Archive {
  readonly identity: string;
  readonly #handle: FileHandle;
  readonly #fail: SourceFailure;
  readonly #index: TarIndex<undefined>;
  readonly #documents = new Map<string, Buffer>();

  constructor(handle: FileHandle, identity: string, fail: SourceFailure) {
    this.identity = identity;
    this.#handle = handle;
    this.#fail = fail;
    this.#index = new TarIndex(fail);
  }

  async scan(): Promise<void> {
    const documents = new DocumentStore();
    await this.#eachEntry(async (reader, entry) => {
      this.#index.add(entry, undefined);
      const kept = entry.kind === 'file' ? await documents.take(entry.sizeBytes, reader.content()) : undefined;
      if (kept?.document !== undefined) {
        this.#documents.set(entry.path, kept.document);
      }
      return true;
    });
  }

  async find(path: string): Promise<ArchiveFile | undefined> {
    return this.#index.find(path);
  }

  async read(path: string, maxBytes: number): Promise<Buffer> {
    const found = this.#index.find(path);
    const document = found === undefined ? undefined : this.#documents.get(found.path);
    if (found === undefined) {
      throw this.#fail('source-incomplete', `there is no ${quote(path)} in the archive`, hints.writeAgain);
    }
    if (document === undefined || document.length > maxBytes) {
      throw this.#fail('source-damaged', `${quote(path)} is no JSON document of at most ${maxBytes} bytes`, hints.writeAgain);
    }
    return document;
  }

  async visit(paths: readonly string[], _parallel: number, visit: ContentVisit): Promise<void> {
    const wanted = new Map(paths.map((path) => [this.#index.find(path)?.path ?? path, path]));
    await this.#eachEntry(async (reader, entry) => {
      const path = entry.kind === 'file' ? wanted.get(entry.path) : undefined;
      if (path !== undefined) {
        wanted.delete(entry.path);
        await visit(path, reader.content());
      }
      return wanted.size > 0;
    });
    const [missing] = wanted.values();
    if (missing !== undefined) {
      throw this.#fail('source-changed', `${quote(missing)} is no longer there`, 'Do not write to the archive while it is read.');
    }
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  /** Reads the archive from its start until `job` says that it has had enough. */
  async #eachEntry(job: (reader: TarReader, entry: ArchiveEntry) => Promise<boolean>): Promise<void> {
    const { size } = await this.#handle.stat();
    const input = new StreamInput(this.#inflate(size));
    try {
      const reader = new TarReader(input, this.#fail);
      for await (const entry of reader.entries()) {
        if (!(await job(reader, entry))) {
          return;
        }
      }
    } finally {
      await input.close();
    }
  }

  async *#inflate(sizeBytes: number): AsyncGenerator<Buffer> {
    const ended = () => this.#fail('source-changed', 'the file ended early', 'Do not write to the archive while it is read.');
    const packed = Readable.from(readRange(this.#handle, 0, sizeBytes, ended), { objectMode: false, highWaterMark: readBytes });
    const gunzip = pipeline(packed, createGunzip({ chunkSize: readBytes }), () => undefined);
    let inflated = 0;
    try {
      for await (const chunk of gunzip as AsyncIterable<Buffer>) {
        inflated += chunk.length;
        if (inflated > freeBytes && inflated > ratioLimit * sizeBytes) {
          throw this.#fail('source-damaged', `it inflates to more than ${ratioLimit} times its size`, hints.writeAgain);
        }
        yield chunk;
      }
    } catch (error) {
      const { code = '' } = error as { code?: string };
      throw code.startsWith('Z_') ? this.#fail('source-damaged', `its gzip stream is damaged (${code})`, hints.writeAgain, error) : error;
    }
  }
}
