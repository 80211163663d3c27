import { type Layout, maxHeaders, type Section, type Segment } from './layout.ts';

export const elfMagic = 0x7f454c46;

/**
 * Layout of an ELF file from its first bytes, of either width and byte order (https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html);
 * undefined for what is no program or shared library, or has its program headers elsewhere.
 */
export function parseElfLayout(head: Buffer): Layout | undefined {
  if (head.length < 64) return undefined;
  const isWide = head[4] === 2;
  const isBigEndian = head[5] === 2;
  const fields = new Fields(head, isWide, isBigEndian);
  const type = fields.half(16);
  if (type !== 2 && type !== 3) return undefined;
  const [tableAt, sectionsAt] = [fields.word(isWide ? 32 : 28), fields.word(isWide ? 40 : 32)];
  const count = (at: number): number => fields.half((isWide ? 54 : 42) + at);
  const [entryBytes, entries, sectionBytes, sections, nameSection] = [count(0), count(2), count(4), count(6), count(8)];
  if (entryBytes < (isWide ? 56 : 32) || tableAt + entryBytes * entries > head.length) return undefined;
  const segments: Segment[] = [];
  for (let at = tableAt; at < tableAt + entryBytes * entries; at += entryBytes) {
    const segment = toSegment(fields, at, isWide);
    if (segment !== undefined) segments.push(segment);
  }
  const isReadable = sectionBytes >= (isWide ? 64 : 40) && sections > 0 && sections <= maxHeaders && sectionsAt > 0;
  const tableBytes = sectionBytes * sections;
  const namesReach = Math.min(sectionsAt, sectionNamesBytes);
  return {
    segments,
    tables: isReadable ? [{ offset: sectionsAt - namesReach, sizeBytes: namesReach + tableBytes }] : [],
    isBigEndian,
    sections(read) {
      const table = isReadable ? read(sectionsAt, tableBytes) : undefined;
      return table === undefined ? [] : parseSections(new Fields(table, isWide, isBigEndian), sectionBytes, nameSection, read);
    },
  };
}

/** The names of the sections stand before the table of sections, where linkers put that at the end. */
const sectionNamesBytes = 64 * 1024;

/**
 * A loaded segment (PT_LOAD) that is not code. Where the headers of the file are in a segment of code, the linker has put its constants there too
 * (`-z noseparate-code`), so that it counts as data.
 */
function toSegment(fields: Fields, at: number, isWide: boolean): Segment | undefined {
  if (fields.quad(at) !== 1) return undefined;
  const flags = fields.quad(at + (isWide ? 4 : 24));
  const offset = fields.word(at + (isWide ? 8 : 4));
  const address = fields.word(at + (isWide ? 16 : 8));
  const sizeBytes = fields.word(at + (isWide ? 32 : 16));
  const isCode = (flags & 1) !== 0;
  return sizeBytes === 0 || (isCode && offset !== 0) ? undefined : { offset, address, sizeBytes, isWritable: (flags & 2) !== 0 };
}

function parseSections(
  table: Fields,
  entryBytes: number,
  nameSection: number,
  read: (offset: number, sizeBytes: number) => Buffer | undefined,
): readonly Section[] {
  const range = (at: number) =>
    table.isWide
      ? { offset: table.word(at + 24), sizeBytes: table.word(at + 32) }
      : { offset: table.word(at + 16), sizeBytes: table.word(at + 20) };
  const namesAt = nameSection * entryBytes;
  if (namesAt + entryBytes > table.sizeBytes) return [];
  const { offset, sizeBytes } = range(namesAt);
  const names = sizeBytes > sectionNamesBytes ? undefined : read(offset, sizeBytes);
  if (names === undefined) return [];
  const sections: Section[] = [];
  for (let at = 0; at + entryBytes <= table.sizeBytes; at += entryBytes) {
    const start = table.quad(at);
    const end = names.indexOf(0, start);
    if (start < names.length && end !== -1 && end - start < 64) {
      sections.push({ name: names.toString('latin1', start, end), ...range(at) });
    }
  }
  return sections;
}

/** Numbers of a header, in the terms of the ELF specification's 64-bit form: `word` has the width of an address. */
class Fields {
  readonly isWide: boolean;
  readonly sizeBytes: number;
  readonly #bytes: Buffer;
  readonly #isBigEndian: boolean;

  constructor(bytes: Buffer, isWide: boolean, isBigEndian: boolean) {
    this.#bytes = bytes;
    this.sizeBytes = bytes.length;
    this.isWide = isWide;
    this.#isBigEndian = isBigEndian;
  }

  half(at: number): number {
    return this.#isBigEndian ? this.#bytes.readUInt16BE(at) : this.#bytes.readUInt16LE(at);
  }

  quad(at: number): number {
    return this.#isBigEndian ? this.#bytes.readUInt32BE(at) : this.#bytes.readUInt32LE(at);
  }

  word(at: number): number {
    if (!this.isWide) return this.quad(at);
    return Number(this.#isBigEndian ? this.#bytes.readBigUInt64BE(at) : this.#bytes.readBigUInt64LE(at));
  }
}
