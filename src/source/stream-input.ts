import { isZero, readTarHeader, tarBlockBytes } from '../lib/tar-header.ts';
import type { TarInput } from './tar-reader.ts';

/** JSON documents of an archive that is read in order are kept as they come by: the largest one, and all together. */
export const documentMaxBytes = 8 * 1024 * 1024;
export const documentsMaxBytes = 64 * 1024 * 1024;

/** Bytes of a tar as they come. */
export class StreamInput implements TarInput {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #left: Buffer = Buffer.alloc(0);

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  async take(maxBytes: number): Promise<Buffer | undefined> {
    while (this.#left.length === 0) {
      const next = await this.#chunks.next();
      if (next.done === true) {
        return undefined;
      }
      this.#left = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength);
    }
    const chunk = this.#left.subarray(0, maxBytes);
    this.#left = this.#left.subarray(chunk.length);
    return chunk;
  }

  async skip(sizeBytes: number): Promise<boolean> {
    for (let left = sizeBytes; left > 0; ) {
      const chunk = await this.take(left);
      if (chunk === undefined) {
        return false;
      }
      left -= chunk.length;
    }
    return true;
  }

  async close(): Promise<void> {
    await this.#chunks.return?.();
  }
}

/** What a file is by its first bytes, whatever it is called. */
export type ContentKind = 'tar' | 'gzip' | 'zstd' | 'json' | 'other';

export interface TakenContent {
  readonly kind: ContentKind;
  /** The whole file, where it is a JSON document and there was room for it. */
  readonly document: Buffer | undefined;
  /** First bytes of the file, which have been taken from its content. */
  readonly head: Buffer;
}

/** Keeps the JSON documents among files that come by in order, within bounds. */
export class DocumentStore {
  #keptBytes = 0;

  async take(sizeBytes: number, content: AsyncGenerator<Buffer>): Promise<TakenContent> {
    const head = await takeHead(content);
    const kind = sniffContent(head);
    if (kind !== 'json' || sizeBytes > documentMaxBytes || this.#keptBytes + sizeBytes > documentsMaxBytes) {
      return { kind, document: undefined, head };
    }
    this.#keptBytes += sizeBytes;
    const chunks = [head];
    for await (const chunk of content) {
      chunks.push(chunk);
    }
    // A copy: the pieces are parts of larger ones, which would be kept with them.
    return { kind, document: Buffer.concat(chunks), head };
  }
}

/** A tar may begin with a file that is called `{`, so its header is tried first; an empty layer is a tar of zeros alone. */
function sniffContent(head: Buffer): ContentKind {
  if (head[0] === 0x1f && head[1] === 0x8b) {
    return 'gzip';
  }
  if (head.length >= 4 && head.readUInt32BE(0) === 0x28b52ffd) {
    return 'zstd';
  }
  if (head.length >= tarBlockBytes && isTarBlock(head.subarray(0, tarBlockBytes))) {
    return 'tar';
  }
  return /^\s*[{[]/.test(head.toString('latin1', 0, 64)) ? 'json' : 'other';
}

function isTarBlock(block: Buffer): boolean {
  if (isZero(block)) {
    return true;
  }
  try {
    readTarHeader(block, (_fault, rule) => {
      throw new Error(rule);
    });
    return true;
  } catch {
    return false;
  }
}

/** The first bytes of a file: a tar block where it has as many. */
async function takeHead(content: AsyncGenerator<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for (let sizeBytes = 0; sizeBytes < tarBlockBytes; ) {
    const next = await content.next();
    if (next.done === true) {
      break;
    }
    chunks.push(next.value);
    sizeBytes += next.value.length;
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
}
