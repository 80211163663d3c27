import { base256Fields, oldGnuSparse } from './random-headers.ts';
import { endBlocks, gnuLong, pax, type TarMember, tarMember } from './tar-writer.ts';

/** Archives in and around the grammar of tar: well-formed members, extended headers of every kind in any order, and damage here and there. */
export function randomTar(random: (limit: number) => number): Buffer {
  const pick = <T>(...choices: readonly T[]): T => choices[random(choices.length)] as T;
  const name = () =>
    pick('a', 'b', 'd/e', 'd/', './x', '/abs', 'p//q', 'a/../b', 'var/lib/dpkg/status', 'long/'.repeat(15), '', '.', 'é', 'n'.repeat(100));
  const size = () => pick(0, 1, 5, 511, 512, 513, 1500);
  const hidden = () => pick(Buffer.alloc(size(), 'x'), tarMember({ name: 'hidden', content: 'h' }));
  const number = () => pick('0', '1', '5', '512', '1024', '-1', '+5', '99999999999999999999', '1e3', '', '5.5', '07');
  const record = (): [string, string] =>
    pick<() => [string, string]>(
      () => ['path', pick(name(), 'nul\0name')],
      () => ['linkpath', name()],
      () => ['size', number()],
      () => [pick('mtime', 'atime', 'ctime'), pick(number(), '1.5', '-1.25', '1.', 'x')],
      () => [pick('uid', 'gid'), number()],
      () => [pick('comment', 'SCHILY.xattr.user.a', 'uname'), pick('text', 'nul\0text')],
      () => [pick('GNU.sparse.major', 'GNU.sparse.minor', 'GNU.sparse.numblocks'), pick('0', '1', '2')],
      () => [pick('GNU.sparse.realsize', 'GNU.sparse.size'), pick('0', '5', '1024', '2000', number())],
      () => [pick('GNU.sparse.offset', 'GNU.sparse.numbytes'), pick('0', '5', '512')],
      () => ['GNU.sparse.map', pick('0,5', '0,1,512,4', '512,5', '0,512,0,1', '5', '', '1,0')],
      () => ['GNU.sparse.name', name()],
    )();
  const records = (): [string, string][] => Array.from({ length: random(4) }, record);
  const sparse = (): TarMember[] => {
    const runs = pick(
      [[0, 5]],
      [[512, 5]],
      [
        [0, 1],
        [600, 4],
      ],
      [
        [3, 5],
        [4, 1],
      ],
      [],
    );
    const body = Buffer.from('12345');
    const map = Buffer.alloc(512);
    map.write(
      `${runs.length}\n${runs
        .flat()
        .map((value) => `${value}\n`)
        .join('')}`,
    );
    const named: [string, string] = ['GNU.sparse.name', name()];
    return pick<() => TarMember[]>(
      () => [
        pax([['GNU.sparse.major', '1'], ['GNU.sparse.minor', '0'], named, ['GNU.sparse.realsize', pick('517', '1024', '604')]]),
        { name: 'GNUSparseFile.0/s', content: Buffer.concat([map, body]) },
      ],
      () => [
        pax([
          ['GNU.sparse.size', pick('5', '1024')],
          ['GNU.sparse.numblocks', String(runs.length)],
          ['GNU.sparse.map', runs.flat().join(',')],
          named,
        ]),
        { name: 'GNUSparseFile.0/s', content: body },
      ],
      () => [
        pax([
          ['GNU.sparse.size', '1024'],
          ['GNU.sparse.numblocks', String(runs.length)],
          ...runs.flatMap(([offset, length]): [string, string][] => [
            ['GNU.sparse.offset', `${offset}`],
            ['GNU.sparse.numbytes', `${length}`],
          ]),
        ]),
        { name: 's', content: body },
      ],
    )();
  };
  const plain = (): TarMember => ({
    name: name(),
    type: pick('0', '0', '0', '0', '\0', '5', '1', '2', '3', '6', pick('7', 'Z', 'S', 'V')),
    format: pick('ustar', 'ustar', 'gnu', 'v7', 'star'),
    linkName: pick('', 'a', 'd/e', '../a'),
    prefix: pick('', '', '', 'pre', '01234567012'),
    signedChecksum: random(5) === 0,
    patch: pick<Record<number, Buffer | string>>(
      {},
      {},
      {},
      {},
      {},
      { 100: pick<Buffer | string>('99999999', '0000644 ', '       ', Buffer.alloc(8, 0xff)) },
      { 329: pick('0000001', 'x', '\0') },
      { 263: pick('00', ' \0', '  ') },
      base256Fields(random),
    ),
  });
  const bodied = (member: TarMember): TarMember => {
    const isFile = member.type === '0' || member.type === '\0';
    const content = isFile || random(12) === 0 ? hidden() : '';
    const base256 = Buffer.concat([
      Buffer.from([pick(0x80, 0x80, 0xff, 0xbf)]),
      Buffer.alloc(9),
      Buffer.from([content.length >> 8, content.length & 0xff]),
    ]);
    return { ...member, content, ...(random(20) === 0 ? { size: pick<Buffer | number>(base256, 0, content.length + 1) } : {}) };
  };
  const members = (): (TarMember | Buffer)[] =>
    pick<() => (TarMember | Buffer)[]>(
      () => [bodied(plain())],
      () => [bodied(plain())],
      () => [bodied(plain())],
      () => [pax(records()), bodied(plain())],
      () => [gnuLong('L', name()), bodied(plain())],
      () => [gnuLong('K', name()), gnuLong('L', name()), bodied(plain())],
      () => [pax(records()), gnuLong('L', name()), bodied(plain())],
      sparse,
      () => [oldGnuSparse(random, name())],
      // More than one of a kind, and in the other order.
      () => [pax(records()), pax(records()), bodied(plain())],
      () => [gnuLong('L', name()), gnuLong('L', name()), gnuLong('K', name()), bodied(plain())],
      () => [gnuLong('L', name()), pax(records()), bodied(plain())],
      () => [pick(pax(records(), 'g'), pax([['comment', 'c']], 'g'))],
      () => [pax(records())],
    )();
  const parts = Array.from({ length: 1 + random(4) }, members)
    .flat()
    .map((member) => (Buffer.isBuffer(member) ? member : tarMember(member)));
  if (random(25) === 0) parts.splice(random(parts.length + 1), 0, Buffer.alloc(512));
  const end = pick(
    endBlocks,
    endBlocks,
    endBlocks,
    endBlocks,
    Buffer.alloc(10240),
    Buffer.alloc(512),
    Buffer.alloc(0),
    Buffer.concat([endBlocks, tarMember({ name: 'late' })]),
  );
  const whole = Buffer.concat([...parts, end]);
  const damaged = random(10);
  if (damaged === 0) return whole.subarray(0, random(whole.length + 1));
  if (damaged === 1) whole[random(whole.length)] = random(256);
  return whole;
}
