/** Parts of a program that a test puts into an ELF file. */
export interface ElfParts {
  /** Constants, at address `rodataAddress`. */
  readonly rodata?: Buffer;
  /** Data that may be written to, at address `dataAddress`. */
  readonly data?: Buffer;
  /** Names of sections that hold the constants or the data whole. */
  readonly sections?: readonly { readonly name: string; readonly of: 'rodata' | 'data' }[];
  readonly isWide?: boolean;
  readonly isBigEndian?: boolean;
  /** Bytes of code between headers and constants. */
  readonly codeBytes?: number;
  readonly note?: string;
}

export const rodataAddress = 0x50_0000;
export const dataAddress = 0x60_0000;

/** A program with segments of code, constants and data, and with its table of sections at the end, as GNU ld lays it out. */
export function elf(parts: ElfParts): Buffer {
  const { isWide = true, isBigEndian = false, codeBytes = 5000, sections = [] } = parts;
  const put = new Writer(isWide, isBigEndian);
  const headerBytes = isWide ? 64 : 52;
  const rodata = parts.rodata ?? Buffer.alloc(64);
  const data = parts.data ?? Buffer.alloc(64);
  const noteAt = headerBytes + 4 * put.segmentBytes;
  const rodataAt = align(noteAt + (parts.note?.length ?? 0) + codeBytes);
  const dataAt = align(rodataAt + rodata.length);
  const names = Buffer.from(['', '.shstrtab', ...sections.map(({ name }) => name)].map((name) => `${name}\0`).join(''));
  const namesAt = align(dataAt + data.length);
  const tableAt = align(namesAt + names.length);
  const count = sections.length === 0 ? 0 : sections.length + 2;
  const file = Buffer.alloc(tableAt + count * (isWide ? 64 : 40), 0x90);
  file.set(put.header(count === 0 ? 0 : tableAt, count), 0);
  file.set(put.segment(5, 0x1000, 0x40_1000, codeBytes), headerBytes);
  file.set(put.segment(4, rodataAt, rodataAddress, rodata.length), headerBytes + put.segmentBytes);
  file.set(put.segment(6, dataAt, dataAddress, data.length), headerBytes + 2 * put.segmentBytes);
  file.set(put.segment(4, noteAt, 0x40_0000, parts.note?.length ?? 0, 4), headerBytes + 3 * put.segmentBytes);
  file.write(parts.note ?? '', noteAt, 'latin1');
  file.set(rodata, rodataAt);
  file.set(data, dataAt);
  file.set(names, namesAt);
  if (count === 0) return file.subarray(0, namesAt);
  const placed = sections.map(({ name, of }) => ({ name, at: of === 'rodata' ? rodataAt : dataAt, sizeBytes: (parts[of] ?? '').length }));
  const entries = [{ name: '', at: 0, sizeBytes: 0 }, { name: '.shstrtab', at: namesAt, sizeBytes: names.length }, ...placed];
  for (const [index, { name, at, sizeBytes }] of entries.entries()) {
    file.set(put.section(names.indexOf(`${name}\0`), at, sizeBytes), tableAt + index * put.sectionBytes);
  }
  return file;
}

function align(offset: number): number {
  return (offset + 15) & ~15;
}

class Writer {
  readonly segmentBytes: number;
  readonly sectionBytes: number;
  readonly #isWide: boolean;
  readonly #isBigEndian: boolean;

  constructor(isWide: boolean, isBigEndian: boolean) {
    this.#isWide = isWide;
    this.#isBigEndian = isBigEndian;
    this.segmentBytes = isWide ? 56 : 32;
    this.sectionBytes = isWide ? 64 : 40;
  }

  header(tableAt: number, count: number): Buffer {
    const identity = Buffer.from([0x7f, 0x45, 0x4c, 0x46, this.#isWide ? 2 : 1, this.#isBigEndian ? 2 : 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    const headerBytes = this.#isWide ? 64 : 52;
    return Buffer.concat([
      identity,
      ...[2, 62].map((value) => this.number(value, 2)),
      this.number(1, 4),
      ...[0x40_1000, headerBytes, tableAt].map((value) => this.word(value)),
      this.number(0, 4),
      ...[headerBytes, this.segmentBytes, 4, this.sectionBytes, count, count === 0 ? 0 : 1].map((value) => this.number(value, 2)),
    ]);
  }

  segment(flags: number, offset: number, address: number, sizeBytes: number, type = 1): Buffer {
    const places = [offset, address, address, sizeBytes, sizeBytes].map((value) => this.word(value));
    const [kind, flag, alignment] = [this.number(type, 4), this.number(flags, 4), this.word(0x1000)];
    return Buffer.concat(this.#isWide ? [kind, flag, ...places, alignment] : [kind, ...places, flag, alignment]);
  }

  section(name: number, offset: number, sizeBytes: number): Buffer {
    const middle = [0, 0, offset, sizeBytes].map((value) => this.word(value));
    return Buffer.concat([
      this.number(name, 4),
      this.number(1, 4),
      ...middle,
      this.number(0, 4),
      this.number(0, 4),
      this.word(1),
      this.word(0),
    ]);
  }

  word(value: number): Buffer {
    return this.number(value, this.#isWide ? 8 : 4);
  }

  number(value: number, bytes: number): Buffer {
    const buffer = Buffer.alloc(bytes);
    if (bytes === 8) {
      if (this.#isBigEndian) buffer.writeBigUInt64BE(BigInt(value));
      else buffer.writeBigUInt64LE(BigInt(value));
    } else if (this.#isBigEndian) buffer.writeUIntBE(value, 0, bytes);
    else buffer.writeUIntLE(value, 0, bytes);
    return buffer;
  }
}
