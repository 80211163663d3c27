import { cleanPath, linkTarget } from './archive-path.ts';
import { hints, quote, type SourceFailure } from './source-error.ts';
import { parsePaxRecords, parseTarHeader, parseTarText, type TarHeader, TarHeaderError, tarBlockBytes } from './tar-header.ts';

/** Bytes of a tar, taken in order. */
export interface TarInput {
  /** The next bytes, `maxBytes` at most; undefined at the end. */
  take(maxBytes: number): Promise<Buffer | undefined>;
  /** Passes over bytes; false where it is known that there were fewer. */
  skip(sizeBytes: number): Promise<boolean>;
}

/** An entry of an image archive. Devices and the like are passed over. */
export type TarEntry =
  | { readonly kind: 'file'; readonly path: string; readonly sizeBytes: number }
  | { readonly kind: 'directory'; readonly path: string }
  | { readonly kind: 'link'; readonly path: string; readonly target: string };

/** Images have some hundred entries; an archive of more is not read to its end. */
const entryLimit = 16_384;
/** Go's maxSpecialFileSize. */
const metaMaxBytes = 1024 * 1024;

interface Meta {
  readonly pax?: ReadonlyMap<string, string>;
  readonly longName?: string;
  readonly longLink?: string;
}

/**
 * Reads the entries of an image archive in order, as Go's archive/tar does; what other readers read differently is refused. Between two
 * calls of `next` the content of a file can be taken with `content`.
 */
export class TarReader {
  readonly #input: TarInput;
  readonly #fail: SourceFailure;
  #contentLeft = 0;
  #padding = 0;
  #entries = 0;

  constructor(input: TarInput, fail: SourceFailure) {
    this.#input = input;
    this.#fail = fail;
  }

  async next(): Promise<TarEntry | undefined> {
    try {
      return await this.#next();
    } catch (error) {
      throw error instanceof TarHeaderError ? this.#damaged(error.message) : error;
    }
  }

  /** Content of the file that `next` gave last; to be taken once. */
  async *content(): AsyncGenerator<Buffer> {
    while (this.#contentLeft > 0) {
      const chunk = await this.#input.take(this.#contentLeft);
      if (chunk === undefined) {
        throw this.#cut();
      }
      this.#contentLeft -= chunk.length;
      yield chunk;
    }
  }

  async #next(): Promise<TarEntry | undefined> {
    let meta: Meta = {};
    for (;;) {
      const header = await this.#header();
      if (header === undefined) {
        return undefined;
      }
      switch (header.type) {
        case 'x':
          meta = { ...meta, pax: parsePaxRecords(await this.#meta(header)) };
          break;
        case 'L':
          meta = { ...meta, longName: parseTarText(await this.#meta(header)) };
          break;
        case 'K':
          meta = { ...meta, longLink: parseTarText(await this.#meta(header)) };
          break;
        case 'g':
          this.#verifyGlobal(parsePaxRecords(await this.#meta(header)));
          break;
        default: {
          const entry = this.#entry(header, meta);
          if (entry !== undefined) {
            return entry;
          }
          meta = {};
        }
      }
    }
  }

  /** The next header; undefined at the end: two blocks of zeros, or no more bytes. */
  async #header(): Promise<TarHeader | undefined> {
    if (!(await this.#input.skip(this.#contentLeft))) {
      throw this.#cut();
    }
    // Go lets the last padding be short.
    await this.#input.skip(this.#padding);
    this.#contentLeft = 0;
    this.#padding = 0;
    if (++this.#entries > entryLimit) {
      throw this.#damaged(`the archive has more than ${entryLimit} entries`);
    }
    const block = await this.#block();
    const header = block === undefined ? undefined : parseTarHeader(block);
    if (header === undefined && block !== undefined) {
      const second = await this.#block();
      if (second !== undefined && parseTarHeader(second) !== undefined) {
        throw this.#damaged('a lone block of zeros stands between two entries');
      }
    }
    return header;
  }

  async #block(): Promise<Buffer | undefined> {
    const first = await this.#input.take(tarBlockBytes);
    return first === undefined || first.length === tarBlockBytes ? first : await this.#whole(tarBlockBytes, first);
  }

  async #whole(sizeBytes: number, first?: Buffer): Promise<Buffer> {
    const chunks = first === undefined ? [] : [first];
    for (let left = sizeBytes - (first?.length ?? 0); left > 0; ) {
      const chunk = await this.#input.take(left);
      if (chunk === undefined) {
        throw this.#cut();
      }
      chunks.push(chunk);
      left -= chunk.length;
    }
    return Buffer.concat(chunks);
  }

  async #meta({ sizeBytes }: TarHeader): Promise<Buffer> {
    if (sizeBytes < 0 || sizeBytes > metaMaxBytes) {
      throw this.#damaged('an extended header is larger than 1 MiB');
    }
    this.#padding = paddingOf(sizeBytes);
    return await this.#whole(sizeBytes);
  }

  #entry(header: TarHeader, { pax, longName, longLink }: Meta): TarEntry | undefined {
    const [paxPath, paxLink, paxSize] = ['path', 'linkpath', 'size'].map((key) => pax?.get(key) || undefined);
    if ((longName !== undefined && paxPath !== undefined) || (longLink !== undefined && paxLink !== undefined)) {
      throw this.#damaged('an entry has both a PAX and a GNU name, of which readers take different ones');
    }
    if (header.type === 'S' || [...(pax?.keys() ?? [])].some((key) => key.startsWith('GNU.sparse.'))) {
      throw this.#damaged('an entry is a sparse file, which no image archive has');
    }
    const name = paxPath ?? (longName || header.name);
    const sizeBytes = paxSize === undefined ? header.sizeBytes : parseSize(paxSize);
    const path = cleanPath(name);
    if (path === undefined) {
      throw this.#damaged(`the entry ${quote(name)} lies outside of the archive`);
    }
    const type = header.type === '\0' ? (name.endsWith('/') ? '5' : '0') : header.type;
    if (sizeBytes < 0 || (sizeBytes > 0 && /^[1-6]$/.test(type))) {
      throw this.#damaged(`the entry ${quote(name)} has a size that its type cannot have`);
    }
    this.#contentLeft = sizeBytes;
    this.#padding = paddingOf(sizeBytes);
    return toEntry(type, path, paxLink ?? (longLink || header.linkName), sizeBytes);
  }

  /** Go does not apply global records, others do. */
  #verifyGlobal(records: ReadonlyMap<string, string>): void {
    if (['path', 'linkpath', 'size'].some((key) => records.has(key))) {
      throw this.#damaged('a global PAX header sets names or sizes, which readers take differently');
    }
  }

  #damaged(reason: string) {
    return this.#fail('source-damaged', reason, hints.writeAgain);
  }

  #cut() {
    return this.#fail('source-damaged', 'the archive is cut off', hints.writeAgain);
  }
}

function toEntry(type: string, path: string, linkName: string, sizeBytes: number): TarEntry | undefined {
  switch (type) {
    case '0':
    case '7':
      return { kind: 'file', path, sizeBytes };
    case '5':
      return { kind: 'directory', path };
    case '1':
      return { kind: 'link', path, target: cleanPath(linkName) ?? '' };
    case '2':
      return { kind: 'link', path, target: linkTarget(path, linkName) ?? '' };
    default:
      return undefined;
  }
}

function parseSize(text: string): number {
  const size = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(size)) {
    throw new TarHeaderError('a PAX size is no number');
  }
  return size;
}

function paddingOf(sizeBytes: number): number {
  return (tarBlockBytes - (sizeBytes % tarBlockBytes)) % tarBlockBytes;
}
