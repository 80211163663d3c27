import { deflateRawSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { detectCompression } from '../../src/lib/compression.ts';

describe('detectCompression', () => {
  it('tells by magic bytes', () => {
    expect(detectCompression(gzipSync(''))).toBe('gzip');
    expect(detectCompression(Buffer.from('28b52ffd0458', 'hex'))).toBe('zstd');
    expect(detectCompression(Buffer.from('502a4d180400', 'hex'))).toBe('zstd');
    expect(detectCompression(Buffer.from('fd377a585a00', 'hex'))).toBe('xz');
    expect(detectCompression(Buffer.from('BZh91AY'))).toBe('bzip2');
    expect(detectCompression(Buffer.from('BZh-notes.txt'))).toBe('none');
    expect(detectCompression(deflateRawSync('etc/'))).toBe('none');
    expect(detectCompression(Buffer.alloc(0))).toBe('none');
  });
});
