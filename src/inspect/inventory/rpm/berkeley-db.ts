import type { HeaderBlobs } from './header-blobs.ts';

/**
 * Layout of the hash tables of Berkeley DB (https://github.com/berkeleydb/libdb/blob/v5.3.28/src/dbinc/db_page.h): a page of metadata, then hash
 * pages of keys and values, in which a long value is a reference to a chain of overflow pages. Integers are those of the machine that wrote it.
 */
const hashMagic = 0x00061561;
const magicAt = 12;
const pageHeaderBytes = 26;
const unsortedHashPage = 2;
const hashPage = 13;
const overflowPage = 7;
const metadataPage = 8;
const offPageItem = 3;

export function isBerkeleyDb(content: Buffer): boolean {
  return content.length > magicAt + 4 && (content.readUInt32LE(magicAt) === hashMagic || content.readUInt32BE(magicAt) === hashMagic);
}

/** The package headers of an rpm database in Berkeley DB: every value that has overflow pages. Short values are rpm's own counter. */
export function readBerkeleyDb(content: Buffer): HeaderBlobs {
  return new Reading(content).read();
}

class Reading {
  readonly #content: Buffer;
  readonly #isBigEndian: boolean;
  readonly #pageBytes: number;
  readonly #pages: number;
  readonly #visited = new Set<number>();
  readonly #blobs: Buffer[] = [];
  readonly #damage: string[] = [];

  constructor(content: Buffer) {
    this.#content = content;
    this.#isBigEndian = content.readUInt32BE(magicAt) === hashMagic;
    this.#pageBytes = content.length < 36 ? 0 : this.#uint32(20);
    this.#pages = Math.floor(content.length / Math.max(this.#pageBytes, 1));
  }

  read(): HeaderBlobs {
    const isPageSize = this.#pageBytes >= 512 && this.#pageBytes <= 65536 && (this.#pageBytes & (this.#pageBytes - 1)) === 0;
    if (!isPageSize || this.#type(0) !== metadataPage || this.#content[24] !== 0) throw new Error('its first page is damaged');
    if (this.#uint32(32) + 1 !== this.#pages || this.#content.length % this.#pageBytes !== 0) this.#damage.push('it is cut off');
    for (let page = 1; page < this.#pages; page += 1) {
      const type = this.#type(page);
      if (type === hashPage || type === unsortedHashPage) this.#readHashPage(page);
    }
    const unreached = Array.from({ length: this.#pages }, (_, page) => page).filter(
      (page) => page > 0 && this.#type(page) === overflowPage && !this.#visited.has(page),
    );
    if (unreached.length > 0) this.#damage.push(`nothing leads to ${unreached.length} of its pages`);
    return { blobs: this.#blobs, damage: this.#damage };
  }

  /** Keys and values in turn, each where an offset of the page's beginning says. */
  #readHashPage(page: number): void {
    const start = page * this.#pageBytes;
    const count = this.#uint16(start + 20);
    if (this.#uint32(start + 8) !== page || count % 2 !== 0 || pageHeaderBytes + 2 * count > this.#pageBytes) {
      this.#damage.push(`page ${page} is damaged`);
      return;
    }
    for (let index = 1; index < count; index += 2) {
      const item = this.#uint16(start + pageHeaderBytes + 2 * index);
      const type = item < this.#pageBytes ? this.#content[start + item] : undefined;
      if (type === offPageItem && item + 12 <= this.#pageBytes)
        this.#readValue(page, this.#uint32(start + item + 4), this.#uint32(start + item + 8));
      else if (type !== 1) this.#damage.push(`page ${page} is damaged`);
    }
  }

  #readValue(from: number, first: number, sizeBytes: number): void {
    const parts: Buffer[] = [];
    let read = 0;
    for (let page = first; page !== 0 && read < sizeBytes; ) {
      const start = page * this.#pageBytes;
      if (page >= this.#pages || this.#type(page) !== overflowPage || this.#visited.has(page)) break;
      this.#visited.add(page);
      const next = this.#uint32(start + 16);
      const length = this.#uint16(start + 22);
      if (this.#uint32(start + 8) !== page || length > this.#pageBytes - pageHeaderBytes) break;
      parts.push(this.#content.subarray(start + pageHeaderBytes, start + pageHeaderBytes + length));
      read += length;
      page = next;
    }
    if (read === sizeBytes) this.#blobs.push(parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts));
    else this.#damage.push(`the pages of a package on page ${from} are damaged`);
  }

  #type(page: number): number | undefined {
    return this.#content[page * this.#pageBytes + 25];
  }

  #uint32(at: number): number {
    return this.#isBigEndian ? this.#content.readUInt32BE(at) : this.#content.readUInt32LE(at);
  }

  #uint16(at: number): number {
    return this.#isBigEndian ? this.#content.readUInt16BE(at) : this.#content.readUInt16LE(at);
  }
}
