import { randomBytes } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { GzipWriter } from '../../src/layer/deflate.ts';

async function gzip(bytes: Buffer, partBytes = 64 * 1024, blocksInFlight = 3): Promise<Buffer> {
  const parts: Buffer[] = [];
  const writer = new GzipWriter(async (part) => {
    parts.push(Buffer.from(part));
  }, blocksInFlight);
  for (let at = 0; at < bytes.length; at += partBytes) await writer.write(bytes.subarray(at, at + partBytes));
  await writer.end();
  return Buffer.concat(parts);
}

const text = Buffer.from(Array.from({ length: 400_000 }, (_, at) => `line ${at % 997}\n`).join(''));
const mebibyte = 1024 * 1024;

describe('GzipWriter', () => {
  it('gives back what it was given, at the edges of blocks and between', async () => {
    for (const length of [0, 1, 32 * 1024, mebibyte - 1, mebibyte, mebibyte + 1, 3 * mebibyte, text.length]) {
      expect(gunzipSync(await gzip(text.subarray(0, length))).equals(text.subarray(0, length)), `${length}`).toBe(true);
    }
  });

  it('writes one member without a name or time', async () => {
    const bytes = await gzip(text);
    expect(bytes.subarray(0, 10).toString('hex')).toBe('1f8b08000000000000ff');
    expect(bytes.readUInt32LE(bytes.length - 4)).toBe(text.length);
    expect(bytes.length).toBeLessThan(text.length / 20);
  });

  it('gives equal bytes for equal input, however it is cut and however much runs at once', async () => {
    const first = await gzip(text);
    expect((await gzip(text, 1000, 1)).equals(first)).toBe(true);
    expect((await gzip(text, 5 * mebibyte, 8)).equals(first)).toBe(true);
  });

  it('stores what does not compress, and compresses again behind it', async () => {
    const mixed = Buffer.concat([randomBytes(2 * mebibyte), text, randomBytes(mebibyte + 5)]);
    const bytes = await gzip(mixed);
    expect(gunzipSync(bytes).equals(mixed)).toBe(true);
    expect(bytes.length).toBeLessThan(3.5 * mebibyte);
  });

  it('does not keep what it was given', async () => {
    const parts: Buffer[] = [];
    const writer = new GzipWriter(async (part) => {
      parts.push(Buffer.from(part));
    }, 4);
    const reused = Buffer.alloc(100_000);
    for (let round = 0; round < 30; round++) await writer.write(reused.fill(round));
    await writer.end();
    const read = gunzipSync(Buffer.concat(parts));
    for (let round = 0; round < 30; round++) expect(read[round * 100_000 + 5]).toBe(round);
  });

  it('waits for a slow consumer and rejects with what it rejects with', async () => {
    const writer = new GzipWriter(async () => {
      throw new Error('connection lost');
    }, 2);
    await expect(
      (async () => {
        for (let at = 0; at < 20; at++) await writer.write(Buffer.alloc(mebibyte, at));
      })(),
    ).rejects.toThrow('connection lost');
  });
});
