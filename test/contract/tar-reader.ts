import { describe, expect, it } from 'vitest';
import type { TarFault } from '../../src/lib/tar-refusal.ts';
import { file, folder, gnuLong, hardLink, pax, paxRecord, symlink, type TarMember, tar, tarMember } from '../layer/tar-writer.ts';

/** What a reader gave of one entry: `link` is either kind of link; content is of files alone. */
export interface ReadEntry {
  readonly type: 'file' | 'directory' | 'link';
  readonly path: string;
  readonly content: string;
}

/** Gives all entries of a tar but devices and the like, or throws. */
export type ReadTar = (bytes: Buffer) => Promise<readonly ReadEntry[]>;

/** Holds a reader of tars to what Go's archive/tar reads, and to refusing what others read differently; `codes` are those of its errors. */
export function itReadsTars(read: ReadTar, codes: Readonly<Record<TarFault, string>>): void {
  describe('reads as Go', () => {
    it.each(readings)('%s', async (_what, bytes, expected) => {
      const entries = await read(bytes);
      expect(entries.map(({ path }) => path)).toEqual(expected);
    });

    it('sizes of PAX and in base 256', async () => {
      const size = Buffer.alloc(12);
      size[0] = 0x80;
      size[11] = 3;
      const entries = await read(tar(pax({ size: '3' }), { ...file('a', 'abc'), size: 0 }, { ...file('b', 'def'), size }));
      expect(entries.map(({ content }) => content)).toEqual(['abc', 'def']);
    });

    it('the old flag for files and folders', async () => {
      const bytes = tar({ name: 'd/', type: '\0' }, { name: 'f', type: '\0' }, pax({ path: 'e/' }), { name: 'f', type: '\0' });
      expect((await read(bytes)).map(({ type }) => type)).toEqual(['directory', 'file', 'directory']);
    });
  });

  it.each(refusals)('refuses %s', async (_what, fault, bytes) => {
    await expect(read(bytes)).rejects.toMatchObject({ code: codes[fault] });
  });
}

const twoPaths = pax([
  ['path', 'a'],
  ['path', 'b'],
]);
const rawPax = (content: Buffer | string): TarMember => ({ name: 'x', type: 'x', content });

const readings: readonly (readonly [string, Buffer, readonly string[]])[] = [
  ['a PAX name', tar(pax({ path: 'two/names' }), file('one')), ['two/names']],
  ['the last of two PAX names', tar(twoPaths, file('one')), ['b']],
  ['the name of the header where that of PAX is empty', tar(pax({ path: '' }), file('one')), ['one']],
  ['a GNU name', tar(gnuLong('L', 'long/name'), file('one')), ['long/name']],
  ['an extended header for one entry only', tar(pax({ path: 'x' }), file('a'), file('b')), ['x', 'b']],
  ['the prefix of ustar', tar({ ...file('n'), prefix: 'p' }), ['p/n']],
  ['the prefix of STAR', tar({ ...file('n'), prefix: 'p', format: 'star' }), ['p/n']],
  ['the prefix of GNU where its times are no numbers', tar({ ...file('n'), prefix: 'harmless', format: 'gnu' }), ['harmless/n']],
  ['no prefix of GNU where its times are numbers', tar({ ...file('n'), prefix: '01234567012', format: 'gnu' }), ['n']],
  ['no prefix of V7', tar({ ...file('n'), prefix: 'p', format: 'v7' }), ['n']],
  ['a signed checksum', tar({ ...file('caf\u00e9'), signedChecksum: true }), ['caf\u00e9']],
  [
    'names apart whose bytes are not UTF-8',
    tar({ ...file('a'), patch: { 0: Buffer.from([0x61, 0xff]) } }, { ...file('a'), patch: { 0: Buffer.from([0x61, 0xfe]) } }),
    ['a\udcff', 'a\udcfe'],
  ],
  [
    'names as the runtime lands them',
    tar(file('/a'), file('./b'), file('c//d'), file('e/../f'), file('g/./h'), folder('i/'), folder('.')),
    ['a', 'b', 'c/d', 'f', 'g/h', 'i', ''],
  ],
  ['over a harmless global header', tar(pax({ comment: 'commit 1' }, 'g'), file('a')), ['a']],
  ['over devices to what follows', tar({ name: 'dev/null', type: '3' }, { name: 'pipe', type: '6' }, file('a')), ['a']],
  ['over zeros behind the end, as GNU tar pads to 10 KiB', Buffer.concat([tar(file('a')), Buffer.alloc(20 * 512 - 7)]), ['a']],
];

const refusals: readonly (readonly [string, TarFault, Buffer])[] = [
  ['content behind a symlink', 'ambiguous-tar', tar({ ...symlink('a', 'b'), content: tarMember(file('hidden')) })],
  ['content behind a folder', 'ambiguous-tar', tar({ ...folder('a'), content: tarMember(file('hidden')) })],
  ['content behind a hard link', 'ambiguous-tar', tar(file('b'), { ...hardLink('a', 'b'), content: 'x' })],
  ['content behind a device', 'ambiguous-tar', tar({ name: 'a', type: '3', content: 'x' })],
  ['content behind a fifo', 'ambiguous-tar', tar({ name: 'a', type: '6', content: 'x' })],
  ['a size that PAX takes away from a link', 'ambiguous-tar', tar(pax({ size: '0' }), { ...symlink('a', 'b'), size: 512 })],
  ['a lone zero block between entries', 'malformed-tar', tar(file('a'), Buffer.alloc(512), file('b'))],
  ['a checksum that does not hold', 'malformed-tar', tar({ ...file('a'), patch: {} }).fill('x', 0, 1)],
  ['a negative size', 'malformed-tar', tar({ ...file('a', ''), size: Buffer.alloc(12, 0xff) })],
  ['a size above 63 bits', 'malformed-tar', tar({ ...file('a', ''), size: Buffer.alloc(12, 0xbf) })],
  ['a size that is no number', 'malformed-tar', tar({ ...file('a', ''), patch: { 124: '0000000000z' } })],
  ['a size above what a number holds', 'malformed-tar', tar({ ...file('a', ''), size: Buffer.from('800000004000000000000001', 'hex') })],
  ['a negative PAX size', 'malformed-tar', tar(pax({ size: '-1' }), file('a'))],
  ['a PAX size that is no number', 'malformed-tar', tar(pax({ size: '1e3' }), file('a'))],
  ['a PAX size above what a number holds', 'limit', tar(pax({ size: '9007199254740993' }), file('a'))],
  ['a PAX time that is no time', 'malformed-tar', tar(pax({ mtime: 'NaN' }), file('a'))],
  ['a NUL in a PAX name', 'malformed-tar', tar(pax({ path: 'a\0b' }), file('a'))],
  ['a PAX record with a wrong length', 'malformed-tar', tar(rawPax('99 path=a\n'), file('a'))],
  ['a PAX record that is too short', 'malformed-tar', tar(rawPax('4 a='), file('a'))],
  ['a PAX record without a keyword', 'malformed-tar', tar(rawPax('6 =ab\n'), file('a'))],
  ['a PAX record cut before its newline', 'malformed-tar', tar(rawPax(paxRecord('path', 'a').subarray(0, -1)), file('a'))],
  ['an extended header above 1 MiB', 'limit', tar({ name: 'x', type: 'x', size: 2 ** 32 })],
  ['a global path', 'ambiguous-tar', tar(pax({ path: 'a' }, 'g'), file('b'))],
  ['a global sparse map', 'ambiguous-tar', tar(pax({ 'GNU.sparse.map': '0,1' }, 'g'), file('b'))],
  ['an extended header before a global one', 'ambiguous-tar', tar(pax({ path: 'a' }), pax({ comment: 'c' }, 'g'), file('b'))],
  ['an extended header without an entry', 'ambiguous-tar', tar(pax({ path: 'a' }))],
  ['an unknown type', 'unsupported', tar({ ...file('a'), type: 'Z' })],
  ['a contiguous file', 'unsupported', tar({ ...file('a'), type: '7' })],
  ['the old GNU type of sparse files', 'unsupported', tar({ ...file('a', 'data'), type: 'S', format: 'gnu' })],
  ['a name that leads out', 'ambiguous-tar', tar(file('a/../../b'))],
];
