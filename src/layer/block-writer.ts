import type { CompressedWriter } from './compressed-writer.ts';

/** Room for one block of a stream, and the way to compress it. */
export interface BlockSlot {
  /** Room for a dictionary and the block behind it. */
  readonly input: Buffer;
  /**
   * Compresses the first `blockBytes` behind the dictionary's room, of which the last `dictionaryBytes` hold what came before. The answer is valid until
   * `release`, and has to be waited for before it.
   */
  compress(dictionaryBytes: number, blockBytes: number, last: boolean): Promise<Buffer>;
  /** Gives the room back. */
  release(): void;
}

/** Slots of all that compresses at the same time. */
export interface BlockPool {
  /** Bytes before a block that are shown to the compressor. 0: each block is compressed by itself. */
  readonly dictionaryBytes: number;
  readonly blockBytes: number;
  /** A slot, where one is free. */
  take(): BlockSlot | undefined;
  /** Resolves when `take` may have one again. */
  freed(): Promise<void>;
}

interface PendingBlock {
  readonly slot: BlockSlot;
  readonly compressed: Promise<Buffer>;
}

/**
 * Cuts a stream into blocks, compresses several at once and gives what comes of them to `write`, in order and awaited one by one, each valid
 * during its call. The more slots are free, the more blocks are under way; whoever finds none free writes out its own oldest block first, so that
 * streams which share a pool never wait for each other in a circle, as long as there are more slots than streams.
 */
export class BlockWriter implements CompressedWriter {
  readonly #pool: BlockPool;
  readonly #write: (bytes: Buffer) => Promise<void>;
  readonly #tail: Buffer;
  #slot: BlockSlot | undefined;
  #filled = 0;
  #dictionaryBytes = 0;
  readonly #pending: PendingBlock[] = [];

  constructor(pool: BlockPool, write: (bytes: Buffer) => Promise<void>) {
    this.#pool = pool;
    this.#write = write;
    this.#tail = Buffer.allocUnsafe(pool.dictionaryBytes);
  }

  /** Takes the next bytes, which are not kept; resolves when more can be taken. */
  async write(bytes: Buffer): Promise<void> {
    const { dictionaryBytes, blockBytes } = this.#pool;
    for (let at = 0; at < bytes.length; ) {
      this.#slot ??= await this.#next();
      const copied = bytes.copy(this.#slot.input, dictionaryBytes + this.#filled, at, at + blockBytes - this.#filled);
      at += copied;
      this.#filled += copied;
      if (this.#filled === blockBytes) this.#submit(this.#slot, false);
    }
  }

  /** After the last bytes: resolves when everything is written. */
  async end(): Promise<void> {
    this.#submit(this.#slot ?? (await this.#next()), true);
    while (this.#pending.length > 0) await this.#flush();
  }

  /** Gives the slots back, also of what is still being compressed. */
  discard(): void {
    this.#slot?.release();
    this.#slot = undefined;
    for (const { slot, compressed } of this.#pending.splice(0)) {
      const release = (): void => slot.release();
      compressed.then(release, release);
    }
  }

  async #next(): Promise<BlockSlot> {
    for (;;) {
      const slot = this.#pool.take();
      if (slot !== undefined) {
        const { dictionaryBytes } = this.#pool;
        this.#tail.copy(slot.input, dictionaryBytes - this.#dictionaryBytes, dictionaryBytes - this.#dictionaryBytes);
        return slot;
      }
      await (this.#pending.length > 0 ? this.#flush() : this.#pool.freed());
    }
  }

  #submit(slot: BlockSlot, last: boolean): void {
    const compressed = slot.compress(this.#dictionaryBytes, this.#filled, last);
    compressed.catch(() => undefined);
    this.#pending.push({ slot, compressed });
    const { dictionaryBytes, blockBytes } = this.#pool;
    if (!last) this.#dictionaryBytes = slot.input.copy(this.#tail, 0, blockBytes, blockBytes + dictionaryBytes);
    this.#slot = undefined;
    this.#filled = 0;
  }

  async #flush(): Promise<void> {
    const [oldest] = this.#pending;
    if (oldest === undefined) return;
    const bytes = await oldest.compressed;
    await this.#write(bytes);
    this.#pending.shift();
    oldest.slot.release();
  }
}
