import { UnreadEntryError } from './zip-content.ts';

/**
 * Bytes that arrive in parts, for a generator that yields where it needs more. What is read is handed out as slices of the parts, valid until the
 * generator goes on.
 */
export class ByteStream {
  #bytes: Buffer = Buffer.alloc(0);
  #isLast = false;
  /** Of the next byte, from the beginning. */
  offset = 0;

  /** The next part. What the generator has left of the parts before is kept, which is little. */
  put(part: Buffer, last: boolean): void {
    this.#bytes = this.#bytes.length === 0 ? part : Buffer.concat([this.#bytes, part]);
    this.#isLast = last;
  }

  /** The next bytes, which stay; at the end of the file fewer, but one at least. */
  *peek(count: number): Generator<void, Buffer, void> {
    while (this.#bytes.length < count && !this.#isLast) yield* this.#more();
    if (this.#bytes.length < Math.min(count, 4)) throw new UnreadEntryError('damaged', 'it is cut');
    if (this.#bytes.length >= count) return this.#bytes.subarray(0, count);
    return Buffer.concat([this.#bytes, Buffer.alloc(count - this.#bytes.length)]);
  }

  *take(count: number): Generator<void, Buffer, void> {
    while (this.#bytes.length < count && !this.#isLast) yield* this.#more();
    if (this.#bytes.length < count) throw new UnreadEntryError('damaged', 'it is cut');
    return this.#advance(count);
  }

  *pass(count: number, use: (part: Buffer) => void): Generator<void, void, void> {
    for (let left = count; left > 0; ) {
      if (this.#bytes.length === 0) {
        if (this.#isLast) throw new UnreadEntryError('damaged', 'it is cut');
        yield;
        continue;
      }
      const part = this.#advance(Math.min(left, this.#bytes.length));
      left -= part.length;
      use(part);
    }
  }

  /** Goes to the next place with these four bytes. */
  *skipTo(signature: number): Generator<void, void, void> {
    const wanted = Buffer.alloc(4);
    wanted.writeUInt32LE(signature);
    for (;;) {
      const at = this.#bytes.indexOf(wanted);
      if (at !== -1) {
        this.#advance(at);
        return;
      }
      if (this.#isLast) throw new UnreadEntryError('damaged', 'it has no entries, so it is no zip archive');
      this.#advance(Math.max(0, this.#bytes.length - 3));
      yield* this.#more();
    }
  }

  /** Goes to the record that tells the length of what came before it; the content may hold bytes that look like one, with another length. */
  *passToDescriptor(use: (part: Buffer) => void): Generator<void, void, void> {
    const start = this.offset;
    for (;;) {
      const at = this.#descriptorAt(start);
      if (at !== undefined) {
        use(this.#advance(at));
        return;
      }
      if (this.#isLast) throw new UnreadEntryError('damaged', 'an entry has no end');
      const passed = this.#bytes.length - (descriptorBytes - 1);
      if (passed > 0) use(this.#advance(passed));
      yield* this.#more();
    }
  }

  #descriptorAt(start: number): number | undefined {
    for (let at = this.#bytes.indexOf(descriptor); at !== -1; at = this.#bytes.indexOf(descriptor, at + 1)) {
      if (at + descriptorBytes > this.#bytes.length) return undefined;
      if (this.#bytes.readUInt32LE(at + 8) === (this.offset + at - start) % 2 ** 32) return at;
    }
    return undefined;
  }

  #advance(count: number): Buffer {
    const part = this.#bytes.subarray(0, count);
    this.#bytes = this.#bytes.subarray(count);
    this.offset += count;
    return part;
  }

  /** What is left has to outlive the part that it is of. */
  *#more(): Generator<void, void, void> {
    this.#bytes = Buffer.from(this.#bytes);
    yield;
  }
}

const descriptor = Buffer.from('PK\x07\x08', 'latin1');

/** Signature, crc and the two sizes. */
const descriptorBytes = 16;
