import { file, folder, hardLink, symlink, type TarMember } from './tar-writer.ts';

/** Repeatable numbers below `limit` (Lehmer). */
export function randomNumbers(seed: number): (limit: number) => number {
  let state = (seed % 2147483646) + 1;
  return (limit) => {
    state = (state * 48271) % 2147483647;
    return state % limit;
  };
}

/** Layers of few names, so that they meet: files, folders, links, whiteouts. The content of each file is its own. */
export function randomStack(random: (limit: number) => number): TarMember[][] {
  const part = () => ['a', 'b', 'c'][random(3)] as string;
  const path = () => [...Array.from({ length: random(3) }, part), ['a', 'b', 'c', 'x', 'y', 'z', 'x', 'y', 'z'][random(9)]].join('/');
  const beside = (name: string) => [...path().split('/').slice(0, -1), name].join('/');
  const target = () => ['', '/', '../', './', 'a/../'][random(5)] + path();
  let files = 0;
  const member = (): TarMember => {
    const kind = random(20);
    if (kind < 9) return file(path(), `file ${files++}`);
    if (kind < 12) return folder(path());
    if (kind < 15) return symlink(path(), target());
    if (kind < 16) return hardLink(path(), path());
    return file(kind < 19 ? beside(`.wh.${part()}`) : beside('.wh..wh..opq'), '');
  };
  return Array.from({ length: 1 + random(4) }, () => Array.from({ length: 1 + random(7) }, member));
}
