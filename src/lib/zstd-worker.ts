import { isMainThread, type MessagePort, parentPort, Worker, workerData } from 'node:worker_threads';
import { loadZstdDecoder, loadZstdEncoder } from './zstd-wasm.ts';

/** What a worker is asked for, always of the same kind. Decoding goes on where the message before ended. */
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
  const give = (bytes: Uint8Array) => {
    // A copy: the module's memory cannot leave the thread.
    const copy = new Uint8Array(bytes);
    const waiting = Atomics.add(outputs, 0, 1) + 1;
    port.postMessage({ kind: 'output', bytes: copy } satisfies ZstdReply, [copy.buffer]);
    for (let count = waiting; count >= outputsInFlight; count = Atomics.load(outputs, 0)) Atomics.wait(outputs, 0, count);
  };
  let run: ((task: ZstdTask) => boolean) | undefined;
  // One task after the other, whatever the first has to load.
  let last = Promise.resolve();
  port.on('message', (task: ZstdTask) => {
    last = last.then(async () => {
      run ??= await (task.kind === 'compress' ? openEncoder(give) : openDecoder(give));
      port.postMessage({ kind: run(task) ? 'done' : 'failed' } satisfies ZstdReply);
    });
  });
}

async function openEncoder(give: (bytes: Uint8Array) => void): Promise<(task: ZstdTask) => boolean> {
  const encode = await loadZstdEncoder();
  return (task) => {
    const frame = task.kind === 'compress' ? encode(task.bytes, task.level) : undefined;
    if (frame !== undefined) give(frame);
    return frame !== undefined;
  };
}

async function openDecoder(give: (bytes: Uint8Array) => void): Promise<(task: ZstdTask) => boolean> {
  const decode = await loadZstdDecoder(give);
  return (task) => task.kind === 'decompress' && decode(task.bytes);
}

// Last, for all above has to be there.
if (!isMainThread && isOurs(workerData) && parentPort !== null) await serve(parentPort, workerData.outputs);
