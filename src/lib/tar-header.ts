import type { RefuseTar } from './tar-refusal.ts';
import { readTarText } from './tar-text.ts';

/** One header block as Go's archive/tar unpacks it (src/archive/tar/reader.go, readHeader), extended headers not yet applied. */
export interface TarHeader {
  /** The type flag as a character; NUL is `\0`. */
  readonly typeflag: string;
  readonly name: string;
  readonly linkName: string;
  /** Never negative, but it may be above what a number holds exactly. */
  readonly sizeBytes: number;
  readonly mode: number;
}

/** Tar's unit: headers are one block, contents are padded to whole ones. */
export const tarBlockBytes = 512;

/**
 * Reads a header block that is not all zero. The formats are told apart by magic and version as in Go (src/archive/tar/format.go):
 * V7, ustar and PAX, STAR, GNU.
 */
export function readTarHeader(block: Buffer, refuse: RefuseTar): TarHeader {
  verifyChecksum(block, refuse);
  const sizeBytes = readNumber(block, 124, 136, 'size', refuse);
  if (sizeBytes < 0) refuse('malformed-tar', 'a negative size');
  const mode = readNumber(block, 100, 108, 'mode', refuse);
  readNumber(block, 108, 116, 'user id', refuse);
  readNumber(block, 116, 124, 'group id', refuse);
  readNumber(block, 136, 148, 'modification time', refuse);
  const prefix = readPrefix(block, refuse);
  const name = readTarText(block, 0, 100);
  return {
    typeflag: String.fromCharCode(block[156] as number),
    name: prefix === '' ? name : `${prefix}/${name}`,
    linkName: readTarText(block, 157, 257),
    sizeBytes,
    mode,
  };
}

/** Bytes after an entry's content that fill its last block. */
export function tarPaddingBytes(sizeBytes: number): number {
  return (tarBlockBytes - (sizeBytes % tarBlockBytes)) % tarBlockBytes;
}

/** Whether bytes are all zero, as the blocks at an archive's end are. */
export function isZero(bytes: Buffer): boolean {
  if (bytes[0] !== 0) return bytes.length === 0;
  for (let at = 0; at < bytes.length; at += zeros.length) {
    const part = bytes.subarray(at, at + zeros.length);
    if (zeros.compare(part, 0, part.length, 0, part.length) !== 0) return false;
  }
  return true;
}

const zeros = Buffer.alloc(64 * 1024);

/** Sums are of unsigned bytes (POSIX) or signed ones (Sun's tar); the checksum's own field counts as spaces. */
function verifyChecksum(block: Buffer, refuse: RefuseTar): void {
  const unsigned = sumBytes(block, 0, 148) + 8 * 0x20 + sumBytes(block, 156, tarBlockBytes);
  const stated = parseOctal(block, 148, 156);
  if (stated === unsigned) return;
  const high = block.filter((byte, at) => byte > 0x7f && (at < 148 || at >= 156)).length;
  if (stated !== unsigned - 256 * high) refuse('malformed-tar', 'not a tar header: its checksum does not hold');
}

/** Of a multiple of four bytes; in four sums, for they are independent of each other and this is half of reading small files. */
function sumBytes(block: Buffer, start: number, end: number): number {
  let [a, b, c, d] = [0, 0, 0, 0];
  for (let at = start; at < end; at += 4) {
    a += block[at] as number;
    b += block[at + 1] as number;
    c += block[at + 2] as number;
    d += block[at + 3] as number;
  }
  return a + b + c + d;
}

/** `ustar` and NUL; `ustar` and a space, with a space and NUL as version; `tar` and NUL (src/archive/tar/format.go). */
const ustarMagic = 0x757374617200;
const gnuMagic = 0x757374617220;
const gnuVersion = 0x2000;
const starTrailer = 0x74617200;

function readPrefix(block: Buffer, refuse: RefuseTar): string {
  const magic = block.readUIntBE(257, 6);
  if (magic === ustarMagic) {
    verifyDevice(block, refuse);
    if (block.readUInt32BE(508) !== starTrailer) return readTarText(block, 345, 500);
    readNumber(block, 476, 488, 'access time', refuse);
    readNumber(block, 488, 500, 'change time', refuse);
    return readTarText(block, 345, 476);
  }
  if (magic === gnuMagic && block.readUInt16BE(263) === gnuVersion) {
    verifyDevice(block, refuse);
    return readGnuPrefix(block);
  }
  return '';
}

function verifyDevice(block: Buffer, refuse: RefuseTar): void {
  readNumber(block, 329, 337, 'device number', refuse);
  readNumber(block, 337, 345, 'device number', refuse);
}

/** GNU has two times where ustar has the prefix. Go reads the prefix if they are not numbers, for the sake of its own former writer (golang/go#12594). */
function readGnuPrefix(block: Buffer): string {
  const times = [345, 357].filter((at) => block[at] !== 0);
  if (times.every((at) => parseNumber(block, at, at + 12) !== undefined)) return '';
  const prefix = block.subarray(345, 500);
  const nul = prefix.indexOf(0);
  const text = prefix.subarray(0, nul === -1 ? prefix.length : nul);
  return text.every((byte) => byte < 0x80) ? text.toString('latin1') : '';
}

function readNumber(block: Buffer, start: number, end: number, field: string, refuse: RefuseTar): number {
  const value = parseNumber(block, start, end);
  if (value === undefined) refuse('malformed-tar', `the header's ${field} is not a number`);
  return value;
}

/** Octal digits, or base-256 where the first bit is set (src/archive/tar/strconv.go, parseNumeric); undefined if neither or above 63 bits. */
function parseNumber(block: Buffer, start: number, end: number): number | undefined {
  const first = block[start] ?? 0;
  if ((first & 0x80) === 0) return parseOctal(block, start, end);
  const negative = (first & 0x40) !== 0;
  let value = 0n;
  for (let at = start; at < end; at++) {
    const byte = (block[at] ?? 0) ^ (negative ? 0xff : 0);
    value = (value << 8n) | BigInt(at === start ? byte & 0x7f : byte);
  }
  if (value >= 1n << 63n) return undefined;
  return negative ? -Number(value) - 1 : Number(value);
}

function parseOctal(block: Buffer, start: number, end: number): number | undefined {
  let from = start;
  let to = end;
  while (from < to && isPadding(block[from])) from++;
  while (to > from && isPadding(block[to - 1])) to--;
  let value = 0;
  for (let at = from; at < to && block[at] !== 0; at++) {
    const digit = (block[at] as number) - 0x30;
    if (digit < 0 || digit > 7) return undefined;
    value = value * 8 + digit;
  }
  return value;
}

function isPadding(byte: number | undefined): boolean {
  return byte === 0 || byte === 0x20;
}
