import { gunzipSync } from 'node:zlib';
import type { ZipEntry } from './zip-directory.ts';

/** An entry of an archive with its content. */
export interface ZipContent {
  readonly entry: ZipEntry;
  readonly bytes: Buffer;
}

const batchBytes = 256 * 1024;
const mostInflatedBytes = 4 * 1024 * 1024;
const memberHeader = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
const trailerBytes = 8;

/**
 * Deflated files one behind the other as members of one gzip file (RFC 1952, section 2.2): zlib inflates them in one call, and holds each against its
 * checksum and size on the way. An archive has ten thousands of files of a kilobyte, and a call for each takes three times as long as inflating it.
 */
export class ZipBatch {
  readonly #memory = Buffer.allocUnsafeSlow(batchBytes);
  readonly #entries: ZipEntry[] = [];
  #filled = 0;
  #inflatedBytes = 0;

  get entries(): readonly ZipEntry[] {
    return this.#entries;
  }

  /** False where it does not fit; then nothing is added. */
  add(entry: ZipEntry, compressed: Buffer): boolean {
    const end = this.#filled + memberHeader.length + compressed.length + trailerBytes;
    if (end > batchBytes || this.#inflatedBytes + entry.sizeBytes > mostInflatedBytes) return false;
    const content = this.#filled + memberHeader.copy(this.#memory, this.#filled);
    const trailer = content + compressed.copy(this.#memory, content);
    this.#memory.writeUInt32LE(entry.crc32, trailer);
    this.#memory.writeUInt32LE(entry.sizeBytes, trailer + 4);
    this.#filled = end;
    this.#inflatedBytes += entry.sizeBytes;
    this.#entries.push(entry);
    return true;
  }

  /** The content of all that was added, which is taken out. Throws where one of them is damaged; which one it is not said. */
  inflate(): readonly ZipContent[] {
    const entries = this.#entries.splice(0);
    const [filled, total] = [this.#filled, this.#inflatedBytes];
    this.#filled = 0;
    this.#inflatedBytes = 0;
    if (entries.length === 0) return [];
    const options = { maxOutputLength: Math.max(1, total), chunkSize: Math.max(64, total + 1) };
    const bytes = gunzipSync(this.#memory.subarray(0, filled), options);
    if (bytes.length !== total) throw new Error(`it inflates to ${bytes.length} bytes instead of ${total}`);
    let at = 0;
    return entries.map((entry) => {
      at += entry.sizeBytes;
      return { entry, bytes: bytes.subarray(at - entry.sizeBytes, at) };
    });
  }
}
