import { describe, expect, it } from 'vitest';
import { makeFileInspector } from '../../../src/inspect/inventory/file-inspector.ts';
import { osReleaseReader } from '../../../src/inspect/inventory/os-release.ts';
import { toEcosystem, toRelease } from '../../../src/inspect/inventory/release.ts';
import type { PackageType } from '../../../src/model/package.ts';
import { inspectFiles } from '../inspect-files.ts';

function read(path: string, text: string) {
  return inspectFiles([makeFileInspector(osReleaseReader)], { [path]: text });
}

describe('os-release', () => {
  it('reads assignments with every quoting, comments and CRLF', () => {
    const text =
      '\uFEFF# comment\r\nID=debian\r\nVERSION_ID="12"\nPRETTY_NAME="A \\"quoted\\" \\$name"\nNAME=\'single $quoted\'\nbad line\n__proto__=x\n';
    expect(read('etc/os-release', text)).toEqual([
      {
        kind: 'os-release',
        path: 'etc/os-release',
        fields: { ID: 'debian', VERSION_ID: '12', PRETTY_NAME: 'A "quoted" $name', NAME: 'single $quoted' },
      },
    ]);
  });

  it('reads what stands in for it, as far as that is right', () => {
    expect(read('etc/alpine-release', '3.19.1\n')).toMatchObject([{ fields: { ID: 'alpine', VERSION_ID: '3.19.1' } }]);
    expect(read('etc/debian_version', '11.9\n')).toMatchObject([{ fields: { ID: 'debian', VERSION_ID: '11' } }]);
    expect(read('etc/debian_version', 'bookworm/sid\n')).toEqual([]);
  });

  it('tells of a gap where a file has no assignment', () => {
    expect(read('usr/lib/os-release', '\0\0\0')).toEqual([expect.objectContaining({ kind: 'gap', code: 'damaged' })]);
  });
});

describe('OSV ecosystem of a release', () => {
  it.each<[PackageType, Record<string, string>, string | undefined]>([
    ['deb', { ID: 'debian', VERSION_ID: '12' }, 'Debian:12'],
    ['deb', { ID: 'debian', VERSION_ID: '7.11' }, 'Debian:7'],
    ['deb', { ID: 'debian', VERSION_ID: '6.0' }, 'Debian:6.0'],
    ['deb', { ID: 'debian', VERSION_CODENAME: 'forky', PRETTY_NAME: 'Debian GNU/Linux forky/sid' }, 'Debian:14'],
    ['deb', { ID: 'debian' }, undefined],
    ['deb', { ID: 'ubuntu', VERSION_ID: '22.04' }, 'Ubuntu:22.04:LTS'],
    ['deb', { ID: 'ubuntu', VERSION_ID: '23.10' }, 'Ubuntu:23.10'],
    ['deb', { ID: 'ubuntu', VERSION_ID: '25.04' }, 'Ubuntu:25.04'],
    ['deb', { ID: 'raspbian', ID_LIKE: 'debian', VERSION_ID: '12' }, undefined],
    ['deb', { ID: 'alpine', VERSION_ID: '3.19.1' }, undefined],
    ['apk', { ID: 'alpine', VERSION_ID: '3.19.1' }, 'Alpine:v3.19'],
    ['apk', { ID: 'alpine', VERSION_ID: '3.21.0_alpha20240807' }, 'Alpine:v3.21'],
    ['apk', { ID: 'alpine' }, undefined],
    ['apk', { ID: 'wolfi', VERSION_ID: '20230201' }, 'Wolfi'],
    ['apk', { ID: 'chainguard', VERSION_ID: '20230214' }, 'Chainguard'],
    ['apk', { ID: 'alpaquita', VERSION_ID: '23' }, 'Alpaquita:23'],
    ['apk', { ID: 'postmarketos', VERSION_ID: 'v23.12' }, undefined],
    ['npm', {}, 'npm'],
    ['pypi', {}, 'PyPI'],
  ])('%s of %j is %s', (type, fields, expected) => {
    expect(toEcosystem(type, toRelease(fields))).toBe(expected);
  });

  it('is not taken from a prototype', () => {
    expect(toRelease(JSON.parse('{"__proto__": {"ID": "debian"}}')).id).toBe('linux');
  });
});
