import { crc32, deflateRawSync } from 'node:zlib';

export interface ZipPart {
  readonly name: string;
  readonly content: string | Buffer;
  readonly stored?: boolean;
}

/** What a test may change: offsets of the local headers, of the central entries, and of the end record. */
export interface ZipImage {
  readonly bytes: Buffer;
  readonly local: readonly number[];
  readonly central: readonly number[];
  readonly end: number;
}

/** Writes a ZIP archive as Go's and Python's writers do, without ZIP64 unless asked. */
export function writeZip(parts: readonly ZipPart[], { zip64 = false } = {}): ZipImage {
  const chunks: Buffer[] = [];
  let offset = 0;
  const put = (chunk: Buffer): number => {
    chunks.push(chunk);
    offset += chunk.length;
    return offset - chunk.length;
  };
  const local: number[] = [];
  const entries = parts.map(({ name, content, stored }) => {
    const bytes = Buffer.from(content);
    const packed = stored ? bytes : deflateRawSync(bytes);
    const nameBytes = Buffer.from(name);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(stored ? 0 : 8, 4);
    common.writeUInt32LE(crc32(bytes), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(bytes.length, 18);
    common.writeUInt16LE(nameBytes.length, 22);
    local.push(put(Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), common, nameBytes, packed])));
    return { common, nameBytes, sizes: [bytes.length, packed.length, local.at(-1) ?? 0] };
  });
  const start = offset;
  const central = entries.map(({ common, nameBytes, sizes }) => put(centralEntry(common, nameBytes, sizes, zip64)));
  const size = offset - start;
  if (zip64) put(end64(parts.length, size, start, offset));
  const end = put(endRecord(zip64 ? 0xffff : parts.length, zip64 ? 0xffff_ffff : size, zip64 ? 0xffff_ffff : start));
  return { bytes: Buffer.concat(chunks), local, central, end };
}

function centralEntry(common: Buffer, nameBytes: Buffer, sizes: readonly number[], zip64: boolean): Buffer {
  const fixed = Buffer.alloc(46);
  fixed.write('PK\x01\x02', 0, 'latin1');
  fixed.writeUInt16LE(20, 4);
  common.copy(fixed, 6);
  fixed.writeUInt32LE(sizes[2] ?? 0, 42);
  if (!zip64) return Buffer.concat([fixed, nameBytes]);
  for (const at of [20, 24, 42]) fixed.writeUInt32LE(0xffff_ffff, at);
  const extra = Buffer.alloc(28);
  extra.writeUInt16LE(1, 0);
  extra.writeUInt16LE(24, 2);
  for (const [index, value] of sizes.entries()) extra.writeBigUInt64LE(BigInt(value), 4 + index * 8);
  fixed.writeUInt16LE(extra.length, 30);
  return Buffer.concat([fixed, nameBytes, extra]);
}

function end64(count: number, size: number, start: number, offset: number): Buffer {
  const record = Buffer.alloc(76);
  record.write('PK\x06\x06', 0, 'latin1');
  record.writeBigUInt64LE(44n, 4);
  record.writeBigUInt64LE(BigInt(count), 24);
  record.writeBigUInt64LE(BigInt(count), 32);
  record.writeBigUInt64LE(BigInt(size), 40);
  record.writeBigUInt64LE(BigInt(start), 48);
  record.write('PK\x06\x07', 56, 'latin1');
  record.writeBigUInt64LE(BigInt(offset), 64);
  record.writeUInt32LE(1, 72);
  return record;
}

function endRecord(count: number, size: number, start: number): Buffer {
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 0, 'latin1');
  end.writeUInt16LE(count, 8);
  end.writeUInt16LE(count, 10);
  end.writeUInt32LE(size, 12);
  end.writeUInt32LE(start, 16);
  return end;
}
