import { type FileHandle, open } from 'node:fs/promises';
import { crc32, inflateRawSync } from 'node:zlib';
import { advisoryError } from './advisory-error.ts';
import { readZipDirectory, type ZipEntry } from './zip-directory.ts';

/** Largest file in an archive; the largest OSV record known (a Linux kernel one) has under 4 MB. */
export const zipEntryLimitBytes = 32 * 1024 * 1024;

/** All files of one archive together; npm's, the largest of OSV, has about 1 GB. */
export const zipTotalLimitBytes = 8 * 1024 * 1024 * 1024;

export interface ZipFile {
  readonly name: string;
  /** Decompressed, its length and CRC-32 as the archive states them. */
  readonly bytes: Buffer;
}

/**
 * Reads the files of a ZIP archive (https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, with ZIP64) one after the other, in the order
 * in which they lie in it; the archive is never in memory as a whole. What two readers could read differently (overlapping files, bytes
 * before or after, a local header that names another file), what is encrypted and what is above the limits is refused as damaged.
 */
export async function* readZip(path: string): AsyncGenerator<ZipFile> {
  const file = await openArchive(path);
  try {
    const window = new FileWindow(file);
    const directory = await readZipDirectory(file, (reason) => damagedArchive(path, reason));
    let freeFrom = 0;
    let totalBytes = 0;
    for (const entry of directory.entries) {
      totalBytes += entry.sizeBytes;
      if (entry.offset < freeFrom || entry.sizeBytes > zipEntryLimitBytes || totalBytes > zipTotalLimitBytes) {
        throw damagedArchive(path, `file '${entry.name}' overlaps another or is above the size limit`);
      }
      if (entry.offset + entry.compressedBytes > directory.offset) {
        throw damagedArchive(path, `file '${entry.name}' runs into the directory`);
      }
      const content = await contentOffset(entry, window, path);
      freeFrom = content + entry.compressedBytes;
      if (freeFrom > directory.offset) {
        throw damagedArchive(path, `file '${entry.name}' runs into the directory`);
      }
      yield { name: entry.name, bytes: inflate(entry, await window.read(content, entry.compressedBytes), path) };
    }
  } finally {
    await file.close();
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

/** The local header repeats the name; where it differs, a reader that goes by local headers sees another file. */
async function contentOffset(entry: ZipEntry, window: FileWindow, path: string): Promise<number> {
  const header = await window.read(entry.offset, localHeaderBytes);
  if (header.length < localHeaderBytes || header.readUInt32LE(0) !== localHeaderSignature) {
    throw damagedArchive(path, `file '${entry.name}' has no header`);
  }
  const nameBytes = header.readUInt16LE(26);
  const extraBytes = header.readUInt16LE(28);
  const name = await window.read(entry.offset + localHeaderBytes, nameBytes);
  if (!name.equals(entry.nameBytes)) {
    throw damagedArchive(path, `the header of file '${entry.name}' names another`);
  }
  return entry.offset + localHeaderBytes + nameBytes + extraBytes;
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
const windowBytes = 4 * 1024 * 1024;

/** Reads a file in large pieces, since an archive holds ten thousands of small ones. */
class FileWindow {
  readonly #file: FileHandle;
  #start = 0;
  #bytes: Buffer = Buffer.alloc(0);

  constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Bytes at `offset`, fewer at the end of the file. Valid until the next call. */
  async read(offset: number, length: number): Promise<Buffer> {
    if (offset < this.#start || offset + length > this.#start + this.#bytes.length) {
      const buffer = Buffer.allocUnsafe(Math.max(windowBytes, length));
      const { bytesRead } = await this.#file.read(buffer, 0, buffer.length, offset);
      this.#start = offset;
      this.#bytes = buffer.subarray(0, bytesRead);
    }
    return this.#bytes.subarray(offset - this.#start, offset - this.#start + length);
  }
}
