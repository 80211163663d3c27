import { Thread } from '../lib/thread.ts';
import type { BlockPool, BlockSlot } from './block-writer.ts';
import { type DeflateJob, openDeflate } from './deflate-module.ts';
import { blockBytes, DeflateSlots, dictionaryBytes } from './deflate-slots.ts';
import { deflateWasm } from './deflate-wasm.ts';
import type { DeflateWorkerData } from './deflate-worker.ts';

/**
 * Blocks for deflate. Layers of one block are compressed here, for that takes less time than to start a thread; the first that has more starts
 * `threads` of them.
 */
export class DeflatePool implements BlockPool, Disposable {
  readonly dictionaryBytes = dictionaryBytes;
  readonly blockBytes = blockBytes;
  readonly #threadCount: number;
  readonly #module = new WebAssembly.Module(Buffer.from(deflateWasm, 'base64'));
  readonly #waiting: (() => void)[] = [];
  readonly #here = new DeflateSlots(
    async (job) => this.#compressHere(job),
    () => this.#wake(),
  );
  readonly #deflateHere = openDeflate(this.#module, this.#here.memory);
  #hasLargeLayers = false;
  #threads: readonly (DeflateSlots & Disposable)[] | undefined;

  constructor(threads: number) {
    this.#threadCount = threads;
  }

  /** A slot of the thread that has most of them free. */
  take(): BlockSlot | undefined {
    const slot = this.#hasLargeLayers ? undefined : this.#here.take();
    if (slot !== undefined) return slot;
    this.#threads ??= Array.from({ length: this.#threadCount }, () => new DeflateThread(this.#module, () => this.#wake()));
    const [first] = this.#threads.toSorted((a, b) => b.freeCount - a.freeCount);
    return first?.take();
  }

  freed(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  [Symbol.dispose](): void {
    for (const thread of this.#threads ?? []) thread[Symbol.dispose]();
  }

  #compressHere(job: DeflateJob): number {
    this.#hasLargeLayers ||= !job.last;
    return this.#deflateHere(job);
  }

  #wake(): void {
    this.#waiting.shift()?.();
  }
}

class DeflateThread extends DeflateSlots implements Disposable {
  readonly #thread: Thread<DeflateJob, number>;

  constructor(module: WebAssembly.Module, onRelease: () => void) {
    super((job) => this.#thread.run(job), onRelease);
    this.#thread = new Thread('deflate-worker', import.meta.url, { module, memory: this.memory } satisfies DeflateWorkerData);
  }

  [Symbol.dispose](): void {
    this.#thread[Symbol.dispose]();
  }
}
