/** Tar's unit: headers are one block, contents are padded to whole ones. */
export const tarBlockBytes = 512;

/** One header block as Go's archive/tar reads it, before PAX records and GNU long names are laid over it. */
export interface TarHeader {
  readonly name: string;
  readonly linkName: string;
  /** The type flag as it stands: `0`, `5`, `x`, `L`, NUL … */
  readonly type: string;
  readonly sizeBytes: number;
  readonly mode: number;
}

/** A block or record that Go's reader refuses, or that says something no archive says. */
export class TarHeaderError extends Error {}

/**
 * Reads a header block; undefined for a block of zeros. Checksum, magic, numbers (octal and base-256) and the prefix field as in
 * https://cs.opensource.google/go/go/+/refs/tags/go1.24.0:src/archive/tar/reader.go (readHeader).
 */
export function parseTarHeader(block: Buffer): TarHeader | undefined {
  if (block.every((byte) => byte === 0)) {
    return undefined;
  }
  verifyChecksum(block);
  const [sizeBytes, mode] = [124, 100].map((start) => parseNumber(block.subarray(start, start + (start === 124 ? 12 : 8))));
  for (const start of [108, 116]) {
    parseNumber(block.subarray(start, start + 8));
  }
  parseNumber(block.subarray(136, 148));
  const magic = block.toString('latin1', 257, 265);
  const isStar = magic.startsWith('ustar\0') && block.toString('latin1', 508, 512) === 'tar\0';
  const isUstar = magic.startsWith('ustar\0') && !isStar;
  const isGnu = magic === 'ustar  \0';
  if (isStar || isUstar || isGnu) {
    parseNumber(block.subarray(329, 337));
    parseNumber(block.subarray(337, 345));
  }
  const prefix = isUstar ? parseText(block, 345, 155) : isStar ? parseText(block, 345, 131) : isGnu ? parseGnuPrefix(block) : '';
  const name = parseText(block, 0, 100);
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    linkName: parseText(block, 157, 100),
    type: block.toString('latin1', 156, 157),
    sizeBytes: sizeBytes ?? 0,
    mode: mode ?? 0,
  };
}

/** PAX records of a type `x` or `g` entry; of one key the last counts. As Go's parsePAX, without sparse maps. */
export function parsePaxRecords(bytes: Buffer): ReadonlyMap<string, string> {
  const records = new Map<string, string>();
  let at = 0;
  while (at < bytes.length) {
    const space = bytes.indexOf(0x20, at);
    const digits = space === -1 ? '' : bytes.toString('latin1', at, space);
    const end = at + Number(digits);
    if (!/^\d{1,9}$/.test(digits) || Number(digits) < 5 || end > bytes.length || end <= space + 1 || bytes[end - 1] !== 0x0a) {
      throw new TarHeaderError('a PAX record has a bad length');
    }
    const record = bytes.toString('utf8', space + 1, end - 1);
    const equals = record.indexOf('=');
    const key = record.slice(0, equals);
    const value = record.slice(equals + 1);
    if (equals < 1 || key.includes('\0') || (textKeys.has(key) && value.includes('\0'))) {
      throw new TarHeaderError('a PAX record is not KEY=VALUE');
    }
    records.set(key, value);
    at = end;
  }
  return records;
}

/** The bytes of a field up to its first NUL. */
export function parseTarText(field: Buffer): string {
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end === -1 ? field.length : end);
}

const textKeys: ReadonlySet<string> = new Set(['path', 'linkpath', 'uname', 'gname']);

function parseText(block: Buffer, start: number, length: number): string {
  return parseTarText(block.subarray(start, start + length));
}

/** Sum of the block's bytes with its own field as spaces; signed bytes are Sun's old way. */
function verifyChecksum(block: Buffer): void {
  let unsigned = 0;
  let signed = 0;
  block.forEach((byte, index) => {
    const value = index >= 148 && index < 156 ? 0x20 : byte;
    unsigned += value;
    signed += value < 0x80 ? value : value - 0x100;
  });
  const stated = parseOctal(block.subarray(148, 156));
  if (stated !== unsigned && stated !== signed) {
    throw new TarHeaderError('a header has a wrong checksum');
  }
}

function parseNumber(field: Buffer): number {
  return (field[0] ?? 0) & 0x80 ? parseBase256(field) : parseOctal(field);
}

function parseOctal(field: Buffer): number {
  // Go trims both ends, then reads up to the first NUL.
  const trimmed = field.toString('latin1').replace(/^[ \0]+|[ \0]+$/g, '');
  const digits = trimmed.split('\0', 1)[0] ?? '';
  if (trimmed !== '' && !/^[0-7]+$/.test(digits)) {
    throw new TarHeaderError('a number of a header is not octal');
  }
  return toSafeNumber(digits === '' ? 0n : BigInt(`0o${digits}`));
}

function parseBase256(field: Buffer): number {
  const negative = ((field[0] ?? 0) & 0x40) !== 0;
  let value = 0n;
  field.forEach((byte, index) => {
    const bits = negative ? byte ^ 0xff : byte;
    value = (value << 8n) | BigInt(index === 0 ? bits & 0x7f : bits);
  });
  return toSafeNumber(negative ? -value - 1n : value);
}

function toSafeNumber(value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) {
    throw new TarHeaderError('a number of a header is too large');
  }
  return number;
}

/** GNU has times where ustar has the prefix; Go takes the field for a prefix where they are no numbers (golang.org/issues/12594). */
function parseGnuPrefix(block: Buffer): string {
  try {
    for (const start of [345, 357]) {
      if (block[start] !== 0) {
        parseNumber(block.subarray(start, start + 12));
      }
    }
    return '';
  } catch {
    const prefix = parseText(block, 345, 155);
    return /^[\x00-\x7f]*$/.test(prefix) ? prefix : '';
  }
}
