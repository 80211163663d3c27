import { parentPort, workerData } from 'node:worker_threads';

/** What the thread is started with. The memory is shared with who sends the jobs. */
export interface DeflateWorkerData {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
}

/** Arguments of `deflate` in wasm/deflate.ts: places in the memory, and numbers of bytes. */
export interface DeflateJob {
  readonly input: number;
  readonly blockBytes: number;
  readonly dictionaryBytes: number;
  readonly output: number;
  readonly last: boolean;
}

interface DeflateExports {
  init(): void;
  deflate(input: number, bytes: number, dictionaryBytes: number, output: number, last: boolean): number;
}

const { module, memory } = workerData as DeflateWorkerData;
const { init, deflate } = new WebAssembly.Instance(module, { env: { memory } }).exports as DeflateExports;
init();
parentPort?.on('message', ({ input, blockBytes, dictionaryBytes, output, last }: DeflateJob) => {
  parentPort?.postMessage(deflate(input, blockBytes, dictionaryBytes, output, last));
});
