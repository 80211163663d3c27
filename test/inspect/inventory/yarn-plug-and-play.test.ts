import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeFileInspector } from '../../../src/inspect/inventory/file-inspector.ts';
import { yarnPlugAndPlayReader } from '../../../src/inspect/inventory/yarn-plug-and-play.ts';
import { inspectFiles } from '../inspect-files.ts';

/** Written by Yarn 4.9.2, without the program that follows the data. */
const sample = readFileSync(join(import.meta.dirname, 'yarn-pnp.golden.cjs'), 'utf8');

function read(path: string, content: string) {
  return inspectFiles([makeFileInspector(yarnPlugAndPlayReader)], { [path]: content });
}

function list(path: string, content: string): readonly string[] {
  return read(path, content).flatMap((item) =>
    item.kind === 'packages' ? item.packages.map(({ name, version }) => `${name}@${version}`) : [item.kind],
  );
}

describe('packages of Yarn’s Plug’n’Play', () => {
  it('are those of the registry, once each', () => {
    const expected = `@babel/code-frame@7.0.0 @babel/helper-validator-identifier@7.29.7 @babel/highlight@7.25.9 abbrev@1.1.1 ansi-styles@3.2.1 chalk@2.4.2
      color-convert@1.9.3 color-name@1.1.3 debug@2.6.0 escape-string-regexp@1.0.5 has-flag@3.0.0 js-tokens@4.0.0 lodash@4.17.15 loose-envify@1.4.0 ms@0.7.2 ms@2.1.0
      nopt@4.0.1 object-assign@4.1.1 os-homedir@1.0.2 os-tmpdir@1.0.2 osenv@0.1.5 picocolors@1.1.1 prop-types@15.8.1 react-dom@16.14.0 react-is@16.13.1
      react@16.14.0 scheduler@0.19.1 supports-color@5.5.0`;
    expect([...list('app/.pnp.cjs', sample)].sort()).toEqual(expected.split(/\s+/).sort());
  });

  it('are read of a file of data, and of patches', () => {
    const data = {
      packageRegistryData: [
        [null, [[null, {}]]],
        [
          'a',
          [
            ['patch:a@npm%3A1.0.0#optional!builtin<compat/a>', {}],
            ['npm:2.0.0', {}],
          ],
        ],
        ['b', [['https://x/b.tgz', {}]]],
      ],
    };
    expect(list('.pnp.data.json', JSON.stringify(data))).toEqual(['a@1.0.0', 'a@2.0.0']);
    expect(yarnPlugAndPlayReader.isWanted('app/x.pnp.cjs')).toBe(false);
  });

  it('are a gap where they are cut or damaged', () => {
    const end = sample.lastIndexOf("'");
    for (let length = 0; length <= end; length += 97) expect(list('.pnp.cjs', sample.slice(0, length)), `${length}`).toEqual(['gap']);
    const data = '{"packageRegistryData": [["a", [["npm:1.0.0"]]], ["b", [["npm:!"]]], 7, ["c", [[7]]]]}';
    expect(list('.pnp.data.json', data)).toEqual(['a@1.0.0', 'gap']);
    for (const text of ['[]', '{"packageRegistryData": 1}', '{']) expect(list('.pnp.data.json', text)).toEqual(['gap']);
  });

  it('are read to their end', () => {
    for (const text of [
      `RAW_RUNTIME_STATE='${'\\\\'.repeat(1_000_000)}`,
      "RAW_RUNTIME_STATE = '".repeat(50_000),
      `RAW_RUNTIME_STATE='${'a'.repeat(8_000_000)}'`,
    ])
      list('.pnp.cjs', text);
  });
});
