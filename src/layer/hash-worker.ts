import { createHash, type Hash } from 'node:crypto';
import { parentPort } from 'node:worker_threads';

/** The next bytes of a stream, in memory that is not written to before the answer. */
export interface HashJob {
  readonly stream: number;
  readonly memory: SharedArrayBuffer;
  readonly sizeBytes: number;
  readonly last: boolean;
}

/** The SHA-256 of a stream, in hexadecimal, where its job was the last one. */
export type HashAnswer = string | undefined;

const hashes = new Map<number, Hash>();

parentPort?.on('message', ({ stream, memory, sizeBytes, last }: HashJob) => {
  const hash = hashes.get(stream) ?? createHash('sha256');
  hash.update(new Uint8Array(memory, 0, sizeBytes));
  if (last) hashes.delete(stream);
  else hashes.set(stream, hash);
  parentPort?.postMessage((last ? hash.digest('hex') : undefined) satisfies HashAnswer);
});
