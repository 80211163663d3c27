import { crc32 } from 'node:zlib';
import { type BlockPool, BlockWriter } from './block-writer.ts';
import type { CompressedWriter } from './compressed-writer.ts';

/**
 * Writes one gzip member (RFC 1952) whose deflate stream is made of blocks that are compressed at the same time, each ended by a sync flush, as
 * pigz does. The header has no name and no time: equal input gives equal output, however it is cut.
 */
export class GzipWriter implements CompressedWriter {
  readonly #write: (bytes: Buffer) => Promise<void>;
  readonly #blocks: BlockWriter;
  #crc = 0;
  #sizeBytes = 0;
  #begun = false;

  constructor(pool: BlockPool, write: (bytes: Buffer) => Promise<void>) {
    this.#write = write;
    this.#blocks = new BlockWriter(pool, async (bytes) => {
      if (!this.#begun) await write(gzipHeader);
      this.#begun = true;
      await write(bytes);
    });
  }

  write(bytes: Buffer): Promise<void> {
    this.#crc = crc32(bytes, this.#crc);
    this.#sizeBytes += bytes.length;
    return this.#blocks.write(bytes);
  }

  async end(): Promise<void> {
    await this.#blocks.end();
    const trailer = Buffer.alloc(8);
    trailer.writeUInt32LE(this.#crc, 0);
    trailer.writeUInt32LE(this.#sizeBytes % 2 ** 32, 4);
    await this.#write(trailer);
  }

  discard(): void {
    this.#blocks.discard();
  }
}

/** Deflate, no flags, no time, no extra flags, operating system unknown (RFC 1952, 2.3). */
const gzipHeader = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
