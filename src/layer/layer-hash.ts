import { createHash } from 'node:crypto';
import { Thread } from '../lib/thread.ts';
import type { Digest } from '../model/digest.ts';
import type { HashAnswer, HashJob } from './hash-worker.ts';

/** The SHA-256 of a stream. */
export interface LayerHash {
  /** Takes the next bytes, which are not kept; resolves when more can be taken. */
  update(bytes: Buffer): Promise<void>;
  end(): Promise<Digest>;
}

/** Hashes here and now. */
export function hashHere(): LayerHash {
  const hash = createHash('sha256');
  return {
    async update(bytes) {
      hash.update(bytes);
    },
    end: async () => `sha256:${hash.digest('hex')}`,
  };
}

/** Hashes streams, several at once, in a thread that is started for the first that has more than one piece, or where much is expected. */
export class HashThread implements Disposable {
  #thread: Thread<HashJob, HashAnswer> | undefined;
  #streams = 0;
  /** Pieces of streams that have ended. */
  readonly #spare: SharedArrayBuffer[] = [];

  begin(): LayerHash {
    return new ThreadHash(this.#streams++, this);
  }

  /** Says how much there will be: a thread that starts meanwhile is not waited for. */
  expect(sizeBytes: number): void {
    if (sizeBytes > muchBytes) this.#start();
  }

  takePiece(): SharedArrayBuffer {
    return this.#spare.pop() ?? new SharedArrayBuffer(pieceBytes);
  }

  givePiece(memory: SharedArrayBuffer): void {
    this.#spare.push(memory);
  }

  run(job: HashJob): Promise<HashAnswer> {
    return this.#start().run(job);
  }

  #start(): Thread<HashJob, HashAnswer> {
    this.#thread ??= new Thread('hash-worker', import.meta.url);
    return this.#thread;
  }

  [Symbol.dispose](): void {
    this.#thread?.[Symbol.dispose]();
  }
}

const pieceBytes = 1024 * 1024;
/** Takes as long to hash as a thread takes to start. */
const muchBytes = 64 * 1024 * 1024;

/** While one piece is hashed the next one is filled; an update waits only while both are full. */
class ThreadHash implements LayerHash {
  readonly #stream: number;
  readonly #thread: HashThread;
  #memory: SharedArrayBuffer | undefined;
  #filled = 0;
  /** The piece before, while it is hashed. */
  #hashing: { readonly memory: SharedArrayBuffer; readonly done: Promise<HashAnswer> } | undefined;

  constructor(stream: number, thread: HashThread) {
    this.#stream = stream;
    this.#thread = thread;
  }

  async update(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      if (this.#filled === pieceBytes) await this.#send();
      this.#memory ??= this.#thread.takePiece();
      const copied = bytes.copy(Buffer.from(this.#memory), this.#filled, at);
      at += copied;
      this.#filled += copied;
    }
  }

  async end(): Promise<Digest> {
    const memory = this.#memory ?? this.#thread.takePiece();
    const isOnePiece = this.#hashing === undefined;
    const hex = isOnePiece ? toHex(memory, this.#filled) : await this.#run(memory, true);
    if (this.#hashing !== undefined) this.#thread.givePiece(this.#hashing.memory);
    this.#thread.givePiece(memory);
    return `sha256:${hex}`;
  }

  async #send(): Promise<void> {
    const memory = this.#memory ?? this.#thread.takePiece();
    const before = this.#hashing;
    const done = this.#run(memory, false);
    done.catch(() => undefined);
    this.#hashing = { memory, done };
    await before?.done;
    this.#memory = before?.memory;
    this.#filled = 0;
  }

  #run(memory: SharedArrayBuffer, last: boolean): Promise<HashAnswer> {
    return this.#thread.run({ stream: this.#stream, memory, sizeBytes: this.#filled, last });
  }
}

function toHex(memory: SharedArrayBuffer, sizeBytes: number): string {
  return createHash('sha256')
    .update(new Uint8Array(memory, 0, sizeBytes))
    .digest('hex');
}
