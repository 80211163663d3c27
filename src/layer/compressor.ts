import { availableParallelism } from 'node:os';
import { BlockWriter } from './block-writer.ts';
import type { CompressedWriter } from './compressed-writer.ts';
import { DeflatePool } from './deflate-pool.ts';
import { GzipWriter } from './gzip-writer.ts';
import type { LayerFormat } from './inflate.ts';
import { ZstdPool } from './zstd-pool.ts';

/** Compresses layers on all processors, several at once. Disposing ends its threads. */
export interface Compressor extends Disposable {
  readonly compression: LayerFormat;
  /** Begins a layer. `write` gets the compressed bytes in order, each part valid during its call, and is awaited. */
  begin(write: (bytes: Buffer) => Promise<void>): CompressedWriter;
}

/** The threads start with the first block, and do not hold the process. */
export function openCompressor(compression: LayerFormat): Compressor {
  if (compression === 'zstd') {
    const pool = new ZstdPool(availableParallelism());
    return { compression, begin: (write) => new BlockWriter(pool, write), [Symbol.dispose]() {} };
  }
  const pool = new DeflatePool(availableParallelism());
  return { compression, begin: (write) => new GzipWriter(pool, write), [Symbol.dispose]: () => pool[Symbol.dispose]() };
}
