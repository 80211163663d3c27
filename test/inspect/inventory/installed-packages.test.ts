import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { composerInstalledReader } from '../../../src/inspect/inventory/composer-installed.ts';
import { condaPackageReader } from '../../../src/inspect/inventory/conda-package.ts';
import { dotnetDependenciesReader } from '../../../src/inspect/inventory/dotnet-dependencies.ts';
import { type FileReader, makeFileInspector } from '../../../src/inspect/inventory/file-inspector.ts';
import { gemSpecificationReader } from '../../../src/inspect/inventory/gem-specification.ts';
import { pearPackageReader } from '../../../src/inspect/inventory/pear-package.ts';
import { inspectFiles } from '../inspect-files.ts';

function read(reader: FileReader, path: string, content: unknown) {
  const text = typeof content === 'string' || Buffer.isBuffer(content) ? content : JSON.stringify(content);
  return inspectFiles([makeFileInspector(reader)], { [path]: text });
}

const broken = expect.objectContaining({ kind: 'gap', code: 'damaged' });

describe('installed gems', () => {
  const folder = 'usr/local/bundle/specifications';
  const rack = `# -*- encoding: utf-8 -*-
# stub: nokogiri 1.13.0 x86_64-linux lib
# stub: ext/nokogiri/extconf.rb other thing

Gem::Specification.new do |s|
  s.name = "nokogiri".freeze
  s.version = "1.13.0"
  s.platform = "x86_64-linux".freeze
  s.required_rubygems_version = Gem::Requirement.new(">= 0".freeze) if s.respond_to? :required_rubygems_version=
  s.description = "s.name = \\"other\\""
  s.licenses = ["MIT".freeze, "Apache-2.0".freeze]
  s.rubygems_version = "3.3.7".freeze
end
`;
  it.each([`${folder}/nokogiri-1.13.0-x86_64-linux.gemspec`, `${folder}/default/nokogiri-1.13.0.gemspec`])('are read of %s', (path) => {
    const record = { type: 'gem', name: 'nokogiri', version: '1.13.0', licence: 'MIT OR Apache-2.0' };
    expect(read(gemSpecificationReader, path, rack)).toEqual([{ kind: 'packages', path, packages: [record] }]);
  });

  it('are named by assignments or the file where there is no stub line', () => {
    const path = `${folder}/rack-test-2.0.2.gemspec`;
    expect(read(gemSpecificationReader, path, '')).toMatchObject([{ packages: [{ name: 'rack-test', version: '2.0.2' }] }]);
    const text = "Gem::Specification.new do |gem|\n  gem.name    = 'rack'\n  gem.version = '2.0.0.rc1'\n  gem.license = 'MIT'\nend\n";
    expect(read(gemSpecificationReader, path, text)).toMatchObject([
      { packages: [{ name: 'rack', version: '2.0.0.rc1', licence: 'MIT' }] },
    ]);
  });

  it('are a gap where nothing names them, and not those of a source tree', () => {
    expect(read(gemSpecificationReader, `${folder}/rack.gemspec`, 'noise')).toEqual([broken]);
    expect(read(gemSpecificationReader, `${folder}/a-1.gemspec`, '# stub: a\u001bb 1 ruby lib\n')).toEqual([broken]);
    expect(gemSpecificationReader.isWanted('usr/local/bundle/gems/rack-2.2.3/rack.gemspec')).toBe(false);
  });
});

describe('packages of Composer', () => {
  const path = 'var/www/vendor/composer/installed.json';
  const installed = JSON.parse(readFileSync(join(import.meta.dirname, 'composer-installed.golden.json'), 'utf8'));
  const records = [
    { type: 'composer', name: 'acme/log', version: 'v1.2.3', licence: 'MIT' },
    { type: 'composer', name: 'acme/check', version: '0.9.0-beta2', licence: 'proprietary' },
    { type: 'composer', name: 'acme/event', version: '2.0.1', licence: 'LGPL-2.1-or-later OR GPL-3.0-or-later' },
  ];
  it.each([
    ['Composer 2', installed],
    ['Composer 1', installed.packages],
  ])('are read as %s writes them', (_, content) => {
    expect(read(composerInstalledReader, path, content)).toEqual([{ kind: 'packages', path, packages: records }]);
  });

  it('are kept beside damaged ones', () => {
    const content = [{ name: 'a/b', version: '1.0' }, { name: 'no vendor', version: '1' }, { name: 'a/c' }, null];
    expect(read(composerInstalledReader, path, content)).toEqual([
      { kind: 'packages', path, packages: [{ type: 'composer', name: 'a/b', version: '1.0' }] },
      expect.objectContaining({ kind: 'gap', reason: expect.stringContaining('3 of its entries') }),
    ]);
    for (const text of ['7', '{"packages": {}}', '[', `${'['.repeat(100_000)}`])
      expect(read(composerInstalledReader, path, text)).toEqual([broken]);
  });
});

describe('packages of PEAR', () => {
  const path = 'usr/local/lib/php/.registry/archive_tar.reg';
  type Php = string | number | boolean | null | { readonly [key: string]: Php };
  /** PHP's serialize(). */
  function serialize(value: Php): string {
    if (value === null) return 'N;';
    if (typeof value === 'string') return `s:${Buffer.byteLength(value)}:"${value}";`;
    if (typeof value === 'boolean') return `b:${value ? 1 : 0};`;
    if (typeof value === 'number') return Number.isInteger(value) ? `i:${value};` : `d:${value};`;
    const members = Object.entries(value).map(([key, item]) => `${/^\d+$/.test(key) ? `i:${key};` : serialize(key)}${serialize(item)}`);
    return `a:${members.length}:{${members.join('')}}`;
  }
  const archiveTar = {
    attribs: { version: '2.0' },
    name: 'Archive_Tar',
    channel: 'pear.php.net',
    description: 'Tar"; s:4:"name";s:1:"x";} für PHP',
    lead: { 0: { name: 'Vincent', active: false }, 1: { name: 'Greg', age: 1.5, more: null } },
    version: { release: '1.4.14', api: '1.4.0' },
    license: { attribs: {}, _content: 'New BSD License' },
  };

  it('are those of Packagist', () => {
    const record = { type: 'composer', name: 'pear/archive_tar', version: '1.4.14', licence: 'New BSD License' };
    expect(read(pearPackageReader, path, serialize(archiveTar))).toEqual([{ kind: 'packages', path, packages: [record] }]);
    expect(read(pearPackageReader, path, serialize({ package: 'Log', version: '1.13', license: 'MIT' }))).toMatchObject([
      { packages: [{ name: 'pear/log', version: '1.13', licence: 'MIT' }] },
    ]);
    const redis = 'usr/local/lib/php/.registry/.channel.pecl.php.net/redis.reg';
    const extension = serialize({ ...archiveTar, name: 'redis', channel: 'pecl.php.net' });
    expect(read(pearPackageReader, redis, extension)).toMatchObject([{ packages: [{ type: 'generic', name: 'redis' }] }]);
    expect(pearPackageReader.isWanted('usr/local/lib/php/.channels/pear.php.net.reg')).toBe(false);
  });

  it('are a gap where they are cut, nested without end, or name nothing', () => {
    const whole = serialize(archiveTar);
    for (let length = 0; length < whole.length; length++)
      expect(read(pearPackageReader, path, whole.slice(0, length)), `${length}`).toEqual([broken]);
    for (const text of [
      's:1:"a";',
      'a:1:{i:0;',
      'a:1:{i:0;'.repeat(100_000),
      'a:999999999:{',
      'a:1:{a:0:{}i:1;}',
      'O:1:"a":0:{}',
      serialize({ name: 'a b' }),
    ]) {
      expect(read(pearPackageReader, path, text), text.slice(0, 20)).toEqual([broken]);
    }
    expect(read(pearPackageReader, path, serialize({ __proto__x: '1', constructor: 'x' }))).toEqual([broken]);
  });
});

describe('packages of conda', () => {
  const path = 'opt/conda/envs/a/conda-meta/openssl-1.1.1k-h27cfd23_0.json';
  it('are read', () => {
    const content = { arch: 'x86_64', build: 'h27cfd23_0', channel: 'defaults', license: 'OpenSSL', name: 'openssl', version: '1.1.1k' };
    const record = { type: 'conda', name: 'openssl', version: '1.1.1k', licence: 'OpenSSL' };
    expect(read(condaPackageReader, path, content)).toEqual([{ kind: 'packages', path, packages: [record] }]);
  });

  it.each([['{'], ['{"name": "a"}'], ['{"name": "a b", "version": "1"}'], ['{"name": ["a"], "version": "1"}']])(
    'are a gap: %s',
    (content) => {
      expect(read(condaPackageReader, path, content)).toEqual([broken]);
      expect(condaPackageReader.isWanted('opt/conda/conda-meta/history')).toBe(false);
    },
  );
});

describe('packages of .NET', () => {
  const path = 'app/shop.deps.json';
  const target = '.NETCoreApp,Version=v8.0/linux-x64';
  const document = {
    runtimeTarget: { name: target },
    targets: {
      '.NETCoreApp,Version=v8.0': {},
      [target]: {
        'shop/1.0.0': { dependencies: { Serilog: '2.10.0' }, runtime: { 'shop.dll': {} } },
        'Serilog/2.10.0': { runtime: { 'lib/net5.0/Serilog.dll': {} } },
        'NETStandard.Library/2.0.0': { dependencies: {} },
        'System.Net.Http/4.3.0': { compile: { 'a.dll': {} }, runtime: {} },
        'runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/8.0.1': { native: { 'libcoreclr.so': {} } },
        'Microsoft.NETCore.App/2.1.30': { dependencies: { 'Microsoft.NETCore.Targets': '2.0.0' } },
        'runtime.linux-x64.Microsoft.NETCore.App/2.1.30': { native: { 'libcoreclr.so': {} } },
        'runtime.win-x64.NETStandard.Library/2.0.0': {},
        'SQLitePCLRaw/2.0.0': { runtimeTargets: { 'runtimes/linux-x64/native/a.so': {} } },
      },
    },
    libraries: {
      'shop/1.0.0': { type: 'project' },
      'Serilog/2.10.0': { type: 'package' },
      'NETStandard.Library/2.0.0': { type: 'package' },
      'System.Net.Http/4.3.0': { type: 'Package' },
      'runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/8.0.1': { type: 'runtimepack' },
      'Microsoft.NETCore.App/2.1.30': { type: 'package' },
      'runtime.linux-x64.Microsoft.NETCore.App/2.1.30': { type: 'package' },
      'SQLitePCLRaw/2.0.0': { type: 'package' },
      'Unlisted/1.0.0': { type: 'package' },
      'System.Reference/1.0.0': { type: 'referenceassembly' },
    },
  };

  it('are those that the target has files of', () => {
    expect(read(dotnetDependenciesReader, path, document)).toEqual([
      {
        kind: 'packages',
        path,
        packages: [
          ['Serilog', '2.10.0'],
          ['Microsoft.NETCore.App.Runtime.linux-x64', '8.0.1'],
          ['Microsoft.NETCore.App', '2.1.30'],
          ['runtime.linux-x64.Microsoft.NETCore.App', '2.1.30'],
          ['SQLitePCLRaw', '2.0.0'],
          ['Unlisted', '1.0.0'],
        ].map(([name, version]) => ({ type: 'nuget', name, version })),
      },
    ]);
  });

  it('are all of the libraries where the target is not stated', () => {
    for (const runtimeTarget of [undefined, { name: '__proto__' }, { name: 7 }, 'x']) {
      expect(read(dotnetDependenciesReader, path, { ...document, runtimeTarget })).toMatchObject([{ packages: { length: 8 } }]);
    }
  });

  it('are kept beside damaged ones', () => {
    const libraries = { 'Serilog/2.10.0': { type: 'package' }, Serilog: { type: 'package' }, 'a b/1': { type: 'package' }, 'c/1': null };
    expect(read(dotnetDependenciesReader, path, { libraries })).toEqual([
      { kind: 'packages', path, packages: [{ type: 'nuget', name: 'Serilog', version: '2.10.0' }] },
      expect.objectContaining({ kind: 'gap', reason: expect.stringContaining('2 of its entries') }),
    ]);
    for (const text of ['[]', '{"dependencies": {}}', '"a"']) expect(read(dotnetDependenciesReader, path, text)).toEqual([]);
    for (const text of ['{"targets": {}}', '{', '{"targets": [], "libraries": {}}', '{"libraries": 1}']) {
      expect(read(dotnetDependenciesReader, path, text)).toEqual([broken]);
    }
  });
});
