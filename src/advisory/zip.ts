import { type FileHandle, open } from 'node:fs/promises';
import { crc32, inflateRawSync } from 'node:zlib';
import { advisoryError } from './advisory-error.ts';
import { ZipBatch, type ZipContent } from './zip-batch.ts';
import { readZipDirectory, type ZipDirectory, type ZipEntry } from './zip-directory.ts';

/** Largest file in an archive; the largest OSV record known (a Linux kernel one) has under 4 MB. */
export const zipEntryLimitBytes = 32 * 1024 * 1024;

/** All files of one archive together; npm's, the largest of OSV, has about 1 GB. */
export const zipTotalLimitBytes = 8 * 1024 * 1024 * 1024;

export interface ZipFile {
  readonly name: string;
  /** Decompressed, its length and CRC-32 as the archive states them. */
  readonly bytes: Buffer;
}

/** Reads the files of a ZIP archive one after the other, in the order in which they lie in it. */
export async function* readZip(path: string): AsyncGenerator<ZipFile> {
  await using archive = await ZipArchive.open(path);
  for await (const contents of archive.contents()) {
    for (const { entry, bytes } of contents) yield { name: entry.name, bytes };
  }
}

/**
 * A ZIP archive (https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, with ZIP64), which is never in memory as a whole. What two readers
 * could read differently (overlapping files, bytes before or after, a local header that names another file), what is encrypted and what is
 * above the limits is refused as damaged.
 */
export class ZipArchive implements AsyncDisposable {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #window: FileWindow;
  readonly #directory: ZipDirectory;

  private constructor(path: string, file: FileHandle, directory: ZipDirectory) {
    this.#path = path;
    this.#file = file;
    this.#window = new FileWindow(file);
    this.#directory = directory;
    this.#checkEntries();
  }

  static async open(path: string): Promise<ZipArchive> {
    const file = await openArchive(path);
    try {
      return new ZipArchive(path, file, await readZipDirectory(file, (reason) => damagedArchive(path, reason)));
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** All files, in the order in which they lie in the archive, some at a time. */
  async *contents(): AsyncGenerator<readonly ZipContent[]> {
    const batch = new ZipBatch();
    for (const entry of this.#directory.entries) {
      const compressed = this.#compressed(entry, this.#window.held(entry.offset, localBytes(entry)) ?? (await this.#readLocal(entry)));
      if (entry.method === 'deflated' && batch.add(entry, compressed)) continue;
      yield await this.#inflate(batch);
      const again = this.#compressed(entry, await this.#readLocal(entry));
      if (entry.method === 'stored' || !batch.add(entry, again)) yield [{ entry, bytes: inflate(entry, again, this.#path) }];
    }
    yield await this.#inflate(batch);
  }

  /** One at a time, and not while `contents` is read: they share what is read of the file. */
  async read(entry: ZipEntry): Promise<Buffer> {
    return inflate(entry, this.#compressed(entry, await this.#readLocal(entry)), this.#path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }

  /** The entry as it lies in the archive. Valid until the next call. */
  #readLocal(entry: ZipEntry): Promise<Buffer> {
    return this.#window.read(entry.offset, localBytes(entry));
  }

  /** The local header repeats the name; where it differs, a reader that goes by local headers sees another file. */
  #compressed(entry: ZipEntry, local: Buffer): Buffer {
    if (local.length < localHeaderBytes || local.readUInt32LE(0) !== localHeaderSignature) {
      throw damagedArchive(this.#path, `file '${entry.name}' has no header`);
    }
    const nameEnd = localHeaderBytes + local.readUInt16LE(26);
    if (!local.subarray(localHeaderBytes, nameEnd).equals(entry.nameBytes)) {
      throw damagedArchive(this.#path, `the header of file '${entry.name}' names another`);
    }
    const content = nameEnd + local.readUInt16LE(28);
    if (entry.offset + content + entry.compressedBytes > entry.end) throw this.#runsOver(entry);
    return local.subarray(content, content + entry.compressedBytes);
  }

  async #inflate(batch: ZipBatch): Promise<readonly ZipContent[]> {
    const entries = [...batch.entries];
    try {
      return batch.inflate();
    } catch {
      // Each by itself, to name the one that is damaged.
      const contents: ZipContent[] = [];
      for (const entry of entries) contents.push({ entry, bytes: await this.read(entry) });
      return contents;
    }
  }

  #checkEntries(): void {
    let totalBytes = 0;
    for (const entry of this.#directory.entries) {
      totalBytes += entry.sizeBytes;
      if (entry.sizeBytes > zipEntryLimitBytes || totalBytes > zipTotalLimitBytes) {
        throw damagedArchive(this.#path, `file '${entry.name}' is above the size limit`);
      }
      // The local header repeats the name, and may have more than the directory tells.
      if (entry.offset + localHeaderBytes + entry.nameBytes.length + entry.compressedBytes > entry.end) throw this.#runsOver(entry);
    }
  }

  #runsOver({ name, end }: ZipEntry): Error {
    return damagedArchive(this.#path, `file '${name}' runs into ${end === this.#directory.offset ? 'the directory' : 'the next file'}`);
  }
}

export function damagedArchive(path: string, reason: string, cause?: unknown): Error {
  return advisoryError('damaged-archive', `cannot read advisories from ${path}: ${reason}`, 'download the archive again', cause);
}

async function openArchive(path: string): Promise<FileHandle> {
  try {
    return await open(path);
  } catch (cause) {
    throw advisoryError(
      'unreadable-archive',
      `cannot open ${path}: ${(cause as Error).message}`,
      'check the file and its permissions',
      cause,
    );
  }
}

/** Of an entry as it lies in the archive, whatever its local header says; a longer one runs over its end. */
function localBytes({ offset, end, nameBytes, compressedBytes }: ZipEntry): number {
  return Math.min(end - offset, localHeaderBytes + nameBytes.length + mostExtraBytes + compressedBytes);
}

function inflate(entry: ZipEntry, compressed: Buffer, path: string): Buffer {
  try {
    const bytes =
      entry.method === 'stored'
        ? Buffer.from(compressed)
        : inflateRawSync(compressed, { maxOutputLength: Math.max(1, entry.sizeBytes), chunkSize: Math.max(64, entry.sizeBytes + 1) });
    if (bytes.length === entry.sizeBytes && crc32(bytes) === entry.crc32) {
      return bytes;
    }
  } catch (cause) {
    throw damagedArchive(path, `file '${entry.name}' does not decompress`, cause);
  }
  throw damagedArchive(path, `file '${entry.name}' has another length or checksum than the directory says`);
}

const localHeaderBytes = 30;
const localHeaderSignature = 0x04034b50;
const mostExtraBytes = 0xffff;
const windowBytes = 1024 * 1024;

/** Reads a file in large pieces, since an archive holds ten thousands of small ones. */
class FileWindow {
  readonly #file: FileHandle;
  #memory = Buffer.alloc(0);
  #start = 0;
  #filled = 0;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Bytes at `offset`, where they are in memory. Valid until the next `read`. */
  held(offset: number, length: number): Buffer | undefined {
    const from = offset - this.#start;
    return from >= 0 && from + length <= this.#filled ? this.#memory.subarray(from, from + length) : undefined;
  }

  /** Bytes at `offset`, fewer at the end of the file. Valid until the next call. */
  async read(offset: number, length: number): Promise<Buffer> {
    const held = this.held(offset, length);
    if (held !== undefined) return held;
    if (this.#memory.length < length) this.#memory = Buffer.allocUnsafeSlow(Math.max(windowBytes, length));
    const { bytesRead } = await this.#file.read(this.#memory, 0, this.#memory.length, offset);
    this.#start = offset;
    this.#filled = bytesRead;
    return this.#memory.subarray(0, Math.min(length, bytesRead));
  }
}
