import { cleanPath } from '../lib/clean-path.ts';
import {
  extensionMaxBytes,
  isTarExtension,
  noExtensions,
  readTarExtension,
  type TarEntry,
  type TarExtensions,
  toTarEntry,
  verifyNoExtensions,
} from '../lib/tar-entry.ts';
import { isZero, readTarHeader, type TarHeader, tarBlockBytes, tarPaddingBytes } from '../lib/tar-header.ts';
import type { RefuseTar } from '../lib/tar-refusal.ts';
import { hints, quote, type SourceFailure } from './source-error.ts';

/** Bytes of a tar, taken in order. */
export interface TarInput {
  /** The next bytes, `maxBytes` at most; undefined at the end. */
  take(maxBytes: number): Promise<Buffer | undefined>;
  /** Passes over bytes; false where it is known that there were fewer. */
  skip(sizeBytes: number): Promise<boolean>;
}

/** An entry of an image archive; its path is clean. */
export type ArchiveEntry =
  | { readonly kind: 'file'; readonly path: string; readonly sizeBytes: number }
  | { readonly kind: 'directory'; readonly path: string }
  | { readonly kind: 'link'; readonly path: string; readonly target: string };

/** Images have some hundred entries; an archive of more is not read to its end. */
const entryLimit = 16_384;

/**
 * Reads an image archive as Go's archive/tar does, and refuses what other readers read differently. Unlike a layer, it may end as Go lets
 * it, without zero blocks or with other bytes behind them: what is missing then is told by what names it, and nobody unpacks the rest.
 */
export class TarReader {
  readonly #input: TarInput;
  readonly #fail: SourceFailure;
  readonly #refuse: RefuseTar;
  #contentLeft = 0;
  #padding = 0;
  #headers = 0;
  /** Where the header is that is being read, and where the one after it will be. */
  #start = 0;
  #next = 0;

  constructor(input: TarInput, fail: SourceFailure) {
    this.#input = input;
    this.#fail = fail;
    this.#refuse = (fault, rule) => {
      const code = fault === 'unsupported' ? 'source-unsupported' : 'source-damaged';
      throw fail(code, `at byte ${this.#start} of the tar: ${rule}`, hints.writeAgain);
    };
  }

  /** Files, folders and links in order; devices and the like are passed over. A file's `content` can be taken before the next entry is. */
  async *entries(): AsyncGenerator<ArchiveEntry> {
    let extensions: TarExtensions = noExtensions;
    for (let header = await this.#header(); header !== undefined; header = await this.#header()) {
      if (isTarExtension(header)) {
        extensions = readTarExtension(header, await this.#extension(header), extensions, this.#refuse);
      } else {
        this.#verifyPlain(extensions);
        const tarEntry = toTarEntry(header, extensions, this.#refuse);
        extensions = noExtensions;
        this.#expect(tarEntry.storedBytes);
        const entry = this.#toEntry(tarEntry);
        if (entry !== undefined) {
          yield entry;
        }
      }
    }
    verifyNoExtensions(extensions, this.#refuse);
  }

  /** Content of the file that `entries` gave last; to be taken once. */
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

  /** The next header; undefined at the end: two blocks of zeros, or no more bytes. */
  async #header(): Promise<TarHeader | undefined> {
    if (!(await this.#input.skip(this.#contentLeft))) {
      throw this.#cut();
    }
    // Go lets the last padding be short.
    await this.#input.skip(this.#padding);
    this.#start = this.#next;
    this.#expect(0);
    if (++this.#headers > entryLimit) {
      this.#refuse('limit', `more than ${entryLimit} entries`);
    }
    const block = await this.#block();
    if (block !== undefined && !isZero(block)) {
      return readTarHeader(block, this.#refuse);
    }
    const second = block && (await this.#block());
    if (second !== undefined && !isZero(second)) {
      this.#refuse('malformed-tar', 'a lone block of zeros between two entries');
    }
    return undefined;
  }

  /** Notes what follows the block of a header. */
  #expect(sizeBytes: number): void {
    this.#contentLeft = sizeBytes;
    this.#padding = tarPaddingBytes(sizeBytes);
    this.#next = this.#start + tarBlockBytes + this.#contentLeft + this.#padding;
  }

  async #extension({ sizeBytes }: TarHeader): Promise<Buffer> {
    if (sizeBytes > extensionMaxBytes) {
      this.#refuse('limit', 'an extended header that is larger than 1 MiB');
    }
    this.#expect(sizeBytes);
    const chunks: Buffer[] = [];
    for await (const chunk of this.content()) {
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }

  async #block(): Promise<Buffer | undefined> {
    const chunks: Buffer[] = [];
    for (let left = tarBlockBytes; left > 0; ) {
      const chunk = await this.#input.take(left);
      if (chunk === undefined && left === tarBlockBytes) {
        return undefined;
      }
      if (chunk === undefined) {
        throw this.#cut();
      }
      chunks.push(chunk);
      left -= chunk.length;
    }
    return Buffer.concat(chunks);
  }

  /** What no image archive has: names of which readers other than Go take the other one, and sparse files. */
  #verifyPlain({ pax, longName, longLink }: TarExtensions): void {
    if ((longName !== undefined && pax?.get('path')) || (longLink !== undefined && pax?.get('linkpath'))) {
      this.#refuse('ambiguous-tar', 'an entry with both a PAX and a GNU name, of which readers take different ones');
    }
    if ([...(pax?.keys() ?? [])].some((key) => key.startsWith('GNU.sparse.'))) {
      this.#refuse('unsupported', 'a sparse file, which no image archive has');
    }
  }

  #toEntry({ type, name, linkName, storedBytes }: TarEntry): ArchiveEntry | undefined {
    const path = cleanPath(name);
    if (path === undefined) {
      throw this.#fail('source-damaged', `the entry ${quote(name)} lies outside of the archive`, hints.writeAgain);
    }
    switch (type) {
      case 'file':
        return { kind: 'file', path, sizeBytes: storedBytes };
      case 'directory':
        return { kind: 'directory', path };
      case 'hardlink':
        return { kind: 'link', path, target: cleanPath(linkName) ?? '' };
      case 'symlink':
        return { kind: 'link', path, target: linkTarget(path, linkName) ?? '' };
      default:
        return undefined;
    }
  }

  #cut() {
    return this.#fail('source-damaged', 'the archive is cut off', hints.writeAgain);
  }
}

/** The cleaned name that a symbolic link at `path` points to; undefined where it leads out of the archive. */
function linkTarget(path: string, target: string): string | undefined {
  return target.startsWith('/') ? undefined : cleanPath(`${path}/../${target}`);
}
