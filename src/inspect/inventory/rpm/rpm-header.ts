import { createHash } from 'node:crypto';

/** The tags of a package's header that are read (https://rpm-software-management.github.io/rpm/manual/tags.html). */
export const rpmTag = {
  sha1Header: 269,
  sha256Header: 273,
  name: 1000,
  version: 1001,
  release: 1002,
  epoch: 1003,
  vendor: 1011,
  licence: 1014,
  architecture: 1022,
  sourceRpm: 1044,
  directoryIndexes: 1116,
  baseNames: 1117,
  directoryNames: 1118,
  modularityLabel: 5096,
} as const;

type Tag = (typeof rpmTag)[keyof typeof rpmTag];

/** Types of entries (https://rpm-software-management.github.io/rpm/manual/format_header.html). */
const typeInt32 = 4;
const typeString = 6;
const typeBinary = 7;
const typeStringArray = 8;
const typeTranslatedString = 9;

const immutableRegion = 63;
const entryBytes = 16;
/** A header in a database lacks this beginning, over which its digests are taken all the same. */
const magic = Buffer.from('8eade80100000000', 'hex');
/** rpm's own limits (lib/header.c, hdrblobInit): entries, and bytes of data. */
const entryLimit = 0xffff;
const dataLimitBytes = 256 * 1024 * 1024;

interface Entry {
  readonly type: number;
  readonly start: number;
  readonly count: number;
}

/**
 * A package's header as rpm databases hold it: numbers of entries and of data bytes, then the entries, then the data. Throws where the outline does
 * not hold; an entry is checked when it is asked for.
 */
export class RpmHeader {
  readonly #blob: Buffer;
  readonly #dataStart: number;
  readonly #dataEnd: number;
  readonly #entries = new Map<number, Entry>();

  constructor(blob: Buffer) {
    if (blob.length < 8) throw new Error('a header is cut off');
    const count = blob.readUInt32BE(0);
    const dataBytes = blob.readUInt32BE(4);
    this.#blob = blob;
    this.#dataStart = 8 + count * entryBytes;
    this.#dataEnd = this.#dataStart + dataBytes;
    if (count === 0 || count > entryLimit || dataBytes > dataLimitBytes || this.#dataEnd > blob.length) {
      throw new Error('a header does not have the size that it states');
    }
    for (let at = 8; at < this.#dataStart; at += entryBytes) {
      const tag = blob.readUInt32BE(at);
      const start = this.#dataStart + blob.readInt32BE(at + 8);
      // What the package came with stands first; what was added when it was installed cannot take its place.
      if (!this.#entries.has(tag)) this.#entries.set(tag, { type: blob.readUInt32BE(at + 4), start, count: blob.readUInt32BE(at + 12) });
    }
  }

  /** A text of at most `maxBytes`; undefined where there is none. */
  text(tag: Tag, maxBytes = 1024): string | undefined {
    const entry = this.#entries.get(tag);
    if (entry === undefined) return undefined;
    const isText = entry.type === typeString || entry.type === typeTranslatedString || entry.type === typeStringArray;
    if (!isText || entry.count < 1) throw new Error(`entry ${tag} of a header is no text`);
    return this.#blob.toString('utf8', entry.start, Math.min(this.#textEnd(entry.start, tag), entry.start + maxBytes));
  }

  /** The texts of a list, one by one. */
  *texts(tag: Tag): Generator<string> {
    const entry = this.#entries.get(tag);
    if (entry === undefined) return;
    if (entry.type !== typeStringArray && entry.type !== typeString) throw new Error(`entry ${tag} of a header is no list of texts`);
    for (let left = entry.count, at = entry.start; left > 0; left -= 1) {
      const end = this.#textEnd(at, tag);
      yield this.#blob.toString('utf8', at, end);
      at = end + 1;
    }
  }

  /** The numbers of a list; none where there is none. */
  numbers(tag: Tag): readonly number[] {
    const entry = this.#entries.get(tag);
    if (entry === undefined) return [];
    const { start, count } = entry;
    if (entry.type !== typeInt32 || start < this.#dataStart || count > (this.#dataEnd - start) / 4) {
      throw new Error(`entry ${tag} of a header is no list of numbers`);
    }
    return Array.from({ length: count }, (_, index) => this.#blob.readUInt32BE(start + 4 * index));
  }

  /**
   * Whether the header is as it was built, by the digest that it carries: rpm checks the same when it reads its database. Undefined where it carries
   * none (packages of before 2001, keys).
   */
  isIntact(): boolean | undefined {
    const stated = this.text(rpmTag.sha256Header) ?? this.text(rpmTag.sha1Header);
    const region = this.#entries.get(immutableRegion);
    if (stated === undefined || region === undefined) return undefined;
    return this.#regionDigest(region, stated.length === 64 ? 'sha256' : 'sha1') === stated;
  }

  /** The region ends with an entry whose offset, negative, tells how many of the entries belong to it (lib/header.c, hdrblobVerifyRegion). */
  #regionDigest({ type, start, count }: Entry, algorithm: string): string | undefined {
    if (type !== typeBinary || count !== entryBytes || start < this.#dataStart || start + entryBytes > this.#dataEnd) return undefined;
    const indexBytes = -this.#blob.readInt32BE(start + 8);
    if (indexBytes <= 0 || indexBytes % entryBytes !== 0 || indexBytes > this.#dataStart - 8) return undefined;
    const end = start + entryBytes;
    const sizes = Buffer.alloc(8);
    sizes.writeUInt32BE(indexBytes / entryBytes, 0);
    sizes.writeUInt32BE(end - this.#dataStart, 4);
    const hash = createHash(algorithm).update(magic).update(sizes);
    return hash
      .update(this.#blob.subarray(8, 8 + indexBytes))
      .update(this.#blob.subarray(this.#dataStart, end))
      .digest('hex');
  }

  #textEnd(start: number, tag: number): number {
    const end = start < this.#dataStart || start >= this.#dataEnd ? -1 : this.#blob.indexOf(0, start);
    if (end === -1 || end >= this.#dataEnd) throw new Error(`entry ${tag} of a header leaves its data`);
    return end;
  }
}
