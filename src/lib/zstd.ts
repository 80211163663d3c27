import type { Duplex } from 'node:stream';
import { promisify } from 'node:util';
// Not by name: Node 20 has no zstd, and would not load this file.
import zlib from 'node:zlib';

/** Node's zlib has zstd since 22.15; older ones take WebAssembly in threads, which is loaded for the first use. */
const isNative = typeof zlib.zstdCompress === 'function';

/**
 * Compresses a block to one whole frame (RFC 8878), off the main thread: frames one after the other are a zstd file. `bytes` must not be
 * written to before it resolves. Several at once use several cores; how many is up to the caller, and so is the memory that it takes.
 */
export async function zstdCompressBlock(bytes: Buffer, level: number): Promise<Buffer> {
  if (isNative) {
    const params = { [zlib.constants.ZSTD_c_compressionLevel]: level };
    return await promisify(zlib.zstdCompress)(bytes, { params, pledgedSrcSize: bytes.length, chunkSize: outputBytes });
  }
  const { compressInThread } = await import('./zstd-threads.ts');
  return await compressInThread(bytes, level);
}

/**
 * A stream that decodes zstd frames and checks their checksums. Each write must stay within one frame, as `ZstdFrames` cuts them: Node's own
 * drops what follows the end of a frame. A file that is cut is for `ZstdFrames` to tell, too.
 */
export async function createZstdDecoder(): Promise<Duplex> {
  if (isNative) return zlib.createZstdDecompress({ chunkSize: outputBytes });
  const { ThreadDecoder } = await import('./zstd-threads.ts');
  return new ThreadDecoder();
}

const outputBytes = 256 * 1024;
