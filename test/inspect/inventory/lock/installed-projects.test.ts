import { describe, expect, it } from 'vitest';
import { allInspectors } from '../../../../src/inspect/inspectors.ts';
import { toInventory } from '../../../../src/inspect/inventory/inventory.ts';
import { inspectFiles, placeLayers } from '../../inspect-files.ts';

type Files = Readonly<Record<string, string>>;

function build(...layers: readonly Files[]) {
  const { inventory, gaps } = toInventory(placeLayers(...layers.map((files) => inspectFiles(allInspectors(), files))));
  return {
    packages: inventory.packages.map(({ name, version, path }) => `${name} ${version} ${path}`),
    gaps: gaps.map(({ path }) => path),
  };
}

function npmLock(...names: readonly string[]): string {
  return JSON.stringify({ packages: Object.fromEntries(names.map((name) => [`node_modules/${name}`, { version: '1.0.0' }])) });
}

function npm(folder: string, name: string, version = '2.0.0'): Files {
  return { [`${folder}${folder === '' ? '' : '/'}node_modules/${name}/package.json`]: JSON.stringify({ name, version }) };
}

const site = 'usr/local/lib/python3.12/site-packages';
const python = (name: string): Files => ({ [`${site}/${name}-9.dist-info/METADATA`]: `Name: ${name}\nVersion: 9\n` });
const gem = (folder: string, name: string): Files => ({ [`${folder}/specifications/${name}-9.gemspec`]: `# stub: ${name} 9 ruby lib\n` });
const gemLock = (...names: readonly string[]): string => `GEM\n  specs:\n${names.map((name) => `    ${name} (1.0)\n`).join('')}`;

describe('a lock file beside what is installed', () => {
  it.each<[string, Files, Files]>([
    ['node_modules of its folder', { 'app/package-lock.json': npmLock('a', 'b') }, npm('app', 'a')],
    ['node_modules above, where Node looks too', { 'srv/app/package-lock.json': npmLock('a') }, npm('srv', 'a')],
    ['node_modules at the root', { 'app/yarn.lock': 'a@^1:\n  version "1.0.0"\n' }, npm('', 'a')],
    [
      'node_modules of a workspace',
      { 'app/pnpm-lock.yaml': "lockfileVersion: '6.0'\npackages:\n  /a@1.0.0:\n    dev: false\n" },
      npm('app/tools/x', 'a'),
    ],
    ['node_modules of pnpm', { 'app/package-lock.json': npmLock('a') }, npm('app/node_modules/.pnpm/a@2.0.0', 'a')],
    [
      'a vendor folder',
      { 'app/composer.lock': '{"packages": [{"name": "v/a", "version": "1"}]}' },
      { 'app/vendor/composer/installed.json': '[{"name": "v/a", "version": "2"}]' },
    ],
    ['an environment of Python', { 'app/requirements.txt': 'Foo_Bar==1\nother==1\n' }, python('foo.bar')],
    ['gems', { 'app/Gemfile.lock': gemLock('rack', 'puma') }, gem('usr/local/bundle', 'rack')],
    [
      'an application of .NET',
      { 'src/packages.lock.json': '{"dependencies": {"net8.0": {"Serilog": {"resolved": "1.0.0"}}}}' },
      { 'app/a.deps.json': '{"libraries": {"serilog/2.0.0": {"type": "package"}}}' },
    ],
  ])('is not counted: %s', (_, lock, installed) => {
    const alone = build(lock);
    expect(alone.packages.length).toBeGreaterThan(0);
    const { packages, gaps } = build(lock, installed);
    expect(packages).toEqual(build(installed).packages);
    expect(packages).toHaveLength(1);
    expect(gaps).toEqual([]);
  });

  it.each<[string, Files, Files]>([
    ['another project', { 'app/package-lock.json': npmLock('a') }, npm('srv', 'a')],
    ['global packages', { 'package-lock.json': npmLock('npm') }, npm('usr/lib', 'npm')],
    ['packages that it does not name', { 'app/package-lock.json': npmLock('a') }, npm('app', 'b')],
    [
      'another vendor folder',
      { 'app/composer.lock': '{"packages": [{"name": "v/a", "version": "1"}]}' },
      { 'srv/vendor/composer/installed.json': '[{"name": "v/a", "version": "2"}]' },
    ],
    ['what comes with Python', { 'app/requirements.txt': 'pip==1\nfoo==1\n' }, python('pip')],
    [
      'what comes with Ruby',
      { 'app/Gemfile.lock': gemLock('rake', 'rack', 'json') },
      {
        ...gem('usr/lib/ruby/gems/3.1.0', 'rake'),
        ...gem('usr/lib/ruby/gems/3.1.0/default', 'x'),
        'usr/lib/ruby/gems/3.1.0/specifications/default/json-9.gemspec': '# stub: json 9 ruby lib\n',
      },
    ],
  ])('is counted: %s', (_, lock, installed) => {
    const { packages } = build(lock, installed);
    expect(packages).toEqual([...build(lock).packages, ...build(installed).packages].sort());
  });

  it('is counted when the packages are deleted again', () => {
    const placed = placeLayers(inspectFiles(allInspectors(), { 'app/package-lock.json': npmLock('a'), ...npm('app', 'a') })).map(
      (item) => ({
        ...item,
        survives: item.observation.path.endsWith('package-lock.json'),
      }),
    );
    expect(toInventory(placed).inventory.packages).toMatchObject([{ name: 'a', version: '1.0.0', path: 'app/package-lock.json' }]);
  });

  it('speaks for the lock files below it', () => {
    const files = { 'app/requirements.txt': 'foo==1\n', 'app/tools/requirements.txt': 'bar==1\n', 'srv/requirements.txt': 'bar==1\n' };
    expect(build(files, python('foo')).packages).toEqual(['bar 1 srv/requirements.txt', `foo 9 ${site}/foo-9.dist-info/METADATA`]);
  });

  it('need not be readable', () => {
    for (const [lock, installed] of [
      [{ 'app/package-lock.json': '<<<<<<< HEAD' }, npm('app', 'a')],
      [{ 'app/poetry.lock': '<<<<<<< HEAD' }, python('foo')],
      [
        { 'app/package-lock.json': '{"packages": {"node_modules/a": {"version": "x"}, "node_modules/b": {"version": "1.0.0"}}}' },
        npm('app', 'b'),
      ],
    ] as const) {
      expect(build(lock).gaps).toHaveLength(1);
      expect(build(lock, installed).gaps).toEqual([]);
    }
    expect(build({ 'app/poetry.lock': '<<<<<<< HEAD' }, python('pip')).gaps).toEqual(['app/poetry.lock']);
  });

  it('is decided, however many there are', () => {
    const files = Object.fromEntries(
      Array.from({ length: 20_000 }, (_, at) => [
        [`app/requirements${at}.txt`, `p${at}==1\n`],
        [`app/${'d/'.repeat(at % 40)}x${at}/package-lock.json`, npmLock(`a${at}`, 'b')],
        [`app/${'d/'.repeat(at % 40)}node_modules/p${at}/package.json`, `{"name": "p${at}", "version": "1.0.0"}`],
      ]).flat(),
    ) as Files;
    const placed = placeLayersOnce(files);
    expect(toInventory(placed).inventory.packages).toHaveLength(60_001);
  });
});

function placeLayersOnce(files: Files) {
  return inspectFiles(
    allInspectors().filter(({ name }) => name === 'lock-files' || name === 'node-packages'),
    files,
  ).map((observation) => ({
    layer: 0,
    survives: true,
    observation,
  }));
}
