import { describe, expect, it } from 'vitest';
import { dpkgReader } from '../../../src/inspect/inventory/dpkg.ts';
import { makeFileInspector } from '../../../src/inspect/inventory/file-inspector.ts';
import { inspectFiles } from '../inspect-files.ts';

const path = 'var/lib/dpkg/status';

function read(text: string | Buffer, at = path) {
  const observations = inspectFiles([makeFileInspector(dpkgReader)], { [at]: text });
  return {
    packages: observations.flatMap((observation) => (observation.kind === 'packages' ? observation.packages : [])),
    gaps: observations.flatMap((observation) => (observation.kind === 'gap' ? [observation.reason] : [])),
  };
}

function stanza(name: string, status: string, more = ''): string {
  return `Package: ${name}\nStatus: ${status}\nArchitecture: amd64\nVersion: 1.0\n${more}\n`;
}

describe('dpkg status', () => {
  it('reads names, versions with epochs, sources with and without a version, and multi-line fields', () => {
    const { packages, gaps } = read(
      [
        'Package: libc6',
        'Status: install ok installed',
        'Maintainer: GNU Libc Maintainers <debian-glibc@lists.debian.org>',
        'Architecture: amd64',
        'Source: glibc',
        'Version: 1:2.36-9+deb12u4',
        'Conffiles:',
        ' /etc/ld.so.conf.d/x86_64-linux-gnu.conf d4e7a7b88a71b5ffd9e2644e71a0cfab',
        'Description: GNU C Library: Shared libraries',
        ' Contains the standard libraries that are used by nearly all programs.',
        ' .',
        ' Package: not-a-field',
        '',
        'Package: bsdutils',
        'Status: install ok installed',
        'source: util-linux (2.38.1-5)',
        'Version: 1:2.38.1-5+b1',
        '',
      ].join('\n'),
    );
    expect(gaps).toEqual([]);
    expect(packages).toEqual([
      {
        type: 'deb',
        name: 'libc6',
        version: '1:2.36-9+deb12u4',
        source: { name: 'glibc', version: '1:2.36-9+deb12u4' },
        architecture: 'amd64',
        maintainer: 'GNU Libc Maintainers <debian-glibc@lists.debian.org>',
      },
      { type: 'deb', name: 'bsdutils', version: '1:2.38.1-5+b1', source: { name: 'util-linux', version: '2.38.1-5' } },
    ]);
  });

  it.each([
    ['install ok installed', true],
    ['hold ok installed', true],
    ['deinstall ok installed', true],
    ['install ok half-configured', true],
    ['install ok triggers-awaited', true],
    ['install ok triggers-pending', true],
    ['install reinstreq half-installed', true],
    ['install ok unpacked', true],
    ['deinstall ok config-files', false],
    ['purge ok not-installed', false],
    ['unknown ok not-installed', false],
  ])('takes a package in state "%s" for installed: %s', (status, installed) => {
    expect(read(stanza('tar', status)).packages.map(({ name }) => name)).toEqual(installed ? ['tar'] : []);
    expect(read(stanza('tar', status)).gaps).toEqual([]);
  });

  it('reads a distroless file without Status, and not its checksums', () => {
    const distroless = 'Package: tzdata\nVersion: 2024a-0+deb12u1\nArchitecture: all\n';
    expect(read(distroless, 'var/lib/dpkg/status.d/tzdata').packages).toHaveLength(1);
    expect(read('d41d8cd98f00b204e9800998ecf8427e  usr/share/x', 'var/lib/dpkg/status.d/tzdata.md5sums')).toEqual({
      packages: [],
      gaps: [],
    });
    expect(read(distroless, 'opt/rootfs/var/lib/dpkg/status').packages).toEqual([]);
  });

  it('takes CRLF and a byte order mark', () => {
    expect(read(`\uFEFF${stanza('tar', 'install ok installed').replaceAll('\n', '\r\n')}`).packages).toMatchObject([
      { name: 'tar', version: '1.0' },
    ]);
  });

  it('has nothing to say of an empty database', () => {
    expect(read('')).toEqual({ packages: [], gaps: [] });
    expect(read('\n\n')).toEqual({ packages: [], gaps: [] });
  });

  it.each([
    ['noise', 'this is no database'],
    ['a binary file', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 0, 1, 2, 3])],
    ['UTF-16', Buffer.from(stanza('tar', 'install ok installed'), 'utf16le')],
    ['a missing version', 'Package: tar\nStatus: install ok installed\n'],
    ['a NUL in a name', stanza('t\0ar', 'install ok installed')],
    [
      'a missing blank line',
      'Package: tar\nStatus: install ok installed\nVersion: 1.0\nPackage: gzip\nStatus: install ok installed\nVersion: 1.1\n',
    ],
    ['a name of a megabyte', stanza('a'.repeat(1_000_000), 'install ok installed')],
    ['a version with a space', 'Package: tar\nStatus: install ok installed\nVersion: 1.0 ##[error]\n'],
  ])('tells of a gap, and of no package, for %s', (_, content) => {
    const { packages, gaps } = read(content);
    expect(packages).toEqual([]);
    expect(gaps).toHaveLength(1);
    expect(gaps[0]?.length).toBeLessThan(500);
  });

  it('keeps the packages around a damaged entry', () => {
    const { packages, gaps } = read(
      `${stanza('tar', 'install ok installed')}Package: bad name\nVersion: 1\n\n${stanza('gzip', 'install ok installed')}`,
    );
    expect(packages.map(({ name }) => name)).toEqual(['tar', 'gzip']);
    expect(gaps).toEqual([expect.stringContaining('"bad name"')]);
  });

  it('names the file that is too large', () => {
    const inspection = makeFileInspector(dpkgReader).inspect();
    inspection.tooLarge({ path, type: 'file', sizeBytes: 40_000_000, mode: 0o644, linkName: '' });
    expect(inspection.end()).toEqual([
      expect.objectContaining({ kind: 'gap', code: 'too-large', path, reason: expect.stringContaining('40000000') }),
    ]);
  });

  it('reads 50,000 lines of one field, and one line of 8 MB', () => {
    expect(read(stanza('tar', 'install ok installed', `Description: x\n${' y\n'.repeat(50_000)}`)).packages).toHaveLength(1);
    expect(read(stanza('tar', 'install ok installed', `Description: ${'x '.repeat(4_000_000)}\n`)).packages).toHaveLength(1);
  });

  it('has no crash on any cut or flipped bit', () => {
    const whole = Buffer.from(stanza('tar', 'install ok installed', 'Source: tar (1.0)\n') + stanza('gzip', 'install ok installed'));
    for (let end = 0; end < whole.length; end++) read(whole.subarray(0, end));
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const damaged = Buffer.from(whole);
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const { packages, gaps } = read(damaged);
      expect(packages.length + gaps.length).toBeGreaterThan(0);
    }
  });
});
