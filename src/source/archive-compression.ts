import { detectCompression } from '../lib/compression.ts';
import type { SourceFailure } from './source-error.ts';

/** How an image archive may be compressed as a whole. */
export type ArchiveCompression = 'gzip' | 'zstd' | 'none';

/** What the first bytes of an archive say; throws where it is compressed in another way. */
export function toArchiveCompression(head: Buffer, fail: SourceFailure): ArchiveCompression {
  const compression = isZip(head) ? 'zip' : detectCompression(head);
  if (compression === 'gzip' || compression === 'zstd' || compression === 'none') return compression;
  throw fail('source-unsupported', `it is compressed with ${compression}`, 'Decompress it first, or compress it with gzip or zstd.');
}

/** https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT (4.3.7) */
function isZip(head: Buffer): boolean {
  return head.length >= 4 && head.readUInt32LE(0) === 0x04034b50;
}
