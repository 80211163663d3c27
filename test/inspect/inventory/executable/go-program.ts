import { dataAddress, elf, rodataAddress } from './elf-writer.ts';

const magic = Buffer.from('\xff Go buildinf:', 'latin1');

/** The marks of cmd/go/internal/modload (`infoStart`, `infoEnd`). */
const begin = Buffer.from('3077af0c9274080241e1c107e6d618e6', 'hex');
const end = Buffer.from('f932433186182072008242104116d8f2', 'hex');

function framed(modules: string): Buffer {
  return modules === '' ? Buffer.alloc(0) : Buffer.concat([begin, Buffer.from(modules), end]);
}

/** Build information as Go 1.18 and later write it: two strings with their lengths. */
export function inlineInfo(goVersion: string, modules: string): Buffer {
  const counted = (text: Buffer) => Buffer.concat([varint(text.length), text]);
  return Buffer.concat([
    magic,
    Buffer.from([0, 2]),
    Buffer.alloc(16),
    counted(Buffer.from(goVersion)),
    counted(framed(modules)),
    Buffer.alloc(32),
  ]);
}

function varint(value: number): Buffer {
  return value < 128 ? Buffer.from([value]) : Buffer.concat([Buffer.from([(value & 127) | 128]), varint(value >>> 7)]);
}

/** A program of Go 1.13 to 1.17: pointers to the heads of two strings, which lie among the constants. */
export function pointerProgram(goVersion: string, modules: string, isWide = true, isBigEndian = false): Buffer {
  const pointerBytes = isWide ? 8 : 4;
  const pointer = (value: number): Buffer => {
    const buffer = Buffer.alloc(8);
    if (isBigEndian) buffer.writeBigUInt64BE(BigInt(value));
    else buffer.writeBigUInt64LE(BigInt(value));
    return isBigEndian ? buffer.subarray(8 - pointerBytes) : buffer.subarray(0, pointerBytes);
  };
  const texts = [Buffer.from(goVersion), framed(modules)] as const;
  const heads = dataAddress + 64;
  const data = Buffer.concat([
    Buffer.alloc(16),
    ...[magic, Buffer.from([pointerBytes, isBigEndian ? 1 : 0]), pointer(heads), pointer(heads + 2 * pointerBytes)],
    Buffer.alloc(32 - 2 * pointerBytes),
    ...[pointer(rodataAddress), pointer(texts[0].length), pointer(rodataAddress + texts[0].length), pointer(texts[1].length)],
  ]);
  return elf({ data, rodata: Buffer.concat(texts), isWide, isBigEndian });
}
