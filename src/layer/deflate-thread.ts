import { Worker } from 'node:worker_threads';
import { StepError } from '../lib/step-error.ts';
import type { BlockSlot } from './block-writer.ts';
import { deflateWasm } from './deflate-wasm.ts';
import type { DeflateJob, DeflateWorkerData } from './deflate-worker.ts';

const dictionaryBytes = 32 * 1024;
const blockBytes = 1024 * 1024;
const slotsPerThread = 3;
/** Work area of wasm/deflate.ts. */
const workBytes = 192 * 1024;
/** The compressor reads 8 bytes beyond a block, and stores what does not compress. */
const slotBytes = dictionaryBytes + blockBytes + 64;
const outputBytes = blockBytes + blockBytes / 64 + 1024;
const pageBytes = 64 * 1024;
const pages = Math.ceil((workBytes + slotsPerThread * (slotBytes + outputBytes)) / pageBytes);

/** Beside this file: bundled in dist/, as a source where the sources run. */
const program = new URL(import.meta.url.endsWith('.ts') ? './deflate-worker.ts' : '../deflate-worker.js', import.meta.url);

interface Job {
  readonly resolve: (bytes: number) => void;
  readonly reject: (error: unknown) => void;
}

/** A thread that compresses one block after the other in memory that it shares with us. It holds the process only while it has work. */
export class DeflateThread implements Disposable {
  static readonly dictionaryBytes = dictionaryBytes;
  static readonly blockBytes = blockBytes;
  readonly #worker: Worker;
  readonly #memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  readonly #onRelease: () => void;
  readonly #free = Array.from({ length: slotsPerThread }, (_, slot) => slot);
  /** In the order in which they were sent, which is that of the answers. */
  readonly #jobs: Job[] = [];
  #failure: StepError<'compressor-failed'> | undefined;

  constructor(onRelease: () => void) {
    this.#onRelease = onRelease;
    compiled ??= new WebAssembly.Module(Buffer.from(deflateWasm, 'base64'));
    const data: DeflateWorkerData = { module: compiled, memory: this.#memory };
    this.#worker = new Worker(program, { workerData: data, env: {}, execArgv: [] });
    this.#worker.on('message', (bytes: number) => this.#finish(bytes));
    this.#worker.on('error', (error) => this.#fail(error));
    this.#worker.on('exit', () => this.#fail(undefined));
    // After the listeners, for that to messages holds the process.
    this.#worker.unref();
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
        return Buffer.from(this.#memory.buffer, output, await this.#run(job));
      },
      release: () => {
        this.#free.push(slot);
        this.#onRelease();
      },
    };
  }

  [Symbol.dispose](): void {
    void this.#worker.terminate();
  }

  #run(job: DeflateJob): Promise<number> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      this.#jobs.push({ resolve, reject });
      this.#worker.ref();
      this.#worker.postMessage(job);
    });
  }

  #finish(bytes: number): void {
    this.#jobs.shift()?.resolve(bytes);
    if (this.#jobs.length === 0) this.#worker.unref();
  }

  #fail(cause: unknown): void {
    this.#failure ??= new StepError({
      code: 'compressor-failed',
      origin: 'us',
      message: 'cannot compress the layers: a thread ended before it was done',
      hint: 'This is a defect of the step or too little memory; run it again, and report it where it happens again.',
      cause,
    });
    for (const { reject } of this.#jobs.splice(0)) reject(this.#failure);
  }
}

/** Once for the process: threads share what the module is compiled to. */
let compiled: WebAssembly.Module | undefined;
