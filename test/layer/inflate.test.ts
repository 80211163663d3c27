import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type LayerFormat, openInflater } from '../../src/layer/inflate.ts';
import { defaultLayerLimits } from '../../src/layer/limits.ts';

async function inflate(
  bytes: Buffer,
  partBytes = bytes.length || 1,
  limits = defaultLayerLimits,
  format: LayerFormat = 'gzip',
): Promise<Buffer> {
  const parts: Buffer[] = [];
  const inflater = await openInflater('test', format, (part) => parts.push(Buffer.from(part)), limits);
  try {
    for (let at = 0; at < bytes.length; at += partBytes) await inflater.write(bytes.subarray(at, at + partBytes));
    await inflater.end();
  } finally {
    inflater.destroy();
  }
  return Buffer.concat(parts);
}

const text = Buffer.from(Array.from({ length: 30_000 }, (_, at) => `line ${at * at}\n`).join(''));

describe('inflating gzip', () => {
  it('reads one member and several, wherever the parts are cut', async () => {
    const whole = gzipSync(text);
    expect((await inflate(whole)).equals(text)).toBe(true);
    const chained = Buffer.concat([gzipSync('a'), gzipSync(''), gzipSync('bc')]);
    for (let partBytes = 1; partBytes <= chained.length; partBytes++) expect((await inflate(chained, partBytes)).toString()).toBe('abc');
  });

  it('reads the members of an eStargz layer, its footer among them', async () => {
    // containerd/stargz-snapshotter, docs/estargz.md: an empty member, whose extra field says where the table of contents is.
    const footer = Buffer.concat([
      Buffer.from('1f8b08040000000000ff1a0053471600', 'hex'),
      Buffer.from('00000000000003e8STARGZ'),
      Buffer.from('010000ffff0000000000000000', 'hex'),
    ]);
    expect((await inflate(Buffer.concat([gzipSync('a'), gzipSync('b'), footer]))).toString()).toBe('ab');
  });

  it('refuses bytes behind the last member, zeros among them', async () => {
    for (const tail of [
      Buffer.alloc(1),
      Buffer.alloc(512),
      Buffer.from('x'),
      Buffer.from([0x1f]),
      Buffer.from([0x1f, 0x8b, 0]),
      gzipSync('b').subarray(0, -1),
    ]) {
      const bytes = Buffer.concat([gzipSync('a'), tail]);
      for (const partBytes of [1, bytes.length - tail.length, bytes.length]) {
        await expect(inflate(bytes, partBytes), `${tail.toString('hex')} in parts of ${partBytes}`).rejects.toMatchObject({
          code: 'malformed-gzip',
        });
      }
    }
  });

  it('refuses a member that is cut anywhere', async () => {
    const bytes = gzipSync('some text, some text');
    for (let length = 1; length < bytes.length; length++) {
      await expect(inflate(bytes.subarray(0, length)), `${length}`).rejects.toMatchObject({ code: 'malformed-gzip' });
    }
  });

  it('refuses a wrong CRC, a wrong length and damaged data', async () => {
    for (const at of [-8, -4, 12]) {
      const bytes = Buffer.from(gzipSync(text));
      const place = at < 0 ? bytes.length + at : at;
      bytes[place] = (bytes[place] ?? 0) ^ 1;
      await expect(inflate(bytes), `${at}`).rejects.toMatchObject({ code: 'malformed-gzip', origin: 'source' });
    }
  });

  it('stops a bomb by its ratio and by its size', async () => {
    const bomb = gzipSync(Buffer.alloc(4 * 1024 * 1024));
    const ratio = { ...defaultLayerLimits, ratioFreeBytes: 1024 * 1024 };
    await expect(inflate(bomb, 1024, ratio)).rejects.toMatchObject({ code: 'limit', message: expect.stringContaining('200 times') });
    await expect(inflate(bomb, 1024, { ...ratio, maxInflationRatio: 2000 })).resolves.toHaveLength(4 * 1024 * 1024);
    await expect(inflate(bomb, 1024, { ...defaultLayerLimits, maxInflatedBytes: 1_000_000 })).rejects.toMatchObject({ code: 'limit' });
  });

  it('rejects with what its consumer throws, and takes no more', async () => {
    let calls = 0;
    const inflater = await openInflater(
      'test',
      'gzip',
      () => {
        calls += 1;
        throw new Error('refused');
      },
      defaultLayerLimits,
    );
    const bytes = gzipSync(Buffer.alloc(10 * 1024 * 1024));
    await expect(inflater.write(bytes)).rejects.toThrow('refused');
    await expect(inflater.write(bytes)).rejects.toThrow('refused');
    await expect(inflater.end()).rejects.toThrow('refused');
    expect(calls).toBe(1);
    inflater.destroy();
  });
});

describe('inflating zstd', () => {
  const frame = (bytes: Buffer | string) => zstdCompressSync(bytes, { params: { [constants.ZSTD_c_checksumFlag]: 1 } });
  const inflateZstd = (bytes: Buffer, partBytes = bytes.length || 1, limits = defaultLayerLimits) =>
    inflate(bytes, partBytes, limits, 'zstd');
  const skippable = Buffer.from('5f2a4d1802000000ffff', 'hex');

  it('reads one frame and several, wherever the parts are cut, and passes over skippable ones', async () => {
    expect((await inflateZstd(frame(text))).equals(text)).toBe(true);
    const chained = Buffer.concat([skippable, frame('a'), frame(''), frame('bc'), skippable]);
    for (let partBytes = 1; partBytes <= chained.length; partBytes++)
      expect((await inflateZstd(chained, partBytes)).toString()).toBe('abc');
  });

  it('refuses a frame that is cut anywhere, and bytes behind the last', async () => {
    const bytes = frame('some text, some text');
    for (let length = 1; length < bytes.length; length++) {
      await expect(inflateZstd(bytes.subarray(0, length)), `${length}`).rejects.toMatchObject({ code: 'malformed-zstd' });
    }
    for (const tail of ['00', '28b52f', '1f8b08000000', '502a4d18ff000000']) {
      await expect(inflateZstd(Buffer.concat([bytes, Buffer.from(tail, 'hex')])), tail).rejects.toMatchObject({ code: 'malformed-zstd' });
    }
  });

  it('refuses a wrong checksum, damaged data, and what it has no memory or dictionary for', async () => {
    for (const at of [-1, 600]) {
      const bytes = Buffer.from(frame(text));
      const place = at < 0 ? bytes.length + at : at;
      bytes[place] = (bytes[place] ?? 0) ^ 1;
      await expect(inflateZstd(bytes), `${at}`).rejects.toMatchObject({ code: 'malformed-zstd', origin: 'source' });
    }
    await expect(inflateZstd(Buffer.from('28b52ffd00ff010000', 'hex'))).rejects.toMatchObject({ code: 'limit' });
    await expect(inflateZstd(Buffer.from('28b52ffd010007010000', 'hex'))).rejects.toMatchObject({ code: 'unsupported' });
  });

  it('stops a bomb by its ratio and by its size', async () => {
    const bomb = frame(Buffer.alloc(16 * 1024 * 1024));
    const ratio = { ...defaultLayerLimits, ratioFreeBytes: 1024 * 1024 };
    await expect(inflateZstd(bomb, 1024, ratio)).rejects.toMatchObject({ code: 'limit', message: expect.stringContaining('200 times') });
    await expect(inflateZstd(bomb, 1024, { ...defaultLayerLimits, maxInflatedBytes: 1_000_000 })).rejects.toMatchObject({ code: 'limit' });
  });
});
