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

/** Rejects with an error of the file system. */
export async function openSnapshotBytes(path: string): Promise<SnapshotBytes> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    let closing: Promise<void> | undefined;
    const close = () => {
      closing ??= file.close();
      return closing;
    };
    return { sizeBytes: size, read: (offset, length) => readPiece(file, offset, Math.min(length, size)), close };
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
