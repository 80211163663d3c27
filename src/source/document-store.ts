import { detectCompression } from '../lib/compression.ts';
import { isZero, readTarHeader, tarBlockBytes } from '../lib/tar-header.ts';

/** JSON documents of an archive that is read in order are kept as they come by: the largest one, and all together. */
const documentMaxBytes = 8 * 1024 * 1024;
const documentsMaxBytes = 64 * 1024 * 1024;

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
  const compression = detectCompression(head);
  if (compression === 'gzip' || compression === 'zstd') {
    return compression;
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
