import { describe, expect, it } from 'vitest';
import { defaultLayerLimits } from '../../src/layer/limits.ts';
import { listTar } from './tar-listing.ts';
import { endBlocks, file, folder, gnuLong, hardLink, pax, paxRecord, symlink, type TarMember, tar, tarMember } from './tar-writer.ts';

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

  it('takes PAX names and sizes over the header, the last of a key, and keeps the header where a value is empty', () => {
    expect(names(pax({ path: 'two/names' }), file('one'))).toEqual(['two/names']);
    expect(
      names(
        pax([
          ['path', 'a'],
          ['path', 'b'],
        ]),
        file('one'),
      ),
    ).toEqual(['b']);
    expect(names(pax({ path: '' }), file('one'))).toEqual(['one']);
    expect(listTar(tar(pax({ size: '3' }), { ...file('a', 'abc'), size: 0 }))[0]?.content).toBe('abc');
    expect(listTar(tar(pax({ linkpath: 'there' }), symlink('a', 'here')))[0]?.linkName).toBe('there');
  });

  it('takes the GNU long name over the PAX one, in either order', () => {
    expect(names(gnuLong('L', 'gnu'), pax({ path: 'pax' }), file('ustar'))).toEqual(['gnu']);
    expect(names(pax({ path: 'pax' }), gnuLong('L', 'gnu'), file('ustar'))).toEqual(['gnu']);
    expect(listTar(tar(gnuLong('K', 'far/away'), symlink('a', 'near')))[0]?.linkName).toBe('far/away');
  });

  it('forgets extended headers after the entry that they are for', () => {
    expect(names(pax({ path: 'x' }), file('a'), file('b'))).toEqual(['x', 'b']);
  });

  it('applies the prefix by format: ustar, STAR, and GNU only where its times are no numbers', () => {
    expect(names({ ...file('n'), prefix: 'p' })).toEqual(['p/n']);
    expect(names({ ...file('n'), prefix: 'p', format: 'star' })).toEqual(['p/n']);
    expect(names({ ...file('n'), prefix: 'harmless', format: 'gnu' })).toEqual(['harmless/n']);
    expect(names({ ...file('n'), prefix: '01234567012', format: 'gnu' })).toEqual(['n']);
    expect(names({ ...file('n'), prefix: 'p', format: 'v7' })).toEqual(['n']);
  });

  it('reads base-256 sizes, signed checksums and the old flag for files and folders', () => {
    const size = Buffer.alloc(12);
    size[0] = 0x80;
    size[11] = 3;
    expect(listTar(tar({ ...file('a', 'abc'), size }))[0]?.content).toBe('abc');
    expect(names({ ...file('caf\u00e9'), signedChecksum: true })).toEqual(['caf\u00e9']);
    expect(listTar(tar({ name: 'd/', type: '\0' }, { name: 'f', type: '\0' })).map(({ type }) => type)).toEqual(['directory', 'file']);
  });

  it('tells names apart whose bytes are not UTF-8', () => {
    const paths = names(
      { ...file('a'), patch: { 0: Buffer.from([0x61, 0xff]) } },
      { ...file('a'), patch: { 0: Buffer.from([0x61, 0xfe]) } },
    );
    expect(paths).toEqual(['a\udcff', 'a\udcfe']);
  });

  it('cleans names as the runtime lands them', () => {
    expect(names(file('/a'), file('./b'), file('c//d'), file('e/../f'), file('g/./h'), folder('i/'), folder('.'))).toEqual([
      'a',
      'b',
      'c/d',
      'f',
      'g/h',
      'i',
      '',
    ]);
  });

  it('allows zeros behind the end blocks, as GNU tar pads to 10 KiB', () => {
    expect(listTar(Buffer.concat([tar(file('a')), Buffer.alloc(20 * 512 - 7)])).length).toBe(1);
    expect(listTar(endBlocks)).toEqual([]);
  });

  it('lets harmless global headers be', () => {
    expect(names(pax({ comment: 'commit 1' }, 'g'), file('a'))).toEqual(['a']);
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

  it('refuses the old GNU type, which no runtime unpacks', () => {
    expect(refusal(tar({ ...file('a', 'data'), type: 'S', format: 'gnu' }))).toMatchObject({ code: 'unsupported' });
  });
});

describe('what is refused', () => {
  const cases: Record<string, readonly [string, Buffer]> = {
    'content behind a symlink': ['ambiguous-tar', tar({ ...symlink('a', 'b'), content: tarMember(file('hidden')) })],
    'content behind a folder': ['ambiguous-tar', tar({ ...folder('a'), content: tarMember(file('hidden')) })],
    'content behind a hard link': ['ambiguous-tar', tar(file('b'), { ...hardLink('a', 'b'), content: 'x' })],
    'content behind a device': ['ambiguous-tar', tar({ name: 'a', type: '3', content: 'x' })],
    'content behind a fifo': ['ambiguous-tar', tar({ name: 'a', type: '6', content: 'x' })],
    'a size that PAX takes away from a link': ['ambiguous-tar', tar(pax({ size: '0' }), { ...symlink('a', 'b'), size: 512 })],
    'bytes after the end': ['ambiguous-tar', Buffer.concat([tar(file('a')), tar(file('b'))])],
    'a lone zero block between entries': ['malformed-tar', tar(file('a'), Buffer.alloc(512), file('b'))],
    'a lone zero block at the end': ['malformed-tar', tar(file('a')).subarray(0, -512)],
    'a checksum that does not hold': ['malformed-tar', tar({ ...file('a'), patch: {} }).fill('x', 0, 1)],
    'a negative size': ['malformed-tar', tar({ ...file('a', ''), size: Buffer.alloc(12, 0xff) })],
    'a size above 63 bits': ['malformed-tar', tar({ ...file('a', ''), size: Buffer.alloc(12, 0xbf) })],
    'a size that is no number': ['malformed-tar', tar({ ...file('a', ''), patch: { 124: '0000000000z' } })],
    'a negative PAX size': ['malformed-tar', tar(pax({ size: '-1' }), file('a'))],
    'a PAX size that is no number': ['malformed-tar', tar(pax({ size: '1e3' }), file('a'))],
    'a PAX time that is no time': ['malformed-tar', tar(pax({ mtime: 'NaN' }), file('a'))],
    'a NUL in a PAX name': ['malformed-tar', tar(pax({ path: 'a\0b' }), file('a'))],
    'a PAX record with a wrong length': ['malformed-tar', tar({ name: 'x', type: 'x', content: '99 path=a\n' }, file('a'))],
    'a PAX record that is too short': ['malformed-tar', tar({ name: 'x', type: 'x', content: '4 a=' }, file('a'))],
    'a PAX record without a keyword': ['malformed-tar', tar({ name: 'x', type: 'x', content: '6 =ab\n' }, file('a'))],
    'a PAX record cut before its newline': [
      'malformed-tar',
      tar({ name: 'x', type: 'x', content: paxRecord('path', 'a').subarray(0, -1) }, file('a')),
    ],
    'an extended header above 1 MiB': ['limit', tar({ name: 'x', type: 'x', size: 2 ** 32 })],
    'a long name above PATH_MAX': ['limit', tar(gnuLong('L', 'n/'.repeat(2100)), file('a'))],
    'a global path': ['ambiguous-tar', tar(pax({ path: 'a' }, 'g'), file('b'))],
    'a global header that removes a file': ['ambiguous-tar', tar({ ...pax({ comment: 'c' }, 'g'), name: 'var/lib/dpkg/.wh.status' })],
    'an extended header before a global one': ['ambiguous-tar', tar(pax({ path: 'a' }), pax({ comment: 'c' }, 'g'), file('b'))],
    'an extended header without an entry': ['ambiguous-tar', tar(pax({ path: 'a' }))],
    'an unknown type': ['unsupported', tar({ ...file('a'), type: 'Z' })],
    'a contiguous file': ['unsupported', tar({ ...file('a'), type: '7' })],
    'a name that leads out': ['ambiguous-tar', tar(file('a/../../b'))],
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
