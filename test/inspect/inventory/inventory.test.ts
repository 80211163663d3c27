import { PackageURL } from 'packageurl-js';
import { describe, expect, it } from 'vitest';
import { allInspectors } from '../../../src/inspect/inspectors.ts';
import { toInventory } from '../../../src/inspect/inventory/inventory.ts';
import { inspectFiles, placeLayers } from '../inspect-files.ts';
import { elf } from './executable/elf-writer.ts';
import { inlineInfo } from './executable/go-program.ts';
import { jar, pom } from './java/jar-writer.ts';

const debian = { 'etc/os-release': 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n' };
const site = 'usr/lib/python3/dist-packages';

function dpkg(...packages: readonly (readonly [name: string, version: string, more?: string])[]): Record<string, string> {
  const stanzas = packages.map(
    ([name, version, more = '']) => `Package: ${name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: ${version}\n${more}`,
  );
  return { 'var/lib/dpkg/status': stanzas.join('\n') };
}

function build(...layers: readonly Readonly<Record<string, string | Buffer>>[]) {
  return toInventory(placeLayers(...layers.map((files) => inspectFiles(allInspectors(), files))));
}

describe('inventory', () => {
  it('gives each package its purl, ecosystem, path and operating system', () => {
    const { inventory, gaps } = build(
      {
        ...debian,
        ...dpkg(['libssl3', '3.0.11-1~deb12u2', 'Source: openssl\n'], ['libstdc++6', '12.2.0-14', 'Source: gcc-12 (12.2.0)\n']),
      },
      { 'app/node_modules/@babel/core/package.json': '{"name": "@babel/core", "version": "7.0.0"}' },
      { [`${site}/Jinja2-2.11.2.dist-info/METADATA`]: 'Name: Jinja2\nVersion: 2.11.2\n' },
    );
    expect(gaps).toEqual([]);
    expect(inventory.operatingSystem).toEqual({
      id: 'debian',
      versionId: '12',
      prettyName: 'Debian GNU/Linux 12 (bookworm)',
      supportedUntil: '2028-06-30',
    });
    expect(inventory.packages.map(({ purl, ecosystem, path, layer }) => [purl, ecosystem, path, layer])).toEqual([
      ['pkg:deb/debian/libssl3@3.0.11-1~deb12u2?arch=amd64&distro=debian-12&upstream=openssl', 'Debian:12', 'var/lib/dpkg/status', 0],
      [
        'pkg:deb/debian/libstdc%2B%2B6@12.2.0-14?arch=amd64&distro=debian-12&upstream=gcc-12%4012.2.0',
        'Debian:12',
        'var/lib/dpkg/status',
        0,
      ],
      ['pkg:npm/%40babel/core@7.0.0', 'npm', 'app/node_modules/@babel/core/package.json', 1],
      ['pkg:pypi/jinja2@2.11.2', 'PyPI', `${site}/Jinja2-2.11.2.dist-info/METADATA`, 2],
    ]);
    for (const { purl, version } of inventory.packages) expect(PackageURL.fromString(purl).version).toBe(version);
  });

  it('finds the layer that brought a version, although every layer rewrites the database', () => {
    const { inventory } = build(
      { ...debian, ...dpkg(['base', '1'], ['changed', '1'], ['gone', '1'], ['back', '1']) },
      dpkg(['base', '1'], ['changed', '2'], ['gone', '1']),
      {},
      dpkg(['base', '1'], ['changed', '2'], ['new', '1'], ['back', '1']),
    );
    expect(inventory.packages.map(({ name, version, layer }) => `${name} ${version} ${layer}`)).toEqual([
      'back 1 3',
      'base 1 0',
      'changed 2 1',
      'new 1 3',
    ]);
  });

  it('follows apk’s database to the merged /usr', () => {
    const alpine = { 'etc/alpine-release': '3.22.0' };
    const entry = 'P:musl\nV:1-r0\nA:x86_64\no:musl\n';
    const placed = placeLayers(
      inspectFiles(allInspectors(), { ...alpine, 'lib/apk/db/installed': entry }),
      inspectFiles(allInspectors(), { 'usr/lib/apk/db/installed': `${entry}\nP:curl\nV:8-r0\nA:x86_64\n` }),
    ).map((item) => (item.observation.path === 'lib/apk/db/installed' ? { ...item, survives: false } : item));
    expect(toInventory(placed).inventory.packages).toMatchObject([
      { name: 'curl', layer: 1, ecosystem: 'Alpine:v3.22', purl: 'pkg:apk/alpine/curl@8-r0?arch=x86_64&distro=alpine-3.22.0' },
      { name: 'musl', layer: 0 },
    ]);
  });

  it('lists a language package once, with all its paths', () => {
    const lodash = '{"name": "lodash", "version": "4.17.15"}';
    const { inventory } = build(
      { 'app/node_modules/a/node_modules/lodash/package.json': lodash },
      { 'app/node_modules/lodash/package.json': lodash },
    );
    expect(inventory.packages).toMatchObject([
      {
        name: 'lodash',
        layer: 0,
        path: 'app/node_modules/a/node_modules/lodash/package.json',
        otherPaths: ['app/node_modules/lodash/package.json'],
      },
    ]);
  });

  it('prefers etc/os-release over what else names a release', () => {
    const { inventory } = build({ 'etc/debian_version': '12.5', 'usr/lib/os-release': 'ID=a\n', 'etc/os-release': 'ID=b\n' });
    expect(inventory.operatingSystem?.id).toBe('b');
  });

  it('has no ecosystem, and a gap, where the release is not known', () => {
    for (const release of [{}, { 'etc/os-release': 'ID=kali\nVERSION_ID=2024.1\nPRETTY_NAME="Kali GNU/Linux"\n' }]) {
      const { inventory, gaps } = build({ ...release, ...dpkg(['a', '1'], ['b', '1']) });
      expect(inventory.packages.map(({ ecosystem }) => ecosystem)).toEqual([undefined, undefined]);
      expect(gaps).toEqual([expect.objectContaining({ code: 'no-release', reason: expect.stringMatching(/^2 deb packages/) })]);
    }
  });

  it('has a gap for a database that a later layer deletes, and for a damaged one that survives', () => {
    const placed = placeLayers(inspectFiles(allInspectors(), { ...debian, ...dpkg(['a', '1']) })).map((item) => ({
      ...item,
      survives: item.observation.kind === 'os-release',
    }));
    expect(toInventory(placed).gaps).toEqual([expect.objectContaining({ code: 'damaged', path: 'var/lib/dpkg/status', layer: 0 })]);
    const damaged = { ...debian, 'var/lib/dpkg/status': 'noise' };
    expect(build(damaged).gaps).toEqual([expect.objectContaining({ code: 'damaged', path: 'var/lib/dpkg/status', layer: 0 })]);
    expect(build(damaged, dpkg(['a', '1'])).gaps).toEqual([]);
  });

  it('keeps hostile release texts out of purls', () => {
    const { inventory } = build({
      'etc/os-release': `ID="de bian\\"?x"\nVERSION_ID="${'1'.repeat(59)}😀"\nPRETTY_NAME="##[error]"\n`,
      ...dpkg(['a', '1']),
    });
    expect(inventory.packages).toMatchObject([{ purl: 'pkg:deb/debian/a@1?arch=amd64', ecosystem: undefined }]);
  });

  it('takes licences from copyright files: their names where they can be read by machines, else the texts that they refer to', () => {
    const format = 'https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/';
    const copyright = `Format: ${format}\n\nFiles: *\nLicense: GPL-3+\n text\n\nFiles: x\nLicense: BSD-3-clause\n`;
    const prose =
      "The LGPL is in `/usr/share/common-licenses/LGPL-2.1', the other one in\n/usr/share/common-licenses/Apache-2.0.\nSee /usr/share/common-licenses.\n";
    const { inventory } = build({
      ...debian,
      ...dpkg(['a', '1'], ['b', '1'], ['c', '1']),
      'usr/share/doc/a/copyright': copyright,
      'usr/share/doc/b/copyright': 'GPL',
      'usr/share/doc/c/copyright': prose,
    });
    const licences = inventory.packages.map(({ licence }) => licence);
    expect(licences).toEqual([['BSD-3-clause', 'GPL-3+'], undefined, ['Apache-2.0', 'common-licenses/LGPL-2.1']]);
  });

  it('takes the licence of a package without a copyright file from another one of its source', () => {
    const entry = (name: string, source: string) => `Package: ${name}\nSource: ${source}\nStatus: install ok installed\nVersion: 1\n\n`;
    const { inventory } = build({
      ...debian,
      'var/lib/dpkg/status': entry('gcc-base', 'gcc') + entry('libgcc', 'gcc') + entry('libother', 'gcc (2)') + entry('other', 'other'),
      'usr/share/doc/gcc-base/copyright': 'See /usr/share/common-licenses/Artistic',
    });
    expect(inventory.packages.map(({ licence }) => licence)).toEqual([['Artistic'], ['Artistic'], undefined, undefined]);
  });
});

describe('language packages that OS packages own', () => {
  const metadata = { [`${site}/requests-2.28.1.egg-info`]: 'Name: requests\nVersion: 2.28.1\n' };
  const list = (owner: string, ...files: readonly string[]) => ({
    [`var/lib/dpkg/info/${owner}.list`]: `/.\n/usr\n${files.map((file) => `/${file}\n`).join('')}`,
  });
  const [owned] = Object.keys(metadata) as [string];
  const names = (...layers: readonly Readonly<Record<string, string | Buffer>>[]) =>
    build(...layers).inventory.packages.map(({ type, name }) => `${type} ${name}`);

  it('are judged as the OS package where the distribution is responsible', () => {
    const maintainer = 'Maintainer: Debian Python Team <team+python@tracker.debian.org>\n';
    expect(names({ ...debian, ...dpkg(['python3-http', '1', maintainer]), ...metadata, ...list('python3-http', owned) })).toEqual([
      'deb python3-http',
    ]);
    expect(names({ ...debian, ...dpkg(['python3-requests', '1']), ...metadata, ...list('python3-requests', owned) })).toEqual([
      'deb python3-requests',
    ]);
  });

  it.each([
    ['ruby-rack', 'usr/share/rubygems-integration/all/specifications/rack-2.2.3.gemspec', '# stub: rack 2.2.3 ruby lib\n'],
    ['php-pear', 'usr/share/php/.registry/pear.reg', 'a:2:{s:4:"name";s:4:"PEAR";s:7:"version";s:3:"1.0";}'],
    ['dotnet-runtime-8.0', 'usr/lib/dotnet/shared/a/8.0.1/a.deps.json', '{"libraries": {"a/8.0.1": {"type": "package"}}}'],
    ['php-symfony', 'usr/share/php/vendor/composer/installed.json', '[{"name": "symfony/yaml", "version": "v5.4.0"}]'],
  ])('are judged as %s, whatever their language', (owner, path, content) => {
    const maintainer = 'Maintainer: Debian Team <team@lists.debian.org>\n';
    expect(names({ ...debian, [path]: content })).toHaveLength(1);
    expect(names({ ...debian, ...dpkg([owner, '1', maintainer]), [path]: content, ...list(owner, path) })).toEqual([`deb ${owner}`]);
  });

  it('stay where the OS package is a vendor’s own and carries them along', () => {
    expect(names({ ...debian, ...dpkg(['agent', '1', 'Maintainer: A <a@vendor.com>\n']), ...metadata, ...list('agent', owned) })).toContain(
      'pypi requests',
    );
  });

  it('stay where they were put into the distribution’s folder, or its release has no advisories, or the owner is gone', () => {
    const owner = dpkg(['python3-requests', '1']);
    expect(names({ ...debian, ...owner, ...metadata, ...list('python3-requests', 'usr/share/doc') })).toContain('pypi requests');
    expect(names({ ...owner, ...metadata, ...list('python3-requests', owned) })).toContain('pypi requests');
    expect(names({ ...debian, ...dpkg(['tar', '1']), ...metadata, ...list('python3-requests', owned) })).toContain('pypi requests');
  });

  it('are owned in distroless images too, and by apk', () => {
    const status = { 'var/lib/dpkg/status.d/python3-requests': 'Package: python3-requests\nVersion: 1\n' };
    const sums = { 'var/lib/dpkg/status.d/python3-requests.md5sums': `d41d8cd98f00b204e9800998ecf8427e  ${owned}\n` };
    expect(names({ ...debian, ...status, ...sums, ...metadata })).toEqual(['deb python3-requests']);
    const apk = { 'lib/apk/db/installed': `P:py3-requests\nV:1-r0\nF:${site}\nR:requests-2.28.1.egg-info\n` };
    expect(names({ 'etc/alpine-release': '3.19.0', ...apk, ...metadata })).toEqual(['apk py3-requests']);
  });

  it('are programs and Java archives too, under the merged /usr', () => {
    const maintainer = 'Maintainer: Debian <a@lists.debian.org>\n';
    const files = {
      'usr/bin/node': elf({ rodata: Buffer.from('node.js/v20.11.1 ') }),
      'usr/share/java/a-1.0.jar': jar([pom('org.x', 'a', '1.0')]),
      'usr/bin/tool': elf({ data: inlineInfo('go1.22.4', 'mod\ta.b/tool\tv1.0.0\n') }),
    };
    const copied = { 'usr/local/bin/node': elf({ rodata: Buffer.from('node.js/v18.1.0 ') }) };
    const owner = { ...debian, ...dpkg(['all', '1', maintainer]) };
    expect(names({ ...owner, ...list('all', 'bin/node', 'usr/share/java/a-1.0.jar', 'usr/bin/tool'), ...files, ...copied })).toEqual([
      'deb all',
      'generic node',
    ]);
    expect(names({ ...owner, ...files })).toEqual(['deb all', 'generic node', 'golang a.b/tool', 'golang stdlib', 'maven org.x:a']);
    const apk = { 'lib/apk/db/installed': 'P:all\nV:1-r0\nF:bin\nR:node\nF:usr/bin\nR:tool\nF:usr/share/java\nR:a-1.0.jar\n' };
    expect(names({ 'etc/alpine-release': '3.19.0', ...apk, ...files })).toEqual(['apk all']);
  });
});
