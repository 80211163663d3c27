import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { type Compressor, openCompressor } from '../../src/layer/compressor.ts';
import { randomNumbers } from './random-stack.ts';

const mebibyte = 1024 * 1024;
const compressor = openCompressor('gzip');
afterAll(() => compressor[Symbol.dispose]());

function gzip(bytes: Buffer, partBytes?: number, pauseMs?: number): Promise<Buffer> {
  return compress(compressor, bytes, partBytes, pauseMs);
}

async function compress(by: Compressor, bytes: Buffer, partBytes = 64 * 1024, pauseMs?: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  const writer = by.begin(async (part) => {
    parts.push(Buffer.from(part));
    if (pauseMs !== undefined) await wait(pauseMs);
  });
  for (let at = 0; at < bytes.length; at += partBytes) await writer.write(bytes.subarray(at, at + partBytes));
  await writer.end();
  writer.discard();
  return Buffer.concat(parts);
}

const text = Buffer.from(Array.from({ length: 400_000 }, (_, at) => `line ${at % 997}\n`).join(''));

describe('a compressor', () => {
  it('gives back what it was given, at the edges of blocks and between', async () => {
    for (const length of [0, 1, 2, 3, 4, 5, 32 * 1024, mebibyte - 1, mebibyte, mebibyte + 1, 3 * mebibyte, text.length]) {
      expect(gunzipSync(await gzip(text.subarray(0, length))).equals(text.subarray(0, length)), `${length}`).toBe(true);
    }
  });

  it('writes one gzip member without a name or time', async () => {
    const bytes = await gzip(text);
    expect(bytes.subarray(0, 10).toString('hex')).toBe('1f8b08000000000000ff');
    expect(bytes.readUInt32LE(bytes.length - 4)).toBe(text.length);
    expect(bytes.length).toBeLessThan(text.length / 20);
  });

  it('gives equal bytes for equal input, however it is cut and whatever else is compressed', async () => {
    const first = await gzip(text);
    const others = await Promise.all([gzip(text, 1000), gzip(text, 5 * mebibyte), gzip(text, 77_777, 5), gzip(randomBytes(4 * mebibyte))]);
    for (const other of others.slice(0, 3)) expect(other.equals(first)).toBe(true);
  });

  it('stores what does not compress, and compresses again behind it', async () => {
    const mixed = Buffer.concat([randomBytes(2 * mebibyte), text, randomBytes(mebibyte + 5)]);
    const bytes = await gzip(mixed);
    expect(gunzipSync(bytes).equals(mixed)).toBe(true);
    expect(bytes.length).toBeLessThan(3.5 * mebibyte);
    const noise = randomBytes(3 * mebibyte);
    expect((await gzip(noise)).length).toBeLessThan(noise.length * 1.001);
  });

  it('does not keep what it was given', async () => {
    const parts: Buffer[] = [];
    const writer = compressor.begin(async (part) => void parts.push(Buffer.from(part)));
    const reused = Buffer.alloc(100_000);
    for (let round = 0; round < 30; round++) await writer.write(reused.fill(round));
    await writer.end();
    const read = gunzipSync(Buffer.concat(parts));
    for (let round = 0; round < 30; round++) expect(read[round * 100_000 + 5]).toBe(round);
  });

  it('waits for a slow consumer, rejects with what it rejects with, and can be used on', async () => {
    const writer = compressor.begin(async () => {
      throw new Error('connection lost');
    });
    const writing = (async () => {
      for (let at = 0; at < 40; at++) await writer.write(Buffer.alloc(mebibyte, at));
    })();
    await expect(writing).rejects.toThrow('connection lost');
    writer.discard();
    expect(gunzipSync(await gzip(text)).equals(text)).toBe(true);
  });

  it('compresses more layers at once than it has threads', async () => {
    const layers = Array.from({ length: 5 }, (_, at) => Buffer.concat([text.subarray(at), randomBytes(mebibyte)]));
    const compressed = await Promise.all(layers.map((layer) => gzip(layer, 300_000, 1)));
    compressed.forEach((bytes, at) => void expect(gunzipSync(bytes).equals(layers[at] as Buffer)).toBe(true));
  });

  it('does not hold a process that waits for nothing else', async () => {
    const module = new URL('../../src/layer/compressor.ts', import.meta.url).href;
    const program = `
      import { openCompressor } from ${JSON.stringify(module)};
      const writer = openCompressor('gzip').begin(async () => undefined);
      await writer.write(Buffer.from('a'));
      if (process.argv[1] === 'compress') await writer.end();
      new Promise(() => undefined).then(() => undefined);`;
    for (const mode of ['idle', 'compress']) {
      await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program, mode], { timeout: 10_000 });
    }
  });

  it('rejects with an error of its own where its threads have ended', async () => {
    const ended = openCompressor('gzip');
    const writer = ended.begin(async () => undefined);
    await writer.write(text);
    ended[Symbol.dispose]();
    await expect(writer.end()).rejects.toMatchObject({ code: 'thread-ended', origin: 'us' });
  });
});

describe('a compressor of zstd', () => {
  it('gives back what it was given, frame by frame, and equal bytes for equal input', async () => {
    const zstd = openCompressor('zstd');
    for (const length of [0, 1, mebibyte, 2 * mebibyte, 2 * mebibyte + 1, text.length]) {
      const bytes = text.subarray(0, length);
      const compressed = await compress(zstd, bytes);
      expect(zstdDecompressSync(compressed).equals(bytes), `${length}`).toBe(true);
      expect((await compress(zstd, bytes, 7777)).equals(compressed)).toBe(true);
    }
  });
});

/** 0 up to 1. */
function fractions(seed: number): () => number {
  const random = randomNumbers(seed);
  return () => random(2 ** 30) / 2 ** 30;
}

/** Bytes of every kind that deflate treats in its own way: runs, near and far repetitions, few and many symbols, noise. */
function madeBytes(next: () => number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; ) {
    const end = Math.min(length, at + 1 + Math.floor(next() ** 3 * 70_000));
    const [kind, symbols, distance] = [Math.floor(next() * 5), 1 + Math.floor(next() ** 2 * 255), 1 + Math.floor(next() ** 2 * 40_000)];
    for (; at < end; at++) {
      if (kind === 0) bytes[at] = symbols;
      else if (kind === 1 && at >= distance) bytes[at] = bytes[at - distance] as number;
      else if (kind === 2) bytes[at] = Math.floor(next() ** 4 * symbols);
      else if (kind === 3) bytes[at] = at % symbols;
      else bytes[at] = Math.floor(next() * 256);
    }
  }
  return bytes;
}

describe('whatever the bytes are', () => {
  it('zlib gives back what was compressed', async () => {
    const next = fractions(20_261_124);
    for (let round = 0; round < 400; round++) {
      const bytes = madeBytes(next, Math.floor(next() ** 4 * 2.5 * mebibyte));
      const compressed = await gzip(bytes, 1 + Math.floor(next() * 200_000));
      expect(gunzipSync(compressed).equals(bytes), `round ${round}`).toBe(true);
    }
  });

  it('codes of more than 15 bits are shortened', async () => {
    // Frequencies of Fibonacci give the deepest code that there is.
    const parts: Buffer[] = [];
    for (let symbol = 0, [a, b] = [1, 1]; symbol < 22; symbol++, [a, b] = [b, a + b]) parts.push(Buffer.alloc(a, symbol));
    const next = fractions(7);
    const bytes = Buffer.concat(parts);
    for (let at = bytes.length - 1; at > 0; at--) {
      const other = Math.floor(next() * (at + 1));
      [bytes[at], bytes[other]] = [bytes[other] as number, bytes[at] as number];
    }
    expect(gunzipSync(await gzip(bytes)).equals(bytes)).toBe(true);
  });
});
