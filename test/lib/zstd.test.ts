import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { constants, createZstdDecompress, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { createZstdDecoder, zstdCompressBlock } from '../../src/lib/zstd.ts';
import { type ZstdFault, ZstdFrames, zstdWindowMaxBytes } from '../../src/lib/zstd-frames.ts';
import { compressInThread, ThreadDecoder } from '../../src/lib/zstd-threads.ts';

const text = Buffer.from(Array.from({ length: 60_000 }, (_, at) => `line ${at * at}\n`).join(''));
const checked = (bytes: Buffer | string) => zstdCompressSync(bytes, { params: { [constants.ZSTD_c_checksumFlag]: 1 } });
const skippable = Buffer.concat([Buffer.from('502a4d1803000000', 'hex'), Buffer.from('abc')]);

/** The lengths of the parts that the frames of `bytes` are cut into, or the fault. */
function cut(bytes: Buffer, partBytes = bytes.length): readonly number[] | ZstdFault {
  const lengths: number[] = [];
  try {
    const frames = new ZstdFrames(zstdWindowMaxBytes, (fault) => {
      throw fault;
    });
    for (let at = 0; at < bytes.length; at += partBytes) {
      for (const part of frames.parts(bytes.subarray(at, at + partBytes))) lengths.push(part.length);
    }
    frames.end();
    return lengths;
  } catch (fault) {
    return fault as ZstdFault;
  }
}

describe('ZstdFrames', () => {
  it('ends a part with each frame, however the bytes come', () => {
    const [a, b] = [checked(text), zstdCompressSync('b')];
    const whole = Buffer.concat([skippable, a, b, skippable]);
    expect(cut(whole)).toEqual([skippable.length, a.length, b.length, skippable.length]);
    expect(cut(whole, 1)).toHaveLength(whole.length);
    for (let partBytes = 2; partBytes < 30; partBytes++)
      expect((cut(whole, partBytes) as number[]).every((length) => length > 0)).toBe(true);
  });

  it('finds the frames of every header form', () => {
    for (const sizeBytes of [0, 1, 255, 256, 65_535, 65_791, 65_792, 1_000_000]) {
      for (const contentSizeFlag of [0, 1]) {
        const bytes = Buffer.alloc(sizeBytes, 'abcdefgh');
        const frame = zstdCompressSync(bytes, {
          params: { [constants.ZSTD_c_contentSizeFlag]: contentSizeFlag },
          pledgedSrcSize: sizeBytes,
        });
        expect(cut(Buffer.concat([frame, frame]))).toEqual([frame.length, frame.length]);
      }
    }
  });

  it('refuses a file that is cut anywhere, and other bytes behind it', () => {
    const frame = checked('some text, some text');
    for (let length = 1; length < frame.length; length++) expect(cut(frame.subarray(0, length)), `${length}`).toBe('malformed');
    for (const tail of ['00', '28', '28b52f', '00000000', '1f8b0800', '502a4d18ff000000']) {
      expect(cut(Buffer.concat([frame, Buffer.from(tail, 'hex')])), tail).toBe('malformed');
    }
  });

  it('refuses large windows, dictionaries, and what the format reserves', () => {
    const window = (field: number) => Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, field, 1, 0, 0]);
    expect(cut(window(17 << 3))).toEqual([9]);
    expect(cut(window((17 << 3) + 1))).toBe('limit');
    expect(cut(window(255))).toBe('limit');
    const segment = Buffer.from('28b52ffda000000000010000', 'hex');
    expect(cut(segment)).toEqual([12]);
    segment.writeUInt32LE(zstdWindowMaxBytes + 1, 5);
    expect(cut(segment)).toBe('limit');
    expect(cut(Buffer.from('28b52ffd010007010000', 'hex'))).toBe('unsupported');
    expect(cut(Buffer.from('28b52ffd010000010000', 'hex'))).toEqual([10]);
    expect(cut(Buffer.from('28b52ffd0800010000', 'hex'))).toBe('malformed');
    expect(cut(Buffer.from('28b52ffd0000070000', 'hex'))).toBe('malformed');
  });
});

describe.each([
  ['as this Node has it', zstdCompressBlock],
  ['in threads', compressInThread],
])('compressing a block %s', (_what, compress) => {
  it('gives one frame, whatever else is compressed at the same time', async () => {
    const blocks = [text, Buffer.from('x'), Buffer.alloc(1024 * 1024), Buffer.alloc(0)];
    const frames = await Promise.all(blocks.map((block) => compress(block, 1)));
    frames.forEach((frame, at) => {
      expect(cut(frame)).toEqual([frame.length]);
      expect(zstdDecompressSync(frame).equals(blocks[at] as Buffer)).toBe(true);
    });
    expect((await compress(text, 1)).equals(frames[0] as Buffer)).toBe(true);
  });
});

describe.each([
  ['this Node has', createZstdDecoder],
  ['runs in a thread', async () => new ThreadDecoder()],
])('the decoder that %s', (_what, create) => {
  async function decode(bytes: Buffer, partBytes = bytes.length): Promise<Buffer> {
    const decoder = await create();
    const outputs: Buffer[] = [];
    decoder.on('data', (output: Buffer) => outputs.push(Buffer.from(output)));
    const ended = once(decoder, 'end');
    ended.catch(() => {});
    const frames = new ZstdFrames(zstdWindowMaxBytes, (_fault, rule) => {
      throw new Error(rule);
    });
    for (let at = 0; at < bytes.length; at += partBytes) {
      for (const part of frames.parts(bytes.subarray(at, at + partBytes))) {
        // Node's own does not call back where it fails.
        await Promise.race([ended, new Promise((resolve) => decoder.write(part, resolve))]);
      }
    }
    frames.end();
    decoder.end();
    await ended;
    return Buffer.concat(outputs);
  }

  it('reads one frame and several, skippable ones among them', async () => {
    const whole = Buffer.concat([skippable, checked(text), zstdCompressSync(''), skippable, zstdCompressSync('end'), skippable]);
    const expected = Buffer.concat([text, Buffer.from('end')]);
    expect((await decode(whole)).equals(expected)).toBe(true);
    expect((await decode(whole, 1000)).equals(expected)).toBe(true);
    expect((await decode(skippable)).length).toBe(0);
  });

  it('has given all that a write decodes to when the write is done', async () => {
    const decoder = await create();
    let received = 0;
    decoder.on('data', ({ length }: Buffer) => (received += length));
    await new Promise((resolve) => decoder.write(zstdCompressSync(Buffer.alloc(20_000_000)), resolve));
    expect(received).toBe(20_000_000);
    decoder.destroy();
  });

  it('refuses damaged data and a wrong checksum', async () => {
    for (const at of [-1, 600]) {
      const bytes = Buffer.from(checked(text));
      const place = at < 0 ? bytes.length + at : at;
      bytes[place] = (bytes[place] ?? 0) ^ 1;
      await expect(decode(bytes), `${at}`).rejects.toThrow();
    }
  });

  it('waits for a reader that takes its time, and can be given up meanwhile', async () => {
    const bytes = zstdCompressSync(Buffer.alloc(50_000_000, 'ab'));
    const decoder = await create();
    decoder.end(bytes);
    let read = 0;
    for await (const output of decoder) {
      read += output.length;
      expect(decoder.readableLength).toBeLessThan(4_000_000);
    }
    expect(read).toBe(50_000_000);
    const abandoned = await create();
    abandoned.write(bytes);
    await once(abandoned, 'readable');
    abandoned.destroy();
    await once(abandoned, 'close');
  });
});

it('reads what the reference library gives at its largest window', async () => {
  // Without the size of the content in its header, so that a decoder has to have memory for the window.
  const bytes = Buffer.concat([text, randomBytes(40_000_000), text]);
  const params = { [constants.ZSTD_c_contentSizeFlag]: 0, [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_windowLog]: 27 };
  const frame = zstdCompressSync(bytes, { params });
  expect(cut(frame)).toEqual([frame.length]);
  expect((await decodeAll(new ThreadDecoder(), frame)).equals(bytes)).toBe(true);
  expect((await decodeAll(createZstdDecompress(), frame)).equals(bytes)).toBe(true);
});

async function decodeAll(decoder: NodeJS.ReadWriteStream, bytes: Buffer): Promise<Buffer> {
  decoder.end(bytes);
  const outputs: Buffer[] = [];
  for await (const output of decoder) outputs.push(Buffer.from(output));
  return Buffer.concat(outputs);
}
