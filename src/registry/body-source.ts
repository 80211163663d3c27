/** Writes a blob, start to end, each part awaited. What it rejects with ends the push. */
export type BlobProducer = (write: (bytes: Uint8Array) => Promise<void>) => Promise<void>;

/** A body that is too large for memory. It can be had again: a request may have to be sent twice, or tried anew. */
export interface BodySource {
  readonly length: number;
  readonly open: () => AsyncIterable<Uint8Array>;
}

/** What `produce` writes, for who takes it piece by piece. Nothing is kept: a write is done when the next piece is asked for. */
export function toBodySource(produce: BlobProducer, sizeBytes: number): BodySource {
  return { length: sizeBytes, open: () => take(produce, sizeBytes) };
}

async function* take(produce: BlobProducer, sizeBytes: number): AsyncGenerator<Uint8Array> {
  const counter = new Counter();
  let leftBytes = sizeBytes;
  const producing = produce(async (bytes) => {
    // More than was announced must not get into the connection.
    const part = bytes.subarray(0, leftBytes);
    leftBytes -= part.length;
    if (part.length > 0) await counter.offer(part);
  });
  const settled = producing.then(
    // Who was promised more would wait for it.
    () => counter.close(leftBytes === 0 ? undefined : { error: new Error(`the body ended ${leftBytes} bytes early`) }),
    (error: unknown) => counter.close({ error }),
  );
  try {
    for (let bytes = await counter.take(); bytes !== undefined; bytes = await counter.take()) yield bytes;
  } finally {
    counter.leave();
    await settled;
  }
}

/** Where one side lays down a piece and waits until the other has used it up. */
class Counter {
  #piece: { readonly bytes: Uint8Array; readonly done: () => void; readonly left: (error: Error) => void } | undefined;
  #end: { readonly failure: { readonly error: unknown } | undefined } | undefined;
  #hasLeft = false;
  #wake: () => void = () => {};
  #used: () => void = () => {};

  offer(bytes: Uint8Array): Promise<void> {
    if (this.#hasLeft) return Promise.reject(new Error('the body is no longer wanted'));
    return new Promise((done, left) => {
      this.#piece = { bytes, done, left };
      this.#wake();
    });
  }

  close(failure: { readonly error: unknown } | undefined): void {
    this.#end = { failure };
    this.#wake();
  }

  /** The next piece, after which the one before is used up; undefined after the last. */
  async take(): Promise<Uint8Array | undefined> {
    this.#used();
    this.#used = () => {};
    while (this.#piece === undefined && this.#end === undefined) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const piece = this.#piece;
    this.#piece = undefined;
    if (piece === undefined) {
      if (this.#end?.failure !== undefined) throw this.#end.failure.error;
      return undefined;
    }
    this.#used = piece.done;
    return piece.bytes;
  }

  /** Nobody takes any more: the piece that lies there is refused, and all that would follow. */
  leave(): void {
    this.#hasLeft = true;
    this.#used();
    this.#piece?.left(new Error('the body is no longer wanted'));
  }
}
