import { describe, expect, it } from 'vitest';
import { makeFileInspector } from '../../../src/inspect/inventory/file-inspector.ts';
import { nodePackageReader } from '../../../src/inspect/inventory/node-package.ts';
import { inspectFiles } from '../inspect-files.ts';

function read(path: string, content: unknown) {
  const text = typeof content === 'string' || Buffer.isBuffer(content) ? content : JSON.stringify(content);
  return inspectFiles([makeFileInspector(nodePackageReader)], { [path]: text });
}

const lodash = { name: 'lodash', version: '4.17.15', license: 'MIT' };

describe('node packages', () => {
  it.each([
    'srv/shop/node_modules/lodash/package.json',
    'node_modules/lodash/package.json',
    'app/node_modules/a/node_modules/lodash/package.json',
    'app/node_modules/.pnpm/lodash@4.17.15/node_modules/lodash/package.json',
    'usr/lib/node_modules/npm/node_modules/lodash/package.json',
    'app/node_modules/@types/lodash/package.json',
  ])('finds the package at %s', (path) => {
    expect(read(path, lodash)).toEqual([
      { kind: 'packages', path, packages: [{ type: 'npm', name: 'lodash', version: '4.17.15', licence: 'MIT' }] },
    ]);
  });

  it.each([
    'app/package.json',
    'app/node_modules/a/test/fixtures/package.json',
    'app/node_modules/a/dist/esm/package.json',
    'app/node_modules/package.json',
    'app/node_modules/.package-lock.json',
    'app/node_modules/.bin/package.json',
    'app/node_modules/@scope/package.json',
  ])('takes %s for no installed package', (path) => {
    expect(read(path, lodash)).toEqual([]);
  });

  it('finds Yarn where the official Node images put it', () => {
    expect(read('opt/yarn-v1.22.19/package.json', { name: 'yarn', version: '1.22.19' })).toHaveLength(1);
  });

  it.each([
    ['v1.2.3', '1.2.3'],
    ['=1.2.3', '1.2.3'],
    ['1.2.3-beta.1+build.5', '1.2.3-beta.1+build.5'],
    ['1.2.3beta', '1.2.3beta'],
  ])('reads the version %s as npm does', (version, expected) => {
    expect(read('node_modules/a/package.json', { name: 'a', version })).toMatchObject([{ packages: [{ version: expected }] }]);
  });

  it.each([
    [{ name: 'a' }],
    [{ type: 'module' }],
    [{ name: 'a', version: 'latest' }],
    [{ name: 'a', version: 1 }],
    [{ name: '../../etc', version: '1.0.0' }],
    [{ name: '_private', version: '1.0.0' }],
    [{ name: 'a b', version: '1.0.0' }],
    [{ name: 'a'.repeat(215), version: '1.0.0' }],
  ])('passes over %j, which cannot have come from a registry', (manifest) => {
    expect(read('node_modules/a/package.json', manifest)).toEqual([]);
  });

  it('takes the name of the folder where the manifest has none', () => {
    expect(read('node_modules/@s/a/package.json', { version: '1.0.0' })).toMatchObject([{ packages: [{ name: '@s/a' }] }]);
  });

  it('takes a byte order mark, old licence forms and __proto__ for what they are', () => {
    expect(read('node_modules/a/package.json', `\uFEFF${JSON.stringify(lodash)}`)).toHaveLength(1);
    expect(
      read('node_modules/a/package.json', { name: 'a', version: '1.0.0', licenses: [{ type: 'MIT' }, { type: 'GPL-2.0' }] }),
    ).toMatchObject([{ packages: [{ licence: 'MIT OR GPL-2.0' }] }]);
    const hostile = '{"__proto__": {"version": "6.6.6", "name": "x"}, "name": "a", "version": "1.0.0", "constructor": null}';
    expect(read('node_modules/a/package.json', hostile)).toMatchObject([{ packages: [{ name: 'a', version: '1.0.0' }] }]);
    expect(read('node_modules/a/package.json', '{"__proto__": {"version": "6.6.6"}, "name": "a"}')).toEqual([]);
  });

  it.each([
    ['no JSON', '{"name": "a", '],
    ['an empty file', ''],
    ['an array', '[]'],
    ['JSON nested 100,000 deep', `${'['.repeat(100_000)}`],
    ['UTF-16', Buffer.from(JSON.stringify(lodash), 'utf16le')],
    ['a binary', Buffer.alloc(3000)],
  ])('tells of a gap for %s', (_, content) => {
    expect(read('node_modules/a/package.json', content)).toEqual([expect.objectContaining({ kind: 'gap', code: 'damaged' })]);
  });
});
