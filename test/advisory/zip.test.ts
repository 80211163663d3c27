import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readZip } from '../../src/advisory/zip.ts';
import { StepError } from '../../src/lib/step-error.ts';
import { writeZip, type ZipImage } from './zip-writer.ts';

const folder = mkdtempSync(join(tmpdir(), 'zip-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function read(bytes: Buffer): Promise<[name: string, text: string][]> {
  const path = join(folder, 'all.zip');
  writeFileSync(path, bytes);
  const files: [string, string][] = [];
  for await (const file of readZip(path)) files.push([file.name, file.bytes.toString()]);
  return files;
}

const parts = [
  { name: 'a.json', content: '{"id":"a"}' },
  { name: 'b.json', content: 'x'.repeat(100_000) },
  { name: 'empty.json', content: '' },
  { name: 'stored.json', content: 'stored', stored: true },
];
const contents = parts.map(({ name, content }) => [name, content]);

describe('a whole archive', () => {
  test.each([false, true])('is read in order (ZIP64: %s)', async (zip64) => {
    expect(await read(writeZip(parts, { zip64 }).bytes)).toEqual(contents);
  });

  test('may have a comment, also one that looks like an end record', async () => {
    const { bytes, end } = writeZip(parts);
    const comment = Buffer.from('PK\x05\x06 and then some, thirty bytes', 'latin1');
    const commented = Buffer.concat([bytes, comment]);
    commented.writeUInt16LE(comment.length, end + 20);
    expect(await read(commented)).toEqual(contents);
  });

  test('may be empty', async () => {
    expect(await read(writeZip([]).bytes)).toEqual([]);
  });

  test('may be larger than the window that is read at once', async () => {
    const large = Array.from({ length: 40 }, (_, index) => ({
      name: `${index}.json`,
      content: String(index % 10).repeat(300_000),
      stored: true,
    }));
    expect(await read(writeZip(large).bytes)).toEqual(large.map(({ name, content }) => [name, content]));
  });
});

describe('a damaged or hostile archive is refused', () => {
  const cases: readonly (readonly [what: string, change: (image: ZipImage) => Buffer | undefined])[] = [
    ['no archive', () => Buffer.from('<html>404</html>')],
    ['an empty file', () => Buffer.alloc(0)],
    ['bytes after the end', ({ bytes }) => Buffer.concat([bytes, Buffer.from('x')])],
    ['bytes before the start', ({ bytes }) => Buffer.concat([Buffer.from('MZ'), bytes])],
    ['a directory elsewhere', ({ bytes, end }) => patch(bytes, end + 16, 0)],
    ['fewer entries than the directory has', ({ bytes, end }) => bytes.fill(Buffer.from([1, 0, 1, 0]), end + 8, end + 12)],
    ['more entries than the directory has', ({ bytes, end }) => bytes.fill(Buffer.from([9, 0, 9, 0]), end + 8, end + 12)],
    ['several disks', ({ bytes, end }) => patch(bytes, end + 4, 1)],
    ['a wrong checksum', ({ bytes, central }) => patch(bytes, (central[1] ?? 0) + 16, 1)],
    ['a declared size that is too small', ({ bytes, central }) => patch(bytes, (central[1] ?? 0) + 24, 10)],
    ['a declared size of 0', ({ bytes, central }) => patch(bytes, (central[1] ?? 0) + 24, 0)],
    ['a declared size of 4 GB', ({ bytes, central }) => patch(bytes, (central[1] ?? 0) + 24, 0xffff_fffe)],
    ['a ZIP64 size without its field', ({ bytes, central }) => patch(bytes, (central[1] ?? 0) + 24, 0xffff_ffff)],
    ['two entries for the same bytes', ({ bytes, central }) => patch(bytes, (central[1] ?? 0) + 42, 0)],
    ['an entry that begins in the directory', ({ bytes, central }) => patch(bytes, (central[3] ?? 0) + 42, central[0] ?? 0)],
    ['compressed bytes that run into the next file', ({ bytes, central }) => patch(bytes, (central[0] ?? 0) + 20, 60)],
    ['a local header of another name', ({ bytes, local }) => bytes.fill('z', (local[1] ?? 0) + 30, (local[1] ?? 0) + 31)],
    ['no local header', ({ bytes, local }) => patch(bytes, local[2] ?? 0, 0)],
    ['encryption', ({ bytes, central }) => bytes.fill(1, (central[0] ?? 0) + 8, (central[0] ?? 0) + 9)],
    ['another compression', ({ bytes, central }) => bytes.fill(93, (central[0] ?? 0) + 10, (central[0] ?? 0) + 11)],
    ['stored bytes of two sizes', ({ bytes, central }) => patch(bytes, (central[3] ?? 0) + 24, 5)],
    ['broken deflate', ({ bytes, local }) => bytes.fill(0xff, (local[1] ?? 0) + 36, (local[1] ?? 0) + 40)],
  ];

  test.each(cases)('%s', async (_what, change) => {
    const bytes = change(writeZip(parts)) ?? Buffer.alloc(0);
    await expect(read(bytes)).rejects.toMatchObject({ name: 'StepError', code: 'damaged-archive', origin: 'advisories' });
  });

  test('cut off anywhere', async () => {
    const { bytes } = writeZip(parts.slice(0, 1));
    for (let length = 0; length < bytes.length; length += 1)
      await expect(read(bytes.subarray(0, length))).rejects.toBeInstanceOf(StepError);
  });

  test('with any bit flipped: refused, or read as it was', async () => {
    const { bytes } = writeZip([{ name: 'a.json', content: '{"id":"a"}' }], { zip64: true });
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const flipped = Buffer.from(bytes);
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      const result = await read(flipped).catch((error: unknown) => error);
      if (result instanceof Error) expect(result).toMatchObject({ name: 'StepError', code: 'damaged-archive' });
      else expect(result).toEqual([['a.json', '{"id":"a"}']]);
    }
  });
});

test('an archive that is not there is an error that names it', async () => {
  const path = join(folder, 'none.zip');
  await expect(readZip(path).next()).rejects.toMatchObject({ code: 'unreadable-archive', message: expect.stringContaining(path) });
});

function patch(bytes: Buffer, offset: number, value: number): Buffer {
  bytes.writeUInt32LE(value >>> 0, offset);
  return bytes;
}
