import type { SharedBytes } from './image-job.ts';

const spareBytes = 1024 * 1024;

/** Hands bytes over to another thread in memory that both have: where they lie in such memory as they are, else by a copy. */
export class SharedSender {
  readonly #numbers = new Map<SharedArrayBuffer, number>();
  readonly #spare: SharedArrayBuffer[] = [];

  /** `send` resolves when the other thread is done with the bytes that it was given; the whole when it is with all. */
  async send(bytes: Uint8Array, send: (bytes: SharedBytes) => Promise<unknown>): Promise<void> {
    const { buffer } = bytes;
    if (buffer instanceof SharedArrayBuffer) {
      await send(this.#name(buffer, bytes.byteOffset, bytes.length));
      return;
    }
    for (let at = 0; at < bytes.length; at += spareBytes) {
      const part = bytes.subarray(at, at + spareBytes);
      const memory = this.#spare.pop() ?? new SharedArrayBuffer(spareBytes);
      new Uint8Array(memory).set(part);
      await send(this.#name(memory, 0, part.length));
      this.#spare.push(memory);
    }
  }

  #name(buffer: SharedArrayBuffer, offset: number, sizeBytes: number): SharedBytes {
    const known = this.#numbers.get(buffer);
    const memory = known ?? this.#numbers.size;
    if (known === undefined) this.#numbers.set(buffer, memory);
    return { memory, shared: known === undefined ? buffer : undefined, offset, sizeBytes };
  }
}

/** The other end. */
export class SharedReceiver {
  readonly #memories = new Map<number, SharedArrayBuffer>();

  /** Throws a RangeError where it is told of bytes that are not there. */
  receive({ memory, shared, offset, sizeBytes }: SharedBytes): Buffer {
    if (shared !== undefined) this.#memories.set(memory, shared);
    const known = this.#memories.get(memory);
    if (known === undefined) throw new RangeError('the thread names memory that it has not given');
    return Buffer.from(known, offset, sizeBytes);
  }
}
