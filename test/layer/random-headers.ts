import { type TarMember, tarMember } from './tar-writer.ts';

type Random = (limit: number) => number;

/** Numbers of a header in base 256, as GNU tar writes those that octal digits cannot hold: positive, negative, too large, cut short. */
export function base256Fields(random: Random): Record<number, Buffer | string> {
  const [at, bytes] = (
    [
      [100, 8],
      [108, 8],
      [116, 8],
      [136, 12],
    ] as const
  )[random(4)] as readonly [number, number];
  const field = Buffer.alloc(bytes, [0x00, 0xff, 0x7f][random(3)]);
  field[0] = [0x80, 0xff, 0xc0, 0xbf][random(4)] as number;
  field[bytes - 1] = random(256);
  return { [at]: field };
}

/** A sparse file of GNU's old format: a map of four runs in the header, and of 21 in each block that follows it. https://www.gnu.org/software/tar/manual/html_node/Standard.html */
export function oldGnuSparse(random: Random, name: string): Buffer {
  const count = [0, 1, 3, 4, 5, 26][random(6)] as number;
  const runs = Array.from({ length: count }, (_, at) => ({ offset: at * 600 + random(3), length: 1 + random(5) }));
  const storedBytes = runs.reduce((sum, { length }) => sum + length, 0);
  const realBytes = random(8) === 0 ? random(2000) : count * 600 + 100;
  const map = Buffer.alloc(97);
  const rest = putRuns(map, runs, 4, 96);
  const extensions: Buffer[] = [];
  for (let left = rest; left.length > 0; ) {
    const block = Buffer.alloc(512);
    left = putRuns(block, left, 21, 504);
    extensions.push(block);
  }
  const member: TarMember = {
    name,
    type: 'S',
    format: random(10) === 0 ? 'ustar' : 'gnu',
    size: storedBytes,
    patch: { 386: map, 483: `${realBytes.toString(8).padStart(11, '0')}\0` },
  };
  const content = Buffer.alloc(Math.ceil(storedBytes / 512) * 512);
  content.fill('s', 0, storedBytes);
  return Buffer.concat([tarMember(member).subarray(0, 512), ...extensions, content]);
}

/** Writes as many runs as there is room for, and at `flagAt` whether there are more; gives those. */
function putRuns(block: Buffer, runs: readonly { offset: number; length: number }[], most: number, flagAt: number) {
  const put = (at: number, value: number) => block.write(`${value.toString(8).padStart(11, '0')}\0`, at);
  for (const [at, { offset, length }] of runs.slice(0, most).entries()) {
    put(at * 24, offset);
    put(at * 24 + 12, length);
  }
  block[flagAt] = runs.length > most ? 1 : 0;
  return runs.slice(most);
}
