/**
 * Bytes that are pushed in chunks and taken as generators: where one yields, the next chunk is to be pushed. `refuseCut` is called where bytes
 * are wanted after the last.
 */
export class PushedBytes {
  /** Bytes taken so far. */
  offset = 0;
  readonly #refuseCut: (rule: string) => never;
  readonly #held: Buffer;
  #chunk: Buffer = nothing;
  #at = 0;
  #ended = false;

  constructor(blockBytes: number, refuseCut: (rule: string) => never) {
    this.#held = Buffer.alloc(blockBytes);
    this.#refuseCut = refuseCut;
  }

  /** Gives the next chunk, once the one before is taken to its end; it is not kept. */
  push(chunk: Buffer): void {
    this.#chunk = chunk;
    this.#at = 0;
  }

  /** Says that there are no more chunks. */
  end(): void {
    this.#ended = true;
  }

  /** The next block, valid until more is taken; `rule` says what is wrong where it is not whole. */
  *block(rule: string): Generator<void, Buffer, void> {
    const { length } = this.#held;
    if (this.#chunk.length - this.#at >= length) {
      this.#at += length;
      this.offset += length;
      return this.#chunk.subarray(this.#at - length, this.#at);
    }
    let filled = 0;
    yield* this.take(
      length,
      (part) => {
        filled += part.copy(this.#held, filled);
      },
      rule,
    );
    return this.#held;
  }

  /** Gives the next `bytes` to `use` in parts, each valid during the call; the last of them is marked. */
  *take(bytes: number, use: (part: Buffer, last: boolean) => void, rule: string): Generator<void, void, void> {
    for (let left = bytes; left > 0; ) {
      if (this.#at === this.#chunk.length && !(yield* this.#more())) this.#refuseCut(rule);
      const taken = Math.min(left, this.#chunk.length - this.#at);
      left -= taken;
      this.#at += taken;
      this.offset += taken;
      use(this.#chunk.subarray(this.#at - taken, this.#at), left === 0);
    }
  }

  /** Gives all that is left to `use`. */
  *rest(use: (part: Buffer) => void): Generator<void, void, void> {
    while (yield* this.#more()) {
      const part = this.#chunk.subarray(this.#at);
      use(part);
      this.#at = this.#chunk.length;
      this.offset += part.length;
    }
  }

  /** Waits for a byte; false after the last. */
  *#more(): Generator<void, boolean, void> {
    while (this.#at === this.#chunk.length) {
      if (this.#ended) return false;
      yield;
    }
    return true;
  }
}

const nothing = Buffer.alloc(0);
