import { availableParallelism } from 'node:os';
import { Duplex } from 'node:stream';
import type { Worker } from 'node:worker_threads';
import { type OutputCount, releaseOutput, startZstdWorker, type ZstdReply, type ZstdTask } from './zstd-worker.ts';

/** Compresses a block in one of as many threads as there are cores; they end with the process and do not keep it alive. */
export async function compressInThread(bytes: Buffer, level: number): Promise<Buffer> {
  const idle = threads.find(({ pending }) => pending === 0);
  if (idle === undefined && threads.length < availableParallelism()) threads.push(new CompressionThread());
  const chosen = idle ?? threads.reduce((least, thread) => (thread.pending < least.pending ? thread : least));
  return await chosen.compress(bytes, level);
}

const threads: CompressionThread[] = [];

class CompressionThread {
  readonly #worker: Worker;
  readonly #outputs: OutputCount;
  readonly #waiting: { readonly resolve: (bytes: Buffer) => void; readonly reject: (error: Error) => void }[] = [];
  #output: Buffer = Buffer.alloc(0);
  #failure: Error | undefined;

  constructor() {
    const { worker, outputs } = startZstdWorker();
    this.#worker = worker;
    this.#outputs = outputs;
    worker.on('message', (reply: ZstdReply) => this.#take(reply));
    worker.on('error', (error) => this.#fail(error));
    worker.on('exit', () => this.#fail(new Error('a thread that compresses has ended')));
  }

  get pending(): number {
    return this.#waiting.length;
  }

  compress(bytes: Buffer, level: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) {
        reject(this.#failure);
        return;
      }
      this.#waiting.push({ resolve, reject });
      this.#worker.ref();
      post(this.#worker, { kind: 'compress', bytes: new Uint8Array(bytes), level });
    });
  }

  #take(reply: ZstdReply): void {
    if (reply.kind === 'output') {
      releaseOutput(this.#outputs);
      this.#output = Buffer.from(reply.bytes.buffer);
      return;
    }
    const { resolve, reject } = this.#waiting.shift() ?? {};
    if (this.#waiting.length === 0) this.#worker.unref();
    if (reply.kind === 'done') resolve?.(this.#output);
    else reject?.(new Error('a block was not compressed'));
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#failure);
  }
}

/** Decodes zstd frames in a thread of its own, which ends with the stream. */
export class ThreadDecoder extends Duplex {
  readonly #worker: Worker;
  readonly #outputs: OutputCount;
  #done: ((error?: Error | null) => void) | undefined;
  /** Outputs that were pushed while nobody read: the thread is let on when somebody does. */
  #unread = 0;

  constructor() {
    super({ readableHighWaterMark: readableBytes });
    const { worker, outputs } = startZstdWorker();
    this.#worker = worker;
    this.#outputs = outputs;
    worker.on('message', (reply: ZstdReply) => this.#take(reply));
    worker.on('error', (error) => this.destroy(error));
    worker.on('exit', () => this.destroy(new Error('the thread that decodes has ended')));
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#done = done;
    post(this.#worker, { kind: 'decompress', bytes: new Uint8Array(bytes) });
  }

  override _final(done: () => void): void {
    this.push(null);
    done();
  }

  override _read(): void {
    for (; this.#unread > 0; this.#unread--) releaseOutput(this.#outputs);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#worker.removeAllListeners();
    this.#worker.terminate().then(() => done(error), done);
  }

  #take(reply: ZstdReply): void {
    if (reply.kind === 'output') {
      if (this.push(Buffer.from(reply.bytes.buffer))) releaseOutput(this.#outputs);
      else this.#unread++;
      return;
    }
    const done = this.#done;
    this.#done = undefined;
    done?.(reply.kind === 'done' ? null : new Error('a block or a checksum is damaged'));
  }
}

const readableBytes = 512 * 1024;

function post(worker: Worker, task: ZstdTask & { readonly bytes: Uint8Array<ArrayBuffer> }): void {
  worker.postMessage(task, [task.bytes.buffer]);
}
