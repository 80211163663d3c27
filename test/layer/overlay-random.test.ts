import { describe, expect, it } from 'vitest';
import { type Folder, isFolder, toContent } from '../../src/layer/file-node.ts';
import { FileTree } from '../../src/layer/file-tree.ts';
import { entryPath } from '../../src/layer/layer-tree.ts';
import { databaseInspector, readStack } from './layer-stack.ts';
import { unpackModel } from './overlay-model.ts';
import { randomNumbers, randomStack } from './random-stack.ts';
import type { TarMember } from './tar-writer.ts';

/** The tree in the words of the model. */
async function unpackTree(layers: readonly (readonly TarMember[])[]): Promise<Map<string, string>> {
  const results = await readStack(
    layers,
    databaseInspector(() => false),
  );
  const tree = new FileTree('merged');
  const contents = results.flatMap((result, at) => {
    tree.apply(result.tree);
    return (layers[at] ?? []).map((member, index) => {
      expect(entryPath(result.tree, index)).toBe((member.name ?? '').replace(/\/$/, ''));
      return String(member.content);
    });
  });
  const listed = new Map<string, string>();
  const list = (folder: Folder, prefix: string) => {
    for (const [name, node] of folder.children) {
      const path = `${prefix}/${name}`;
      if (isFolder(node)) {
        listed.set(path, 'folder');
        list(node, path);
      } else if (typeof node === 'object' && node.kind === 'symlink') {
        listed.set(path, `symlink ${node.target}`);
      } else {
        listed.set(path, `file ${contents[toContent(node) as number]}`);
      }
    }
  };
  list(tree.root, '');
  return listed;
}

describe('the overlay of random layers', () => {
  it('is what unpacking them one over the other gives', async () => {
    let compared = 0;
    for (let seed = 0; compared < 500; seed++) {
      const layers = randomStack(randomNumbers(seed * 7919));
      const expected = unpackModel(layers);
      if (expected === undefined) continue;
      const tree = await unpackTree(layers);
      expect(new Map([...tree].sort()), `seed ${seed}`).toEqual(new Map([...expected].sort()));
      compared += 1;
    }
  });
});
