import { type FileRange, type Layout, maxHeaders, type Segment } from './layout.ts';

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
  const notes: FileRange[] = [];
  for (let at = tableAt; at < tableAt + entryBytes * entries; at += entryBytes) {
    const type = fields.quad(at);
    if (type === loadable) addSegment(fields, at, segments);
    else if (type === note) notes.push(toSegment(fields, at));
  }
  const isReadable = sectionBytes >= (isWide ? 64 : 40) && sections > 0 && sections <= maxHeaders && sectionsAt > 0;
  const tableBytes = sectionBytes * sections;
  const namesReach = Math.min(sectionsAt, sectionNamesBytes);
  return {
    segments,
    notes,
    tables: isReadable ? [{ offset: sectionsAt - namesReach, sizeBytes: namesReach + tableBytes }] : [],
    section(name, read) {
      const table = isReadable ? read(sectionsAt, tableBytes) : undefined;
      return table && findSection(new Fields(table, isWide, isBigEndian), sectionBytes, nameSection, name, read);
    },
  };
}

/** PT_LOAD, PT_NOTE. */
const loadable = 1;
const note = 4;

/** The names of the sections stand before the table of sections, where linkers put that at the end. */
const sectionNamesBytes = 64 * 1024;

/**
 * A segment that is not code. Where the headers of the file are in a segment of code, the linker has put its constants there too
 * (`-z noseparate-code`), so that it counts as data.
 */
function addSegment(fields: Fields, at: number, segments: Segment[]): void {
  const segment = toSegment(fields, at);
  const isCode = (fields.quad(at + (fields.isWide ? 4 : 24)) & 1) !== 0;
  if (segment.sizeBytes > 0 && (!isCode || segment.offset === 0)) segments.push(segment);
}

function toSegment(fields: Fields, at: number): Segment {
  const { isWide } = fields;
  return {
    offset: fields.word(at + (isWide ? 8 : 4)),
    address: fields.word(at + (isWide ? 16 : 8)),
    sizeBytes: fields.word(at + (isWide ? 32 : 16)),
    isWritable: (fields.quad(at + (isWide ? 4 : 24)) & 2) !== 0,
  };
}

/** Most programs have no section of the name, which the table of names tells at once. */
function findSection(
  table: Fields,
  entryBytes: number,
  nameSection: number,
  name: string,
  read: (offset: number, sizeBytes: number) => Buffer | undefined,
): FileRange | undefined {
  const toRange = (at: number): FileRange =>
    table.isWide
      ? { offset: table.word(at + 24), sizeBytes: table.word(at + 32) }
      : { offset: table.word(at + 16), sizeBytes: table.word(at + 20) };
  const namesAt = nameSection * entryBytes;
  if (namesAt + entryBytes > table.sizeBytes) return undefined;
  const { offset, sizeBytes } = toRange(namesAt);
  const names = sizeBytes > sectionNamesBytes ? undefined : read(offset, sizeBytes);
  const start = names?.indexOf(`${name}\0`, 0, 'latin1') ?? -1;
  if (start === -1) return undefined;
  for (let at = 0; at + entryBytes <= table.sizeBytes; at += entryBytes) if (table.quad(at) === start) return toRange(at);
  return undefined;
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
