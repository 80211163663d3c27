import type { Inspector } from '../../src/layer/inspector.ts';
import { entryBudget } from '../../src/layer/layer-tree.ts';
import { readLayer, type TarLayerResult } from '../../src/layer/pass.ts';
import type { Observation } from '../../src/model/observation.ts';
import { type TarMember, tar } from './tar-writer.ts';

/** Takes every file whose path `isDatabase` accepts for a database, those that end in `.exe` for programs, and every other for one that holds a secret; names all by their content. */
export function databaseInspector(isDatabase: (path: string) => boolean): Inspector {
  return {
    name: 'database',
    inspect() {
      const observations: Observation[] = [];
      return {
        entry: (entry) => (entry.type === 'file' ? 'whole' : 'none'),
        magic: () => 'none',
        file({ path }, content) {
          const text = content.toString();
          const secret = { rule: 'any', title: text, severity: 'high', line: undefined, fingerprint: text, preview: text } as const;
          const packages = [{ type: 'deb', name: 'p', version: text }] as const;
          if (isDatabase(path)) observations.push({ kind: 'packages', path, packages });
          else if (path.endsWith('.exe')) observations.push({ kind: 'packages', path, packages, isSoftware: true });
          else observations.push({ kind: 'secret', path, ...secret });
        },
        window() {},
        tooLarge() {},
        end: () => observations,
      };
    },
  };
}

/** Reads layers, bottom first, each a list of tar members. */
export async function readStack(layers: readonly (readonly TarMember[])[], inspector: Inspector): Promise<TarLayerResult[]> {
  const budget = entryBudget();
  const results: TarLayerResult[] = [];
  for (const [at, members] of layers.entries()) {
    const source = { key: `layer ${at}`, kind: 'layer', descriptor: undefined, sizeBytes: undefined, diffId: undefined } as const;
    const content = (async function* () {
      yield tar(...members);
    })();
    results.push((await readLayer(source, content, { inspectors: [inspector], budget })) as TarLayerResult);
  }
  return results;
}
