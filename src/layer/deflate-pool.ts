import type { BlockPool, BlockSlot } from './block-writer.ts';
import { DeflateThread } from './deflate-thread.ts';

/** Blocks for deflate on `threads` threads, each with room for three: one is filled, one compressed, one written out. */
export class DeflatePool implements BlockPool, Disposable {
  readonly dictionaryBytes = DeflateThread.dictionaryBytes;
  readonly blockBytes = DeflateThread.blockBytes;
  readonly #threadCount: number;
  #threads: readonly DeflateThread[] | undefined;
  readonly #waiting: (() => void)[] = [];

  constructor(threads: number) {
    this.#threadCount = threads;
  }

  /** A slot of the thread that has most of them free. The first one starts the threads. */
  take(): BlockSlot | undefined {
    const wake = (): void => this.#waiting.shift()?.();
    this.#threads ??= Array.from({ length: this.#threadCount }, () => new DeflateThread(wake));
    const [first] = this.#threads.toSorted((a, b) => b.freeSlots - a.freeSlots);
    return first?.take();
  }

  freed(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  [Symbol.dispose](): void {
    for (const thread of this.#threads ?? []) thread[Symbol.dispose]();
  }
}
