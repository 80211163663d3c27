import { parentPort, workerData } from 'node:worker_threads';
import { type DeflateJob, openDeflate } from './deflate-module.ts';

/** What the thread is started with. The memory is shared with who sends the jobs. */
export interface DeflateWorkerData {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
}

const { module, memory } = workerData as DeflateWorkerData;
const deflate = openDeflate(module, memory);
parentPort?.on('message', (job: DeflateJob) => parentPort?.postMessage(deflate(job)));
