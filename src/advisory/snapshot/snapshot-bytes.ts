import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import type { Digest } from '../../model/digest.ts';

/** A snapshot as it lies in a file or in memory. */
export interface SnapshotBytes {
  readonly sizeBytes: number;
  /** Fewer than `length` at the end. */
  read(offset: number, length: number): Promise<Buffer>;
  /** May be called again. */
  close(): Promise<void>;
}

/** Pieces are small and lie one behind the other: a file is read in larger ones. */
const windowBytes = 128 * 1024;

/** Rejects with an error of the file system. One piece at a time may be read. */
export async function openSnapshotBytes(path: string): Promise<SnapshotBytes> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    let closing: Promise<void> | undefined;
    const close = () => {
      closing ??= file.close();
      return closing;
    };
    let window: { readonly start: number; readonly bytes: Buffer } = { start: 0, bytes: Buffer.alloc(0) };
    const read = async (offset: number, length: number) => {
      if (offset < window.start || offset + length > window.start + window.bytes.length) {
        window = {
          start: offset,
          bytes: await readPiece(file, offset, Math.min(Math.max(length, windowBytes), Math.max(0, size - offset))),
        };
      }
      return window.bytes.subarray(offset - window.start, offset - window.start + length);
    };
    return { sizeBytes: size, read, close };
  } catch (error) {
    await file.close();
    throw error;
  }
}

export function toSnapshotBytes(content: Buffer): SnapshotBytes {
  return {
    sizeBytes: content.length,
    read: async (offset, length) => content.subarray(offset, offset + length),
    close: async () => {},
  };
}

const hashedAtOnceBytes = 1024 * 1024;

export async function digestOfSnapshot(bytes: SnapshotBytes): Promise<Digest> {
  const hash = createHash('sha256');
  for (let at = 0; at < bytes.sizeBytes; at += hashedAtOnceBytes) hash.update(await bytes.read(at, hashedAtOnceBytes));
  return `sha256:${hash.digest('hex')}`;
}

async function readPiece(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}
