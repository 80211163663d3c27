import type { BlockSlot } from './block-writer.ts';
import type { DeflateJob } from './deflate-module.ts';

const slotCount = 3;
export const dictionaryBytes = 32 * 1024;
export const blockBytes = 1024 * 1024;
/** Work area of wasm/deflate.ts. */
const workBytes = 256 * 1024;
/** The compressor reads 8 bytes beyond a block, and stores what does not compress. */
const slotBytes = dictionaryBytes + blockBytes + 64;
const outputBytes = blockBytes + blockBytes / 64 + 1024;
const pageBytes = 64 * 1024;
const pages = Math.ceil((workBytes + slotCount * (slotBytes + outputBytes)) / pageBytes);

/** Blocks in the memory of one compressor: one is filled, one compressed, one written out. */
export class DeflateSlots {
  readonly memory: WebAssembly.Memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  readonly #run: (job: DeflateJob) => Promise<number>;
  readonly #onRelease: () => void;
  readonly #free = Array.from({ length: slotCount }, (_, slot) => slot);

  /** `run` compresses a block in the memory, one after the other, and gives the number of bytes that it has written. */
  constructor(run: (job: DeflateJob) => Promise<number>, onRelease: () => void) {
    this.#run = run;
    this.#onRelease = onRelease;
  }

  get freeCount(): number {
    return this.#free.length;
  }

  take(): BlockSlot | undefined {
    const slot = this.#free.pop();
    if (slot === undefined) return undefined;
    const start = workBytes + slot * (slotBytes + outputBytes);
    const output = start + slotBytes;
    return {
      input: Buffer.from(this.memory.buffer, start, dictionaryBytes + blockBytes),
      compress: async (dictionary, block, last) => {
        const job = { input: start + dictionaryBytes, blockBytes: block, dictionaryBytes: dictionary, output, last };
        return Buffer.from(this.memory.buffer, output, await this.#run(job));
      },
      release: () => {
        this.#free.push(slot);
        this.#onRelease();
      },
    };
  }
}
