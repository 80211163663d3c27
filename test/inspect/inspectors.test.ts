import { describe, expect, it } from 'vitest';
import { allInspectors, databasePaths, isDatabasePath } from '../../src/inspect/inspectors.ts';
import type { Inspector } from '../../src/layer/inspector.ts';
import { describeInspector, type InspectorContract } from '../contract/inspector.ts';
import { elf } from './inventory/executable/elf-writer.ts';
import { inlineInfo } from './inventory/executable/go-program.ts';
import { jar, pom } from './inventory/java/jar-writer.ts';
import { makeHeader, makeNdb } from './inventory/rpm/made-databases.ts';
import { rsaPkcs8 } from './secrets/made-secrets.ts';

const samples: Readonly<Record<string, InspectorContract>> = {
  dpkg: {
    sample: { path: 'var/lib/dpkg/status', content: 'Package: a\nStatus: install ok installed\nVersion: 1\n' },
    harmless: { path: 'var/lib/dpkg/status-old', content: 'Package: a\nVersion: 1\n' },
    damaged: { path: 'var/lib/dpkg/status', content: 'Package: a\n' },
  },
  'dpkg-files': { sample: { path: 'var/lib/dpkg/info/a.list', content: '/usr/lib/python3/dist-packages/a-1.egg-info/PKG-INFO\n' } },
  'debian-copyright': {
    sample: { path: 'usr/share/doc/a/copyright', content: 'Format: https://x/copyright-format/1.0/\n\nFiles: *\nLicense: MIT\n' },
    harmless: { path: 'usr/share/doc/a/copyright', content: 'Licensed under the GPL.\n' },
  },
  apk: {
    sample: { path: 'lib/apk/db/installed', content: 'P:a\nV:1-r0\n' },
    damaged: { path: 'lib/apk/db/installed', content: 'P:a\n' },
  },
  rpm: {
    sample: { path: 'var/lib/rpm/Packages.db', content: makeNdb([makeHeader({ name: 'a', version: '1', release: '1' })]) },
    harmless: { path: 'var/lib/rpm/Packages', content: '' },
    damaged: { path: 'var/lib/rpm/Packages', content: 'noise' },
  },
  'rpm-log': {
    sample: { path: 'var/lib/rpm/rpmdb.sqlite-wal', content: 'cut off' },
    onlyGaps: true,
    harmless: { path: 'var/lib/rpm/rpmdb.sqlite-wal', content: '' },
  },
  'rpm-manifest': {
    sample: { path: 'var/lib/rpmmanifest/container-manifest-2', content: 'a\t1-1\t1\t1\tb\t(none)\t1\tnoarch\t0\ta-1-1.src.rpm\n' },
    harmless: { path: 'var/lib/rpmmanifest/container-manifest-1', content: 'a\t5\n' },
    damaged: { path: 'var/lib/rpmmanifest/container-manifest-2', content: 'a\t1-1\n' },
  },
  'node-packages': {
    sample: { path: 'app/node_modules/a/package.json', content: '{"name": "a", "version": "1.0.0"}' },
    harmless: { path: 'app/package.json', content: '{"name": "a", "version": "1.0.0"}' },
    damaged: { path: 'app/node_modules/a/package.json', content: '{' },
  },
  'yarn-plug-and-play': {
    sample: { path: 'app/.pnp.data.json', content: '{"packageRegistryData": [["a", [["npm:1.0.0", {}]]]]}' },
    harmless: { path: 'app/.pnp.data.json', content: '{"packageRegistryData": [["app", [["workspace:.", {}]]]]}' },
    damaged: { path: 'app/.pnp.cjs', content: 'module.exports = {}' },
  },
  'python-packages': {
    sample: { path: 'app/a-1.dist-info/METADATA', content: 'Name: a\nVersion: 1\n' },
    damaged: { path: 'app/a.egg-info/PKG-INFO', content: 'Name: a\n' },
  },
  'conda-packages': {
    sample: { path: 'opt/conda/conda-meta/zlib-1.2.13-0.json', content: '{"name": "zlib", "version": "1.2.13"}' },
    damaged: { path: 'opt/conda/conda-meta/zlib-1.2.13-0.json', content: '{"name": "zlib"}' },
  },
  'gem-specifications': {
    sample: { path: 'var/lib/gems/specifications/rack-2.2.3.gemspec', content: '# stub: rack 2.2.3 ruby lib\n' },
    damaged: { path: 'var/lib/gems/specifications/rack.gemspec', content: 'noise' },
  },
  'composer-packages': {
    sample: { path: 'app/vendor/composer/installed.json', content: '{"packages": [{"name": "a/b", "version": "1.0"}]}' },
    harmless: { path: 'app/vendor/composer/installed.json', content: '[]' },
    damaged: { path: 'app/vendor/composer/installed.json', content: '[{"name": "a/b"}]' },
  },
  'pear-packages': {
    sample: { path: 'usr/local/lib/php/.registry/pear.reg', content: 'a:2:{s:4:"name";s:4:"PEAR";s:7:"version";s:3:"1.0";}' },
    damaged: { path: 'usr/local/lib/php/.registry/pear.reg', content: 'a:2:{s:4:"name";s:4:"PEAR";s:7:"version";s:3:"1.0"' },
  },
  'dotnet-packages': {
    sample: { path: 'app/shop.deps.json', content: '{"libraries": {"Serilog/2.10.0": {"type": "package"}}}' },
    harmless: { path: 'app/shop.deps.json', content: '{"libraries": {"shop/1.0.0": {"type": "project"}}}' },
    damaged: { path: 'app/shop.deps.json', content: '{"libraries": []}' },
  },
  'lock-files': {
    sample: { path: 'app/requirements.txt', content: 'requests==2.31.0\n' },
    harmless: { path: 'app/requirements.txt', content: 'requests>=2\n' },
    damaged: { path: 'app/package-lock.json', content: '{' },
  },
  'runtime-releases': { sample: { path: 'opt/jdk/release', content: 'JAVA_VERSION="17.0.9"\n' } },
  'os-release': {
    sample: { path: 'etc/os-release', content: 'ID=debian\n' },
    damaged: { path: 'etc/os-release', content: 'noise' },
  },
  'unread-databases': {
    sample: { path: 'usr/lib/opkg/status', content: 'Package: a\n' },
    onlyGaps: true,
    harmless: { path: 'usr/lib/opkg/status', content: '' },
  },
  superusers: { sample: { path: 'etc/passwd', content: 'root:x:0:0::/root:/bin/sh\n' } },
  executables: {
    sample: { path: 'app/program', content: elf({ data: inlineInfo('go1.22.4', 'dep\ta.b/c\tv1.0.0\n'), codeBytes: 20_000 }) },
    harmless: { path: 'app/other', content: elf({}) },
    damaged: { path: 'app/program', content: elf({ data: inlineInfo('go1.22.4', 'dep\ta.b/c\tv1.0.0\n').subarray(0, 50) }) },
  },
  'java-archives': {
    sample: { path: 'app/a-1.0.jar', content: jar([pom('org.x', 'a', '1.0')]) },
    harmless: { path: 'app/a.jar', content: jar([]) },
    damaged: { path: 'app/a-1.0.jar', content: jar([pom('org.x', 'a', '1.0')]).subarray(0, 100) },
  },
  'known-programs': {
    sample: { path: 'opt/node', content: elf({ rodata: Buffer.from('node.js/v20.11.1 '), codeBytes: 20_000 }) },
    harmless: { path: 'opt/node', content: elf({}) },
  },
  secrets: {
    sample: { path: 'root/.ssh/id_rsa', content: rsaPkcs8 },
    harmless: { path: 'root/.ssh/id_rsa.pub', content: 'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ user@host\n' },
  },
  malware: {
    sample: { path: 'a.exe', content: `${'X5O!P%@AP[4\\PZX54(P^)7CC)7}$'}EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*` },
    harmless: { path: 'a.exe', content: 'MZ'.repeat(100) },
  },
};

for (const [index, { name }] of allInspectors().entries()) {
  describeInspector(name, () => allInspectors()[index] as Inspector, samples[name] as InspectorContract);
}

describe('inspectors', () => {
  it('have each a contract', () => {
    expect(allInspectors().map(({ name }) => name)).toEqual(Object.keys(samples));
  });

  it('read what the overlay takes for a database', () => {
    for (const path of databasePaths) expect(isDatabasePath(path)).toBe(true);
    expect(isDatabasePath('var/lib/dpkg/status.d/tzdata.md5sums')).toBe(true);
    expect(isDatabasePath('app/node_modules/@a/b/package.json')).toBe(true);
    expect(isDatabasePath('app/package.json')).toBe(false);
  });
});
