import { describe, expect, it } from 'vitest';
import { defaultLayerLimits } from '../../src/layer/limits.ts';
import { itReadsTars, type ReadEntry } from '../contract/tar-reader.ts';
import { type ListedEntry, listTar } from './tar-listing.ts';
import { endBlocks, file, folder, gnuLong, hardLink, pax, symlink, type TarMember, tar } from './tar-writer.ts';

function names(...members: readonly (TarMember | Buffer)[]): string[] {
  return listTar(tar(...members)).map((entry) => entry.path);
}

function refusal(bytes: Buffer): { code: string; message: string } {
  try {
    listTar(bytes);
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    return { code, message };
  }
  throw new Error('the archive was taken');
}

describe('the reader of layers', () => {
  itReadsTars(async (bytes) => listTar(bytes).flatMap(toReadEntry), {
    'malformed-tar': 'malformed-tar',
    'ambiguous-tar': 'ambiguous-tar',
    unsupported: 'unsupported',
    limit: 'limit',
  });
});

function toReadEntry({ type, path, content }: ListedEntry): ReadEntry[] {
  if (type === 'device' || type === 'fifo') return [];
  return [{ type: type === 'symlink' || type === 'hardlink' ? 'link' : type, path, content }];
}

describe('what Go reads', () => {
  it('gives every kind of entry with its content, whatever the parts it comes in', () => {
    const bytes = tar(
      folder('./etc'),
      { ...file('etc/passwd', 'root'), mode: 0o4755 },
      symlink('bin', 'usr/bin'),
      hardLink('etc/shadow', './etc/passwd'),
      { name: 'dev/null', type: '3' },
      { name: 'dev/sda', type: '4' },
      { name: 'pipe', type: '6' },
      file('empty', ''),
      file('large', 'x'.repeat(1500)),
    );
    const whole = listTar(bytes);
    expect(whole.map(({ path, type, sizeBytes, mode, linkName }) => [path, type, sizeBytes, mode, linkName])).toEqual([
      ['etc', 'directory', 0, 0o755, ''],
      ['etc/passwd', 'file', 4, 0o4755, ''],
      ['bin', 'symlink', 0, 0o644, 'usr/bin'],
      ['etc/shadow', 'hardlink', 0, 0o644, 'etc/passwd'],
      ['dev/null', 'device', 0, 0o644, ''],
      ['dev/sda', 'device', 0, 0o644, ''],
      ['pipe', 'fifo', 0, 0o644, ''],
      ['empty', 'file', 0, 0o644, ''],
      ['large', 'file', 1500, 0o644, ''],
    ]);
    for (const partBytes of [1, 7, 511, 512, 513, 1024, 4096]) expect(listTar(bytes, partBytes)).toEqual(whole);
  });

  it('takes the PAX target of a link over that of the header', () => {
    expect(listTar(tar(pax({ linkpath: 'there' }), symlink('a', 'here')))[0]?.linkName).toBe('there');
  });

  it('takes the GNU long name over the PAX one, in either order', () => {
    expect(names(gnuLong('L', 'gnu'), pax({ path: 'pax' }), file('ustar'))).toEqual(['gnu']);
    expect(names(pax({ path: 'pax' }), gnuLong('L', 'gnu'), file('ustar'))).toEqual(['gnu']);
    expect(listTar(tar(gnuLong('K', 'far/away'), symlink('a', 'near')))[0]?.linkName).toBe('far/away');
  });

  it('takes an archive of nothing', () => {
    expect(listTar(endBlocks)).toEqual([]);
  });
});

describe('sparse files', () => {
  const expected = `${'\0'.repeat(512)}data${'\0'.repeat(508)}`;

  it('expands formats 0.0, 0.1 and 1.0 under their real names', () => {
    const v00: [string, string][] = [
      ['GNU.sparse.size', '1024'],
      ['GNU.sparse.numblocks', '1'],
      ['GNU.sparse.offset', '512'],
      ['GNU.sparse.numbytes', '4'],
    ];
    const v01 = { 'GNU.sparse.size': '1024', 'GNU.sparse.numblocks': '1', 'GNU.sparse.map': '512,4', 'GNU.sparse.name': 'real' };
    const v10 = { 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': '1024', 'GNU.sparse.name': 'real' };
    const map = Buffer.alloc(512);
    map.write('1\n512\n4\n');
    const bytes = tar(
      pax(v00),
      file('zero-zero', 'data'),
      pax(v01),
      file('GNUSparseFile.0/x', 'data'),
      pax(v10),
      file('GNUSparseFile.0/x', Buffer.concat([map, Buffer.from('data')])),
      file('next'),
    );
    for (const partBytes of [1, 512, bytes.length]) {
      expect(listTar(bytes, partBytes).map(({ path, sizeBytes, content }) => [path, sizeBytes, content])).toEqual([
        ['zero-zero', 1024, expected],
        ['real', 1024, expected],
        ['real', 1024, expected],
        ['next', 4, 'next'],
      ]);
    }
  });

  it('refuses maps that overlap, overrun, miss data or leave some over', () => {
    for (const map of ['8,4,4,4', '1022,4', '0,3', '0,5', '-1,4', 'a,4', '0,4,9']) {
      const count = String(Math.floor(map.split(',').length / 2));
      const records = { 'GNU.sparse.size': '1024', 'GNU.sparse.numblocks': count, 'GNU.sparse.map': map };
      expect(refusal(tar(pax(records), file('a', 'data'))).code, map).toBe('malformed-tar');
    }
  });

  it('refuses holes above the limit', () => {
    const records = { 'GNU.sparse.size': String(2 ** 40), 'GNU.sparse.numblocks': '1', 'GNU.sparse.map': '0,4' };
    expect(refusal(tar(pax(records), file('a', 'data'))).code).toBe('limit');
  });
});

describe('what is refused', () => {
  const cases: Record<string, readonly [string, Buffer]> = {
    'bytes after the end': ['ambiguous-tar', Buffer.concat([tar(file('a')), tar(file('b'))])],
    'a lone zero block at the end': ['malformed-tar', tar(file('a')).subarray(0, -512)],
    'a long name above PATH_MAX': ['limit', tar(gnuLong('L', 'n/'.repeat(2100)), file('a'))],
    'a global header that removes a file': ['ambiguous-tar', tar({ ...pax({ comment: 'c' }, 'g'), name: 'var/lib/dpkg/.wh.status' })],
    'a file with the name of the root': ['ambiguous-tar', tar(file('./'))],
    'a hard link through ..': ['ambiguous-tar', tar(file('b'), hardLink('a', 'c/../b'))],
    'a whiteout of nothing': ['malformed-tar', tar(file('a/.wh.'))],
    'a whiteout of its folder': ['malformed-tar', tar(file('a/.wh..'))],
    'a whiteout of the folder above': ['malformed-tar', tar(file('a/.wh...'))],
    'no bytes at all': ['malformed-tar', Buffer.alloc(0)],
  };
  for (const [name, [code, bytes]] of Object.entries(cases)) {
    it(name, () => {
      expect(refusal(bytes).code).toBe(code);
    });
  }

  it('at every place where a small archive can be cut, and nowhere behind its end', () => {
    const bytes = tar(folder('d'), pax({ path: 'long' }), file('a', 'x'.repeat(600)), gnuLong('L', 'n'), file('b'), symlink('l', 'b'));
    for (let length = 0; length < bytes.length; length++)
      expect(refusal(bytes.subarray(0, length)).code, `${length}`).toBe('malformed-tar');
    expect(listTar(bytes).length).toBe(4);
  });

  it('names the layer, the byte and the rule', () => {
    expect(refusal(tar(file('a'), { ...symlink('l', 'b'), content: 'x' })).message).toBe(
      'cannot read layer test: at byte 1024: a symlink with 1 bytes of content',
    );
  });

  it('more entries than the limit, extended headers among them', () => {
    const limits = { ...defaultLayerLimits, maxEntries: 3 };
    expect(() => listTar(tar(file('a'), pax({}), pax({}), file('b')), 512, limits)).toThrow('more than 3 entries');
    expect(listTar(tar(file('a'), file('b'), file('c')), 512, limits).length).toBe(3);
  });
});
