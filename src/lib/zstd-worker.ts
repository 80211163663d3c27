import { isMainThread, type MessagePort, parentPort, Worker, workerData } from 'node:worker_threads';
import type { VectorU8, ZstdBinding, ZstdDecompressStream } from 'zstd-codec/lib/zstd-codec-binding-wasm.js';

/** What a worker is asked for. Decoding goes on where the message before ended. */
export type ZstdTask =
  | { readonly kind: 'compress'; readonly bytes: Uint8Array; readonly level: number }
  | { readonly kind: 'decompress'; readonly bytes: Uint8Array };

/** Any number of `output`s, then one of the others for each task, in order. */
export type ZstdReply =
  | { readonly kind: 'output'; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'done' }
  | { readonly kind: 'failed' };

/** Decoded blocks that wait for their reader, counted in shared memory: the worker stops above `outputsInFlight`. */
export type OutputCount = Int32Array<SharedArrayBuffer>;

const outputsInFlight = 8;

interface WorkerData {
  readonly role: 'image-custody-zstd';
  readonly outputs: OutputCount;
}

/** Starts a thread that runs this very file. It keeps the process alive unless told otherwise. */
export function startZstdWorker(): { readonly worker: Worker; readonly outputs: OutputCount } {
  const outputs = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const data: WorkerData = { role: 'image-custody-zstd', outputs };
  return { worker: new Worker(new URL(import.meta.url), { workerData: data, env: {}, execArgv: [] }), outputs };
}

/** To be called for each output that has been used. */
export function releaseOutput(outputs: OutputCount): void {
  Atomics.sub(outputs, 0, 1);
  Atomics.notify(outputs, 0);
}

function isOurs(data: unknown): data is WorkerData {
  return (data as Partial<WorkerData> | null)?.role === 'image-custody-zstd';
}

async function serve(port: MessagePort, outputs: OutputCount): Promise<void> {
  const codec = new Codec(await loadBinding(), (bytes) => {
    // A copy: the module's memory cannot leave the thread.
    const copy = new Uint8Array(bytes);
    const waiting = Atomics.add(outputs, 0, 1) + 1;
    port.postMessage({ kind: 'output', bytes: copy } satisfies ZstdReply, [copy.buffer]);
    for (let count = waiting; count >= outputsInFlight; count = Atomics.load(outputs, 0)) Atomics.wait(outputs, 0, count);
  });
  port.on('message', (task: ZstdTask) => port.postMessage({ kind: codec.run(task) ? 'done' : 'failed' } satisfies ZstdReply));
}

async function loadBinding(): Promise<ZstdBinding> {
  // The module was made for CommonJS, and looks for its file by this name although it has everything inside.
  Object.assign(globalThis, { __dirname: '' });
  const { default: load } = await import('zstd-codec/lib/zstd-codec-binding-wasm.js');
  const target = { onRuntimeInitialized() {} };
  await new Promise<void>((resolve) => {
    target.onRuntimeInitialized = resolve;
    load(target);
  });
  // Not the module itself: it has a method `then`, for which a promise would wait.
  const { VectorU8, ZstdCodec, ZstdDecompressStreamBinding, cloneToVector, cloneAsTypedArray } = target as unknown as ZstdBinding;
  return { VectorU8, ZstdCodec, ZstdDecompressStreamBinding, cloneToVector, cloneAsTypedArray };
}

class Codec {
  readonly #binding: ZstdBinding;
  readonly #use: (bytes: Uint8Array) => void;
  readonly #source: VectorU8;
  readonly #target: VectorU8;
  #stream: ZstdDecompressStream | undefined;

  constructor(binding: ZstdBinding, use: (bytes: Uint8Array) => void) {
    this.#binding = binding;
    this.#use = use;
    this.#source = new binding.VectorU8();
    this.#target = new binding.VectorU8();
  }

  run(task: ZstdTask): boolean {
    return task.kind === 'compress' ? this.#compress(task.bytes, task.level) : this.#decompress(task.bytes);
  }

  #compress(bytes: Uint8Array, level: number): boolean {
    const codec = new this.#binding.ZstdCodec();
    this.#binding.cloneToVector(this.#source, bytes);
    this.#target.resize(codec.compressBound(bytes.length), 0);
    const sizeBytes = codec.compress(this.#target, this.#source, level);
    if (sizeBytes <= 0) return false;
    this.#target.resize(sizeBytes, 0);
    this.#use(this.#binding.cloneAsTypedArray(this.#target));
    return true;
  }

  #decompress(bytes: Uint8Array): boolean {
    if (this.#stream === undefined) {
      this.#stream = new this.#binding.ZstdDecompressStreamBinding();
      this.#stream.begin();
    }
    return this.#stream.transform(bytes, this.#use);
  }
}

// Last, for the class above has to be there.
if (!isMainThread && isOurs(workerData) && parentPort !== null) await serve(parentPort, workerData.outputs);
