import type { SbomRequest } from '../../src/evidence/sbom.ts';
import type { Package } from '../../src/model/package.ts';

const digestOf = (digit: string) => `sha256:${digit.repeat(64)}` as const;

/** Packages of every kind, licences of every form, and text that a hostile image might hold. */
export const packages: readonly Package[] = [
  {
    type: 'deb',
    name: 'libssl3',
    version: '3.0.11-1~deb12u2',
    source: { name: 'openssl', version: '3.0.11-1~deb12u2' },
    architecture: 'amd64',
    maintainer: 'Debian OpenSSL Team <x@example.org>',
    purl: 'pkg:deb/debian/libssl3@3.0.11-1~deb12u2?arch=amd64&distro=debian-12&upstream=openssl',
    ecosystem: 'Debian:12',
    path: 'var/lib/dpkg/status',
    layer: 0,
    fromBase: true,
  },
  {
    type: 'apk',
    name: 'musl',
    version: '1.2.4-r2',
    licence: 'MIT',
    architecture: 'x86_64',
    purl: 'pkg:apk/alpine/musl@1.2.4-r2?arch=x86_64&distro=alpine-3.19.0',
    ecosystem: 'Alpine:v3.19',
    path: 'lib/apk/db/installed',
    layer: 0,
  },
  {
    type: 'npm',
    name: '@babel/core',
    version: '7.23.0',
    licence: '(MIT OR Apache-2.0)',
    purl: 'pkg:npm/%40babel/core@7.23.0',
    ecosystem: 'npm',
    path: 'app/node_modules/@babel/core/package.json',
    otherPaths: ['srv/node_modules/@babel/core/package.json'],
    layer: 1,
  },
  {
    type: 'npm',
    name: 'left-pad',
    version: '1.0.0',
    licence: 'SEE LICENSE IN LICENSE',
    purl: 'pkg:npm/left-pad@1.0.0',
    ecosystem: 'npm',
    path: 'a/node_modules/left-pad/package.json',
    layer: 1,
  },
  {
    type: 'npm',
    name: 'left-pad',
    version: '1.0.0',
    licence: 'WTFPL',
    purl: 'pkg:npm/left-pad@1.0.0',
    ecosystem: 'npm',
    path: 'b/node_modules/left-pad/package.json',
    layer: 1,
  },
  {
    type: 'pypi',
    name: 'requests',
    version: '2.31.0',
    licence: 'Apache 2.0',
    purl: 'pkg:pypi/requests@2.31.0',
    ecosystem: 'PyPI',
    path: 'usr/lib/python3/dist-packages/requests-2.31.0.dist-info/METADATA',
    layer: 1,
  },
  {
    type: 'npm',
    name: 'evil\ud800\r\n::add-mask::',
    version: `1.${'0'.repeat(2000)}`,
    licence: '\u0000',
    purl: 'pkg:npm/evil@1',
    ecosystem: undefined,
    path: 'x"\\\ud83d',
    layer: 7,
  },
];

export const request: SbomRequest = {
  subject: {
    name: 'shop:ci',
    repository: 'registry.example:5000/Team/shop',
    tag: '1.2',
    digest: digestOf('a'),
    platform: { os: 'linux', architecture: 'arm64', variant: 'v8' },
    layers: [
      { digest: digestOf('b'), diffId: digestOf('c') },
      { digest: digestOf('d'), diffId: digestOf('e') },
    ],
  },
  inventory: { operatingSystem: { id: 'debian', versionId: '12', prettyName: 'Debian GNU/Linux 12 (bookworm)' }, packages },
  version: '0.1.0',
  timestamp: new Date('2026-06-01T12:00:00Z'),
};
