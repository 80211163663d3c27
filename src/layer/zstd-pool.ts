import { zstdCompressBlock } from '../lib/zstd.ts';
import type { BlockPool, BlockSlot } from './block-writer.ts';

/** Larger than the window of the level (512 KiB), so that frames of their own cost next to nothing in size. */
const blockBytes = 2 * 1024 * 1024;
/** The negative levels below it gave 11 % more bytes of the shop image, in no less time. */
const level = 1;

/** Blocks for zstd, each a frame of its own (RFC 8878, 3.1), on `threads` threads: as many are compressed at once, and two are filled or written out. */
export class ZstdPool implements BlockPool {
  readonly dictionaryBytes = 0;
  readonly blockBytes = blockBytes;
  readonly #free: Buffer[];
  readonly #waiting: (() => void)[] = [];
  #idleThreads: number;
  readonly #queue: (() => void)[] = [];

  constructor(threads: number) {
    this.#idleThreads = threads;
    this.#free = Array.from({ length: threads + 3 }, () => Buffer.allocUnsafeSlow(blockBytes));
  }

  take(): BlockSlot | undefined {
    const input = this.#free.pop();
    if (input === undefined) return undefined;
    return {
      input,
      compress: (_dictionaryBytes, bytes) => this.#run(() => zstdCompressBlock(input.subarray(0, bytes), level)),
      release: () => {
        this.#free.push(input);
        this.#waiting.shift()?.();
      },
    };
  }

  freed(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** No more at once than there are processors: Node's threads also read files, which would have to wait. */
  async #run(compress: () => Promise<Buffer>): Promise<Buffer> {
    if (this.#idleThreads > 0) this.#idleThreads -= 1;
    else await new Promise<void>((resolve) => this.#queue.push(resolve));
    try {
      return await compress();
    } finally {
      const next = this.#queue.shift();
      if (next === undefined) this.#idleThreads += 1;
      else next();
    }
  }
}
