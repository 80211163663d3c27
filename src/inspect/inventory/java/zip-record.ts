/** Of an entry of a zip archive, what its header says (APPNOTE.TXT 4.3.7 and 4.3.12, https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT). */
export interface ZipEntry {
  readonly name: string;
  readonly method: number;
  readonly isEncrypted: boolean;
  /** The sizes stand behind the content rather than before it. */
  readonly isDescribedLater: boolean;
  readonly compressedBytes: number;
  readonly sizeBytes: number;
  /** Where its local header is, as the central directory counts; 0 in a local header. */
  readonly offset: number;
}

export const localSignature = 0x04034b50;
export const centralSignature = 0x02014b50;
export const descriptorSignature = 0x08074b50;
export const endSignature = 0x06054b50;
export const wideEndSignature = 0x06064b50;
export const wideLocatorSignature = 0x07064b50;

export const localHeaderBytes = 30;
export const centralHeaderBytes = 46;
export const endRecordBytes = 22;

/** The bytes behind a header of fixed size: name, extra fields, and in the central directory a comment. */
export function variableBytes(header: Buffer): number {
  const isLocal = header.readUInt32LE(0) === localSignature;
  if (isLocal) return header.readUInt16LE(26) + header.readUInt16LE(28);
  return header.readUInt16LE(28) + header.readUInt16LE(30) + header.readUInt16LE(32);
}

/** `header` is a local or central header with the bytes behind it. */
export function parseZipEntry(header: Buffer): ZipEntry {
  const isLocal = header.readUInt32LE(0) === localSignature;
  const at = isLocal ? 6 : 8;
  const fixedBytes = isLocal ? localHeaderBytes : centralHeaderBytes;
  const flags = header.readUInt16LE(at);
  const nameBytes = header.readUInt16LE(at + 20);
  const extra = header.subarray(fixedBytes + nameBytes, fixedBytes + nameBytes + header.readUInt16LE(at + 22));
  const narrow = {
    sizeBytes: header.readUInt32LE(at + 16),
    compressedBytes: header.readUInt32LE(at + 12),
    offset: isLocal ? 0 : header.readUInt32LE(42),
  };
  return {
    name: header.toString('utf8', fixedBytes, fixedBytes + nameBytes),
    method: header.readUInt16LE(at + 2),
    isEncrypted: (flags & 1) !== 0,
    isDescribedLater: (flags & 8) !== 0,
    ...widened(narrow, extra),
  };
}

type Numbers = Pick<ZipEntry, 'sizeBytes' | 'compressedBytes' | 'offset'>;

/** Each number that does not fit 32 bits is in the extra field 1, in this order (4.5.3). */
function widened(narrow: Numbers, extra: Buffer): Numbers {
  const field = findExtra(extra, 1);
  if (field === undefined) return narrow;
  let at = 0;
  const next = (value: number): number => {
    if (value !== 0xffffffff || at + 8 > field.length) return value;
    at += 8;
    return Number(field.readBigUInt64LE(at - 8));
  };
  return { sizeBytes: next(narrow.sizeBytes), compressedBytes: next(narrow.compressedBytes), offset: next(narrow.offset) };
}

function findExtra(extra: Buffer, id: number): Buffer | undefined {
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) === id) return extra.subarray(at + 4, at + 4 + extra.readUInt16LE(at + 2));
  }
  return undefined;
}
