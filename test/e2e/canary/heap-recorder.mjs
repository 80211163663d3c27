// Runs a packaged program, and keeps what each of its threads is sent, and before a thread is ended its heap and that of the main thread.
import { appendFileSync, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { getHeapSnapshot, serialize, setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';

const { CANARY_HEAPS: folder, CANARY_PROGRAM: program } = process.env;
delete process.env.CANARY_HEAPS;
delete process.env.CANARY_PROGRAM;
// Strings in whole: by default a snapshot has the first 1,024 characters.
setFlagsFromString('--heap-snapshot-string-limit=1000000000');
const names = new WeakMap();
let count = 0;
process.on('worker', (worker) => names.set(worker, `thread-${count++}`));

const { postMessage, terminate } = Worker.prototype;

Worker.prototype.postMessage = function (message, ...rest) {
  appendFileSync(`${folder}/${names.get(this)}.messages`, serialize(message));
  return postMessage.call(this, message, ...rest);
};

Worker.prototype.terminate = async function () {
  await pipeline(await this.getHeapSnapshot(), createWriteStream(`${folder}/${names.get(this)}.heapsnapshot`));
  await pipeline(getHeapSnapshot(), createWriteStream(`${folder}/main.heapsnapshot`));
  return terminate.call(this);
};

await import(program);
