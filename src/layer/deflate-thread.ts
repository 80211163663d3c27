import type { BlockSlot } from './block-writer.ts';
import { deflateWasm } from './deflate-wasm.ts';
import type { DeflateJob, DeflateWorkerData } from './deflate-worker.ts';
import { Thread } from './thread.ts';

const dictionaryBytes = 32 * 1024;
const blockBytes = 1024 * 1024;
const slotsPerThread = 3;
/** Work area of wasm/deflate.ts. */
const workBytes = 256 * 1024;
/** The compressor reads 8 bytes beyond a block, and stores what does not compress. */
const slotBytes = dictionaryBytes + blockBytes + 64;
const outputBytes = blockBytes + blockBytes / 64 + 1024;
const pageBytes = 64 * 1024;
const pages = Math.ceil((workBytes + slotsPerThread * (slotBytes + outputBytes)) / pageBytes);

/** A thread that compresses one block after the other in memory that it shares with us. */
export class DeflateThread implements Disposable {
  static readonly dictionaryBytes = dictionaryBytes;
  static readonly blockBytes = blockBytes;
  readonly #thread: Thread<DeflateJob, number>;
  readonly #memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  readonly #onRelease: () => void;
  readonly #free = Array.from({ length: slotsPerThread }, (_, slot) => slot);

  constructor(onRelease: () => void) {
    this.#onRelease = onRelease;
    compiled ??= new WebAssembly.Module(Buffer.from(deflateWasm, 'base64'));
    this.#thread = new Thread('deflate-worker', { module: compiled, memory: this.#memory } satisfies DeflateWorkerData);
  }

  get freeSlots(): number {
    return this.#free.length;
  }

  take(): BlockSlot | undefined {
    const slot = this.#free.pop();
    if (slot === undefined) return undefined;
    const start = workBytes + slot * (slotBytes + outputBytes);
    const output = start + slotBytes;
    return {
      input: Buffer.from(this.#memory.buffer, start, dictionaryBytes + blockBytes),
      compress: async (dictionary, block, last) => {
        const job = { input: start + dictionaryBytes, blockBytes: block, dictionaryBytes: dictionary, output, last };
        return Buffer.from(this.#memory.buffer, output, await this.#thread.run(job));
      },
      release: () => {
        this.#free.push(slot);
        this.#onRelease();
      },
    };
  }

  [Symbol.dispose](): void {
    this.#thread[Symbol.dispose]();
  }
}

/** Once for the process: threads share what the module is compiled to. */
let compiled: WebAssembly.Module | undefined;
