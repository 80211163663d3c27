import { describe, expect, it } from 'vitest';
import { itReadsTars } from '../contract/tar-reader.ts';
import { file, gnuLong, hardLink, pax, symlink, tar } from '../layer/tar-writer.ts';
import { listArchive } from './archive-listing.ts';

describe('the reader of image archives', () => {
  itReadsTars(
    async (bytes) =>
      (await listArchive(bytes)).map(({ kind, path, content }) => ({ type: kind, path, content: content.toString('latin1') })),
    {
      'malformed-tar': 'source-damaged',
      'ambiguous-tar': 'source-damaged',
      unsupported: 'source-unsupported',
      limit: 'source-damaged',
    },
  );

  it('gives the same whatever the parts a tar comes in', async () => {
    const bytes = tar(
      pax({ path: 'dir/long' }),
      file('a', 'x'.repeat(1500)),
      symlink('dir/l', '../b'),
      hardLink('h', './b'),
      file('b', 'b'),
    );
    const whole = await listArchive(bytes, bytes.length);
    expect(whole.map((entry) => (entry.kind === 'link' ? [entry.path, entry.target] : [entry.path, entry.content.length]))).toEqual([
      ['dir/long', 1500],
      ['dir/l', 'b'],
      ['h', 'b'],
      ['b', 1],
    ]);
    for (const partBytes of [1, 511, 512, 513]) expect(await listArchive(bytes, partBytes)).toEqual(whole);
  });

  it('goes by where Go ends: at two zero blocks, one, or none', async () => {
    const archive = tar(file('a'));
    const ends = [Buffer.concat([archive, Buffer.from('anything')]), archive.subarray(0, -512), archive.subarray(0, -1024)];
    for (const bytes of ends) expect((await listArchive(bytes)).map(({ path }) => path)).toEqual(['a']);
  });

  it.each([
    ['an entry with a PAX and a GNU name', tar(gnuLong('L', 'a'), pax({ path: 'b' }), file('c'))],
    ['a link with a PAX and a GNU target', tar(gnuLong('K', 'a'), pax({ linkpath: 'b' }), symlink('c', 'd'))],
    ['a sparse file', tar(pax({ 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0' }), file('a', '0\n'))],
  ])('refuses %s, which a layer may have', async (_what, bytes) => {
    await expect(listArchive(bytes)).rejects.toMatchObject({
      origin: 'source',
      code: expect.stringMatching(/^source-(damaged|unsupported)$/),
    });
  });

  it('names the byte and the rule', async () => {
    const bytes = tar(pax({ path: 'p' }), file('a', 'x'.repeat(600)), { ...symlink('l', 'b'), content: 'x' });
    await expect(listArchive(bytes)).rejects.toThrow('cannot read test: at byte 2560 of the tar: a symlink with 1 bytes of content');
  });
});
