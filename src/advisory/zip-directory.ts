import type { FileHandle } from 'node:fs/promises';

/** One file as the central directory states it. */
export interface ZipEntry {
  readonly name: string;
  readonly nameBytes: Buffer;
  readonly method: 'stored' | 'deflated';
  readonly crc32: number;
  readonly compressedBytes: number;
  readonly sizeBytes: number;
  /** Of the local header. */
  readonly offset: number;
  /** Where the next file begins, or the central directory. */
  readonly end: number;
}

export interface ZipDirectory {
  /** In the order of their offsets. */
  readonly entries: readonly ZipEntry[];
  /** Where the central directory begins, and with it the files end. */
  readonly offset: number;
}

/** Reads an archive's central directory (APPNOTE.TXT 4.3.12 to 4.3.16). Nothing may lie between it and the end record, nor after that. */
export async function readZipDirectory(file: FileHandle, damaged: (reason: string) => Error): Promise<ZipDirectory> {
  const end = await readEnd(file, damaged);
  if (end.offset + end.sizeBytes !== end.directoryEnd || end.entries * entryBytes > end.sizeBytes || end.sizeBytes > directoryLimitBytes) {
    throw damaged('its directory is not where its end record says');
  }
  const bytes = await readExactly(file, end.offset, end.sizeBytes, damaged);
  const entries: Omit<ZipEntry, 'end'>[] = [];
  let offset = 0;
  for (let index = 0; index < end.entries; index += 1) {
    if (offset + entryBytes > bytes.length || bytes.readUInt32LE(offset) !== entrySignature) {
      throw damaged(`entry ${index} of its directory is broken`);
    }
    const length = entryBytes + bytes.readUInt16LE(offset + 28) + bytes.readUInt16LE(offset + 30) + bytes.readUInt16LE(offset + 32);
    if (offset + length > bytes.length) {
      throw damaged(`entry ${index} of its directory is cut off`);
    }
    entries.push(parseEntry(bytes.subarray(offset, offset + length), damaged));
    offset += length;
  }
  if (offset !== bytes.length) {
    throw damaged('its directory holds more than its end record says');
  }
  entries.sort((a, b) => a.offset - b.offset);
  return { entries: entries.map((entry, at) => ({ ...entry, end: entries[at + 1]?.offset ?? end.offset })), offset: end.offset };
}

const endSignature = 0x06054b50;
const endBytes = 22;
const end64LocatorSignature = 0x07064b50;
const end64LocatorBytes = 20;
const end64Signature = 0x06064b50;
const end64Bytes = 56;
const entrySignature = 0x02014b50;
const entryBytes = 46;
const commentLimitBytes = 0xffff;
const directoryLimitBytes = 512 * 1024 * 1024;

interface End {
  readonly entries: number;
  readonly offset: number;
  readonly sizeBytes: number;
  readonly directoryEnd: number;
}

async function readEnd(file: FileHandle, damaged: (reason: string) => Error): Promise<End> {
  const { size } = await file.stat();
  const start = Math.max(0, size - endBytes - commentLimitBytes - end64LocatorBytes);
  const tail = await readExactly(file, start, size - start, damaged);
  for (let at = tail.length - endBytes; at >= 0; at -= 1) {
    if (tail.readUInt32LE(at) === endSignature && at + endBytes + tail.readUInt16LE(at + 20) === tail.length) {
      if (tail.readUInt32LE(at + 4) !== 0 || tail.readUInt16LE(at + 8) !== tail.readUInt16LE(at + 10)) {
        throw damaged('it is split over several files');
      }
      const isZip64 = at >= end64LocatorBytes && tail.readUInt32LE(at - end64LocatorBytes) === end64LocatorSignature;
      return isZip64
        ? readEnd64(file, toNumber(tail, at - end64LocatorBytes + 8), start + at - end64LocatorBytes, damaged)
        : {
            entries: tail.readUInt16LE(at + 10),
            sizeBytes: tail.readUInt32LE(at + 12),
            offset: tail.readUInt32LE(at + 16),
            directoryEnd: start + at,
          };
    }
  }
  throw damaged('it is no ZIP archive, or its end is missing');
}

async function readEnd64(file: FileHandle, offset: number, locatorOffset: number, damaged: (reason: string) => Error): Promise<End> {
  if (offset + end64Bytes !== locatorOffset) {
    throw damaged('its ZIP64 end record is not where its locator says');
  }
  const record = await readExactly(file, offset, end64Bytes, damaged);
  if (record.readUInt32LE(0) !== end64Signature || record.readUInt32LE(16) !== 0 || record.readUInt32LE(20) !== 0) {
    throw damaged('its ZIP64 end record is broken');
  }
  return { entries: toNumber(record, 32), sizeBytes: toNumber(record, 40), offset: toNumber(record, 48), directoryEnd: offset };
}

function parseEntry(bytes: Buffer, damaged: (reason: string) => Error): Omit<ZipEntry, 'end'> {
  const nameBytes = bytes.subarray(entryBytes, entryBytes + bytes.readUInt16LE(28));
  const name = nameBytes.toString('utf8');
  const method = ({ 0: 'stored', 8: 'deflated' } as const)[bytes.readUInt16LE(10)];
  if ((bytes.readUInt16LE(8) & 1) !== 0 || method === undefined) {
    throw damaged(`file '${name}' is encrypted or compressed by a method other than deflate`);
  }
  const large = extra64(bytes.subarray(entryBytes + nameBytes.length, bytes.length - bytes.readUInt16LE(32)));
  // APPNOTE.TXT 4.5.3: the extra field holds, in this order, just those values that are all ones in the entry.
  const value = (at: number): number => {
    const small = bytes.readUInt32LE(at);
    const next = small === 0xffff_ffff ? large.shift() : small;
    if (next === undefined) {
      throw damaged(`file '${name}' lacks its ZIP64 sizes`);
    }
    return next;
  };
  const sizeBytes = value(24);
  const compressedBytes = value(20);
  const offset = value(42);
  if (method === 'stored' && sizeBytes !== compressedBytes) {
    throw damaged(`file '${name}' is stored with two sizes`);
  }
  return { name, nameBytes, method, crc32: bytes.readUInt32LE(16), compressedBytes, sizeBytes, offset };
}

function extra64(extra: Buffer): number[] {
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) === 1) {
      const values = extra.subarray(at + 4, at + 4 + extra.readUInt16LE(at + 2));
      return Array.from({ length: Math.min(3, Math.floor(values.length / 8)) }, (_, index) => toNumber(values, index * 8));
    }
  }
  return [];
}

/** Above 2^53 the value is no place in any file, and stays far above all limits. */
function toNumber(bytes: Buffer, at: number): number {
  return Number(bytes.readBigUInt64LE(at));
}

async function readExactly(file: FileHandle, offset: number, length: number, damaged: (reason: string) => Error): Promise<Buffer> {
  const { size } = await file.stat();
  if (offset + length > size) {
    throw damaged('it is cut off');
  }
  const buffer = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, offset + filled);
    if (bytesRead === 0) {
      throw damaged('it is cut off');
    }
    filled += bytesRead;
  }
  return buffer;
}
