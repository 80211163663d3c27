import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writePins } from '../../src/command/pins.ts';
import type { PinnableImage } from '../../src/command/verify-image.ts';
import { findImages } from '../deployment/found.ts';

const digest = `sha256:${'ab'.repeat(32)}` as const;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pins-'));
});
afterEach(() => rm(folder, { recursive: true }));

const pod = (image: string) => `kind: Pod\nspec:\n  containers:\n  - image: ${image}\n`;

type Files = Readonly<Record<string, string>>;

function toImages(files: Files): readonly PinnableImage[] {
  return findImages(files).images.map(({ reference, ...use }) => ({
    reference,
    digest,
    failures: [],
    warnings: [],
    confirmed: [],
    uses: [use],
  }));
}

function toFiles(files: Files) {
  return Object.entries(files).map(([path, text]) => ({ path, text }));
}

/** Pins all images of the files, which are first written as `stored` says. */
async function pin(files: Files, stored: Files = {}) {
  for (const [path, text] of Object.entries({ ...files, ...stored })) await writeFile(join(folder, path), text);
  const result = await writePins(toImages(files), toFiles(files), folder).catch((error: unknown) => error);
  return { result, read: (path: string) => readFile(join(folder, path), 'utf8') };
}

describe('digests are written', () => {
  it('into all files', async () => {
    const { result, read } = await pin({ 'a.yaml': pod('a:1'), 'b.yaml': `\uFEFF${pod("'b:1' # tag").replaceAll('\n', '\r\n')}` });
    expect(result).toEqual([
      { file: 'a.yaml', digests: 1 },
      { file: 'b.yaml', digests: 1 },
    ]);
    expect(await read('a.yaml')).toBe(pod(`a:1@${digest}`));
    expect(await read('b.yaml')).toBe(`\uFEFF${pod(`'b:1@${digest}' # tag`).replaceAll('\n', '\r\n')}`);
  });

  it('into none where one was changed meanwhile', async () => {
    const { result, read } = await pin({ 'a.yaml': pod('a:1'), 'b.yaml': pod('b:1') }, { 'b.yaml': pod('c:1') });
    expect(result).toMatchObject({ code: 'pin-unwritable', message: expect.stringMatching(/"b.yaml".*changed/) });
    expect(await read('a.yaml')).toBe(pod('a:1'));
    expect(await readdir(folder)).toEqual(['a.yaml', 'b.yaml']);
  });

  it('into none where one is gone', async () => {
    const files = { 'a.yaml': pod('a:1'), 'b.yaml': pod('b:1') };
    await pin(files);
    await rm(join(folder, 'b.yaml'));
    await writeFile(join(folder, 'a.yaml'), files['a.yaml']);
    const images = toImages(files);
    await expect(writePins(images, toFiles(files), folder)).rejects.toMatchObject({
      code: 'pin-unwritable',
      message: expect.stringContaining('ENOENT'),
    });
    expect(await readFile(join(folder, 'a.yaml'), 'utf8')).toBe(files['a.yaml']);
  });
});
