import type { TarInput } from './tar-reader.ts';

/** Bytes of a tar as they come. */
export class StreamInput implements TarInput {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #left: Buffer = Buffer.alloc(0);

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  async take(maxBytes: number): Promise<Buffer | undefined> {
    while (this.#left.length === 0) {
      const next = await this.#chunks.next();
      if (next.done === true) {
        return undefined;
      }
      this.#left = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength);
    }
    const chunk = this.#left.subarray(0, maxBytes);
    this.#left = this.#left.subarray(chunk.length);
    return chunk;
  }

  async skip(sizeBytes: number): Promise<boolean> {
    for (let left = sizeBytes; left > 0; ) {
      const chunk = await this.take(left);
      if (chunk === undefined) {
        return false;
      }
      left -= chunk.length;
    }
    return true;
  }

  async close(): Promise<void> {
    await this.#chunks.return?.();
  }
}
