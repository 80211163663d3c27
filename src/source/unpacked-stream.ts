import { type Duplex, pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { magicBytes } from '../lib/compression.ts';
import { StepError } from '../lib/step-error.ts';
import { createZstdDecoder } from '../lib/zstd.ts';
import { ZstdFrames, zstdWindowMaxBytes } from '../lib/zstd-frames.ts';
import { toArchiveCompression } from './archive-compression.ts';
import { readBytes } from './file-access.ts';
import { hints, type SourceFailure } from './source-error.ts';

/** A compressed archive may be as large as this whatever the ratio; deflate's greatest is 1032, zstd's above 30,000. */
const freeBytes = 1024 * 1024 * 1024;
const ratioLimit = 100;

/** The bytes of an archive that may be compressed, as they come; rejects where there are more of them than its size can explain. */
export async function* unpackStream(packed: AsyncIterable<Uint8Array>, fail: SourceFailure): AsyncGenerator<Buffer> {
  const counted = new CountedStream(packed);
  const head = await counted.peek(magicBytes);
  const compression = toArchiveCompression(head, fail);
  if (compression === 'none') yield* counted.chunks();
  else yield* inflate(counted, compression, fail);
}

async function* inflate(packed: CountedStream, compression: 'gzip' | 'zstd', fail: SourceFailure): AsyncGenerator<Buffer> {
  const { chunks, decoder } = compression === 'gzip' ? gunzip(packed) : await decodeZstd(packed, fail);
  let inflated = 0;
  try {
    const unpacked = pipeline(Readable.from(chunks, { highWaterMark: 2 }), decoder, () => undefined);
    for await (const chunk of unpacked as AsyncIterable<Buffer>) {
      inflated += chunk.length;
      if (inflated > freeBytes && inflated > ratioLimit * packed.takenBytes) {
        throw fail('source-damaged', `it inflates to more than ${ratioLimit} times its size`, hints.writeAgain);
      }
      yield chunk;
    }
  } catch (error) {
    if (error instanceof StepError) throw error;
    const { code = (error as Error).message } = error as { code?: string };
    throw fail('source-damaged', `its ${compression} stream is damaged or cut (${code})`, hints.writeAgain, error);
  }
}

interface Inflation {
  readonly chunks: AsyncIterable<Buffer>;
  readonly decoder: Duplex;
}

function gunzip(packed: CountedStream): Inflation {
  return { chunks: packed.chunks(), decoder: createGunzip({ chunkSize: readBytes }) };
}

async function decodeZstd(packed: CountedStream, fail: SourceFailure): Promise<Inflation> {
  const frames = new ZstdFrames(zstdWindowMaxBytes, (fault, rule) => {
    throw fail(fault === 'malformed' ? 'source-damaged' : 'source-unsupported', rule, hints.writeAgain);
  });
  async function* parts(): AsyncGenerator<Buffer> {
    for await (const chunk of packed.chunks()) yield* frames.parts(chunk);
    frames.end();
  }
  return { chunks: parts(), decoder: await createZstdDecoder() };
}

/** A stream whose first bytes can be looked at, and which counts what is taken. */
class CountedStream {
  readonly #packed: AsyncIterator<Uint8Array>;
  #head: Buffer = Buffer.alloc(0);
  takenBytes = 0;

  constructor(packed: AsyncIterable<Uint8Array>) {
    this.#packed = packed[Symbol.asyncIterator]();
  }

  async peek(bytes: number): Promise<Buffer> {
    while (this.#head.length < bytes) {
      const next = await this.#packed.next();
      if (next.done === true) break;
      this.#head = Buffer.concat([this.#head, next.value]);
    }
    return this.#head;
  }

  async *chunks(): AsyncGenerator<Buffer> {
    try {
      for (let chunk: Uint8Array | undefined = this.#head; chunk !== undefined; chunk = await this.#next()) {
        this.takenBytes += chunk.length;
        if (chunk.length > 0) yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      }
    } finally {
      await this.#packed.return?.();
    }
  }

  async #next(): Promise<Uint8Array | undefined> {
    const next = await this.#packed.next();
    return next.done === true ? undefined : next.value;
  }
}
