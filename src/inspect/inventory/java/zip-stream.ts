import { wholeFileLimitBytes } from '../../../layer/inspector.ts';
import { ByteStream } from './byte-stream.ts';
import type { ArchiveReader } from './zip-archive.ts';
import { type InflationBudget, inflateEntry, shown, UnreadEntryError } from './zip-content.ts';
import {
  centralHeaderBytes,
  centralSignature,
  descriptorSignature,
  endRecordBytes,
  endSignature,
  localHeaderBytes,
  localSignature,
  parseZipEntry,
  variableBytes,
  wideEndSignature,
  wideLocatorSignature,
  type ZipEntry,
} from './zip-record.ts';

/** A reader that also takes archives which are too large to be collected, as they pass by. */
export interface StreamedArchiveReader extends ArchiveReader {
  isArchive(name: string): boolean;
  /** The reader of an archive in this one, for which `join` is called after its last entry. */
  inner(name: string): StreamedArchiveReader | undefined;
  join(inner: StreamedArchiveReader): void;
}

/** Where the local headers had an entry of interest. */
interface Place {
  readonly offset: number;
  readonly compressedBytes: number;
}

/**
 * Reads an archive that passes by: entry after entry by the local headers, and then holds what it read against the central directory, by which the JVM
 * reads. Where these disagree on an entry of interest, or the entries do not lead to the central directory, that is a gap: for then the JVM may see
 * something else.
 */
export class ZipStream {
  readonly #stream = new ByteStream();
  readonly #reader: StreamedArchiveReader;
  readonly #budget: InflationBudget;
  readonly #steps: Generator<void, void, void>;
  #isDone = false;
  readonly #local = new Map<string, Place>();
  readonly #central = new Map<string, Place>();

  constructor(reader: StreamedArchiveReader, budget: InflationBudget) {
    this.#reader = reader;
    this.#budget = budget;
    this.#steps = this.#archive();
    this.#steps.next();
  }

  /** The next bytes, which are not kept. */
  write(part: Buffer, last: boolean): void {
    if (this.#isDone) return;
    this.#stream.put(part, last);
    this.#isDone = this.#steps.next().done === true;
  }

  *#archive(): Generator<void, void, void> {
    try {
      yield* this.#stream.skipTo(localSignature);
      let offset = this.#stream.offset;
      for (;;) {
        const signature = (yield* this.#stream.peek(4)).readUInt32LE(0);
        if (signature !== localSignature) break;
        yield* this.#entry(offset);
        offset = this.#stream.offset;
      }
      yield* this.#directory(offset);
    } catch (error) {
      if (!(error instanceof UnreadEntryError)) throw error;
      this.#reader.fail(error);
    }
  }

  *#header(fixedBytes: number): Generator<void, ZipEntry, void> {
    const fixed = yield* this.#stream.peek(fixedBytes);
    return parseZipEntry(yield* this.#stream.take(fixedBytes + variableBytes(fixed)));
  }

  *#entry(offset: number): Generator<void, void, void> {
    const entry = yield* this.#header(localHeaderBytes);
    const limitBytes = this.#reader.limitBytes(entry.name);
    const isSized = !entry.isDescribedLater || entry.compressedBytes > 0;
    const sink = this.#sink(entry, limitBytes, isSized);
    const start = this.#stream.offset;
    if (isSized) yield* this.#stream.pass(entry.compressedBytes, sink.write);
    else yield* this.#stream.passToDescriptor(sink.write);
    const compressedBytes = this.#stream.offset - start;
    if (entry.isDescribedLater) yield* this.#descriptor(compressedBytes);
    if (limitBytes > 0 && this.#budget.entries > 0) this.#local.set(entry.name, { offset, compressedBytes });
    sink.end();
  }

  /** Behind the content: crc and both sizes, of 4 or 8 bytes each, perhaps without the signature (4.3.9). */
  *#descriptor(compressedBytes: number): Generator<void, void, void> {
    const bytes = yield* this.#stream.peek(24);
    const start = bytes.readUInt32LE(0) === descriptorSignature ? 4 : 0;
    const isWide = Number(bytes.readBigUInt64LE(start + 4)) === compressedBytes && bytes.readUInt32LE(start + 8) === 0;
    const isNarrow = bytes.readUInt32LE(start + 4) === compressedBytes % 2 ** 32;
    const after = start + 12 + 4 <= bytes.length ? bytes.readUInt32LE(start + 12) : 0;
    const isFollowed = after === localSignature || after === centralSignature;
    if (!isNarrow) throw new UnreadEntryError('damaged', 'an entry is not as long as is said behind it');
    yield* this.#stream.take(isWide && !isFollowed ? start + 20 : start + 12);
  }

  /** Where the content of an entry goes. */
  #sink(entry: ZipEntry, limitBytes: number, isSized: boolean): { write(part: Buffer): void; end(): void } {
    if (limitBytes === 0) return { write() {}, end() {} };
    if (isSized && entry.method === 0 && !entry.isEncrypted && entry.compressedBytes > limitBytes && this.#reader.isArchive(entry.name)) {
      return this.#passOn(entry);
    }
    const parts: Buffer[] = [];
    let sizeBytes = 0;
    return {
      write(part) {
        sizeBytes += part.length;
        if (sizeBytes <= wholeFileLimitBytes) parts.push(Buffer.from(part));
        else parts.length = 0;
      },
      end: () => {
        try {
          if (sizeBytes > wholeFileLimitBytes) {
            throw new UnreadEntryError('too-large', `${shown(entry.name)} is larger than what is read of an archive`);
          }
          this.#reader.take(entry.name, inflateEntry(entry, Buffer.concat(parts), limitBytes, this.#budget));
        } catch (error) {
          if (!(error instanceof UnreadEntryError)) throw error;
          this.#reader.fail(error);
        }
      },
    };
  }

  #passOn(entry: ZipEntry): { write(part: Buffer): void; end(): void } {
    const inner = this.#reader.inner(entry.name);
    if (inner === undefined) return { write() {}, end() {} };
    const stream = new ZipStream(inner, this.#budget);
    return {
      write: (part) => stream.write(part, false),
      end: () => {
        stream.write(Buffer.alloc(0), true);
        this.#reader.join(inner);
      },
    };
  }

  *#directory(start: number): Generator<void, void, void> {
    for (;;) {
      const signature = (yield* this.#stream.peek(4)).readUInt32LE(0);
      if (signature === centralSignature) {
        const { name, offset, compressedBytes } = yield* this.#header(centralHeaderBytes);
        if (this.#reader.limitBytes(name) > 0 && this.#budget.entries > 0) this.#central.set(name, { offset, compressedBytes });
      } else if (signature === wideEndSignature) {
        const record = yield* this.#stream.take(56);
        yield* this.#stream.pass(Number(record.readBigUInt64LE(4)) - 44, () => {});
        this.#compare(start - Number(record.readBigUInt64LE(48)));
        return;
      } else if (signature === wideLocatorSignature) yield* this.#stream.take(20);
      else if (signature === endSignature) {
        this.#compare(start - (yield* this.#stream.take(endRecordBytes)).readUInt32LE(16));
        return;
      } else throw new UnreadEntryError('damaged', 'its entries do not lead to its central directory');
    }
  }

  #compare(base: number): void {
    for (const [name, { offset, compressedBytes }] of this.#central) {
      const local = this.#local.get(name);
      if (local?.offset === base + offset && local.compressedBytes === compressedBytes) this.#local.delete(name);
      else throw new UnreadEntryError('damaged', `its central directory and its entries disagree on ${shown(name)}`);
    }
    const [extra] = this.#local.keys();
    if (extra !== undefined) throw new UnreadEntryError('damaged', `its central directory does not have its entry ${shown(extra)}`);
  }
}
