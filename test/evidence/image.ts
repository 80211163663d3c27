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
  ...(
    [
      ['golang', 'github.com/Masterminds/semver/v3', '3.2.1', 'pkg:golang/github.com/masterminds/semver/v3@3.2.1', 'Go', 'app/server'],
      ['golang', 'stdlib', '1.22.1', 'pkg:golang/stdlib@1.22.1', 'Go', 'app/server'],
      ['maven', 'org.slf4j:jul-to-slf4j', '1.7.30', 'pkg:maven/org.slf4j/jul-to-slf4j@1.7.30', 'Maven', 'app/app.jar'],
      ['gem', 'rails', '7.1.0', 'pkg:gem/rails@7.1.0', 'RubyGems', 'app/rails.gemspec'],
      [
        'composer',
        'symfony/http-kernel',
        '6.4.1',
        'pkg:composer/symfony/http-kernel@6.4.1',
        'Packagist',
        'app/vendor/composer/installed.json',
      ],
      ['cargo', 'serde', '1.0.197', 'pkg:cargo/serde@1.0.197', 'crates.io', 'app/agent'],
      ['nuget', 'Newtonsoft.Json', '13.0.1', 'pkg:nuget/Newtonsoft.Json@13.0.1', 'NuGet', 'app/app.deps.json'],
      ['conda', 'numpy', '1.26.4', 'pkg:conda/numpy@1.26.4', undefined, 'opt/conda/conda-meta/numpy-1.26.4-0.json'],
      ['generic', 'node', '20.11.1', 'pkg:generic/node@20.11.1', undefined, 'usr/local/bin/node'],
    ] as const
  ).map(([type, name, version, purl, ecosystem, path]): Package => {
    return { type, name, version, purl, ecosystem, path, layer: 1, ...(type === 'maven' ? { member: 'lib/jul.jar' } : {}) };
  }),
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

/** An image of a distribution that has rpm, whose epochs and source packages are written otherwise. */
export const rpmRequest: SbomRequest = {
  ...request,
  inventory: {
    operatingSystem: { id: 'rocky', versionId: '9.3', prettyName: 'Rocky Linux 9.3 (Blue Onyx)' },
    packages: [
      {
        type: 'rpm',
        name: 'openssl-libs',
        version: '1:3.0.7-24.el9',
        source: { name: 'openssl', version: '1:3.0.7-24.el9' },
        architecture: 'x86_64',
        maintainer: 'Rocky Enterprise Software Foundation',
        licence: 'ASL 2.0',
        purl: 'pkg:rpm/rocky/openssl-libs@3.0.7-24.el9?arch=x86_64&distro=rocky-9.3&epoch=1&upstream=openssl-3.0.7-24.el9.src.rpm',
        ecosystem: 'Rocky Linux:9',
        path: 'var/lib/rpm/rpmdb.sqlite',
        layer: 0,
      },
      {
        type: 'rpm',
        name: 'nodejs',
        version: '1:18.19.0-1.module+el9.3.0+1688+b0bc9c75',
        source: { name: 'nodejs', version: '1:18.19.0-1.module+el9.3.0+1688+b0bc9c75' },
        architecture: 'x86_64',
        module: 'nodejs:18:9030020240118:rhel9',
        licence: 'MIT and ASL 2.0',
        purl: 'pkg:rpm/rocky/nodejs@18.19.0-1.module%2Bel9.3.0%2B1688%2Bb0bc9c75?arch=x86_64&distro=rocky-9.3&epoch=1&upstream=nodejs-18.19.0-1.module%2Bel9.3.0%2B1688%2Bb0bc9c75.src.rpm',
        ecosystem: 'Rocky Linux:9',
        path: 'var/lib/rpm/rpmdb.sqlite',
        layer: 1,
      },
    ],
  },
};
