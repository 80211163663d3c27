import { describe, expect, test } from 'vitest';
import { alpineVersionOrder } from '../../src/advisory/alpine-version.ts';
import { debianVersionOrder } from '../../src/advisory/debian-version.ts';
import { goVersionOrder, toRecordedVersion } from '../../src/advisory/go-version.ts';
import { mavenVersionOrder } from '../../src/advisory/maven-version.ts';
import { npmVersionOrder } from '../../src/advisory/npm-version.ts';
import { nugetVersionOrder } from '../../src/advisory/nuget-version.ts';
import { packagistVersionOrder } from '../../src/advisory/packagist-version.ts';
import { pypiVersionOrder, toPublicVersion } from '../../src/advisory/pypi-version.ts';
import { rubygemsVersionOrder } from '../../src/advisory/rubygems-version.ts';
import { semverVersionOrder } from '../../src/advisory/semver-version.ts';
import type { VersionOrder } from '../../src/advisory/version-order.ts';

// Each line is in ascending order; the answers are those of dpkg 1.22, apk-tools 3, packaging 26, node-semver 7, go/version, Maven 3.9, RubyGems 3.3,
// NuGet 5.8 and composer/semver 3.3.
const ascending: readonly (readonly [name: string, order: VersionOrder, versions: string])[] = [
  ['Debian', debianVersionOrder, '1.0~~ 1.0~~a 1.0~ 1.0-0~1 1.0 1.0-1 1.0-1+b1 1.0-1+deb12u1 1.0a 1.0+dfsg 1.0.1 1.9 1.10 1:0.1 2:0'],
  ['Debian', debianVersionOrder, '3.0.9-1 3.0.11-1~deb12u1 3.0.11-1~deb12u2 3.0.11-1 99999999999999999998 99999999999999999999'],
  [
    'Alpine',
    alpineVersionOrder,
    '1.0_alpha 1.0_alpha1 1.0_beta 1.0_pre 1.0_rc1 1.0 1.0-r1 1.0_cvs 1.0_git20200101 1.0_p 1.0_p1 1.0a 1.0b 1.0.0 1.1',
  ],
  ['Alpine', alpineVersionOrder, '0.01 0.02 0.1 0.9 0.10 1.1.1-r9 1.1.1-r10 1.1.1a-r0 1.2~ab12 1.2~ab13 1.3 10'],
  [
    'PyPI',
    pypiVersionOrder,
    '1.0.dev0 1.0a0.dev1 1.0a0 1.0a1.post0 1.0b2 1.0rc1 1.0 1.0+abc.1 1.0+1 1.0.post0.dev1 1.0.post0 1.0-1 1.1 1.10 1!0.1',
  ],
  ['Alpine', alpineVersionOrder, '8u372_p7-r0 8u392_p7-r0 8u392_p9-r1'],
  [
    'semver',
    semverVersionOrder,
    '0.0.0 0.0.1-0 0.0.1-9 0.0.1-10 0.0.1-- 0.0.1-A 0.0.1-a 0.0.1-a.1 v0.0.1 2021.01.30 99999999999999999999.0.0',
  ],
  [
    'Go',
    goVersionOrder,
    'v0.0.0-20200101000000-aaaaaaaaaaaa v0.0.0-20210101000000-000000000000 v1.2.3-0.20210101000000-aaaaaaaaaaaa 1.2.3',
  ],
  ['Go', goVersionOrder, 'go1.19.5 go1.20beta1 1.20rc1 1.20.0-rc.2 go1.20 go1.20.1 1.21.0-0 go1.21rc2 go1.21.0-corp go1.21.10 go2.0'],
  ['Maven', mavenVersionOrder, '1-alpha-1 1-b2 1-m3 1-rc 1-SNAPSHOT 1 1-sp 1-abc 1-jre7 1-1 1.0.1 1.1 1.10 2.0.0.RC1 2'],
  ['RubyGems', rubygemsVersionOrder, '0.9 1.0.a.2 1.0.b1 1.0-1 1.0.rc1 1.0 1.0.1 1.9 1.10'],
  ['NuGet', nugetVersionOrder, '1.0.0--5 1.0.0--4 1.0.0-9 1.0.0-10 1.0.0-ALPHA 1.0.0-alpha.1 1.0.0-beta 1.0 1.0.0.1 1.10'],
  ['Packagist', packagistVersionOrder, '1.0-dev 1.0-alpha 1.0-b2 1.0RC1 v1.0 1.0-p1 1.0.1 1.0.1.1 1.x-dev 2 2021.01 20210130'],
  ['npm', npmVersionOrder, '0.0.1 1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0 1.2 v1.10.0 2'],
];

const equal: readonly (readonly [name: string, order: VersionOrder, a: string, b: string])[] = [
  ['Debian', debianVersionOrder, '0:1.0-1', '1.0-1'],
  ['Debian', debianVersionOrder, '1.0-0', '1.0'],
  ['Debian', debianVersionOrder, '1.002', '1.2'],
  ['PyPI', pypiVersionOrder, '1.0', '1.0.0'],
  ['PyPI', pypiVersionOrder, 'v1.0-ALPHA_2', '1.0a2'],
  ['PyPI', pypiVersionOrder, '1.0.r3', '1.0.post3'],
  ['PyPI', pypiVersionOrder, '1.0c1', '1.0preview1'],
  ['semver', semverVersionOrder, '1.0', 'v1.0.0+build.5'],
  ['Go', goVersionOrder, 'v2.0.0+incompatible', '2.0.0'],
  ['Go', goVersionOrder, 'go1.21.3 X:boringcrypto', '1.21.3'],
  ['Maven', mavenVersionOrder, '1.0.0.Final', '1-ga'],
  ['Maven', mavenVersionOrder, '1-CR1', '1-rc1'],
  ['RubyGems', rubygemsVersionOrder, '1.0.0', '1'],
  ['RubyGems', rubygemsVersionOrder, '1.0-1', '1.0.pre.1'],
  ['NuGet', nugetVersionOrder, '1.0-Beta+x', '1.0.0.0-beta'],
  ['Packagist', packagistVersionOrder, 'v1.2-pl3+x', '1.2.0.0-patch3'],
  ['npm', npmVersionOrder, '1.2.3+build', '=v1.2.3'],
  ['npm', npmVersionOrder, '1.2.3beta', '1.2.3-beta'],
  ['npm', npmVersionOrder, '1.2-rc.1', '1.2.0-rc.1'],
];

const incomparable: readonly (readonly [name: string, order: VersionOrder, version: string])[] = [
  ['Debian', debianVersionOrder, ''],
  ['Debian', debianVersionOrder, 'a:1.0'],
  ['Debian', debianVersionOrder, '1.0-'],
  ['Debian', debianVersionOrder, '1.0 2'],
  ['Debian', debianVersionOrder, '4294967296:1.0'],
  ['Alpine', alpineVersionOrder, ''],
  ['Alpine', alpineVersionOrder, '1.0-1'],
  ['Alpine', alpineVersionOrder, '1.0bc'],
  ['Alpine', alpineVersionOrder, '1.0_foo'],
  ['Alpine', alpineVersionOrder, '1.0-r1-r2'],
  ['semver', semverVersionOrder, '1.2.3.4'],
  ['semver', semverVersionOrder, '1.2.3-'],
  ['Go', goVersionOrder, '(devel)'],
  ['Go', goVersionOrder, 'devel go1.22-abc'],
  ['Maven', mavenVersionOrder, '${revision}'],
  ['Maven', mavenVersionOrder, ''],
  ['RubyGems', rubygemsVersionOrder, 'a.1'],
  ['NuGet', nugetVersionOrder, '1.0.0.0.0'],
  ['NuGet', nugetVersionOrder, '1.0.2147483648'],
  ['Packagist', packagistVersionOrder, 'dev-main'],
  ['npm', npmVersionOrder, 'latest'],
  ['npm', npmVersionOrder, '1.2.3.4'],
  ['PyPI', pypiVersionOrder, '0.1-bulbasaur'],
  ['PyPI', pypiVersionOrder, '1.0+'],
];

describe('version orders', () => {
  test.each(ascending)('%s: the versions of a line ascend', (_name, order, line) => {
    const versions = line.split(' ');
    for (const [i, a] of versions.entries()) {
      for (const [j, b] of versions.entries()) {
        expect([a, b, Math.sign(order.compare(a, b) ?? Number.NaN)]).toEqual([a, b, Math.sign(i - j)]);
      }
    }
  });

  test.each(equal)('%s: equal versions in two spellings (case %#)', (_name, order, a, b) => {
    expect(order.compare(a, b)).toBe(0);
    expect(order.compare(b, a)).toBe(0);
  });

  test.each(incomparable)('%s: no version (case %#)', (_name, order, version) => {
    expect(order.isVersion(version)).toBe(false);
  });

  test('what apk finds invalid decides nothing, what stands before it does', () => {
    expect(alpineVersionOrder.compare('1.2.3-2', '1.2.4-r0')).toBeLessThan(0);
    expect(alpineVersionOrder.compare('1.2.3-2', '1.2.3-r0')).toBeUndefined();
  });

  test('what Composer refuses is a boundary all the same, but a branch is none', () => {
    expect(packagistVersionOrder.compare('8.x-1.3', '8.x-1.10')).toBeLessThan(0);
    expect(packagistVersionOrder.compare('1.0', 'dev-main')).toBeUndefined();
    expect(packagistVersionOrder.compare('dev-main', 'dev-main')).toBe(0);
  });

  test.each([`1${'-1'.repeat(255)}`, `1${'-a'.repeat(255)}`, `1${'1a'.repeat(255)}`])('deep Maven versions compare: %.10s', (text) => {
    for (let index = 0; index < 100; index += 1) expect(mavenVersionOrder.compare(text, `${text}2`)).not.toBe(0);
  });

  test('a legacy Python version as a boundary lies below all others', () => {
    expect(pypiVersionOrder.compare('0.1', '2019-09-12')).toBeGreaterThan(0);
    expect(pypiVersionOrder.compare('2019-09-12', '0.1.dev0')).toBeLessThan(0);
    expect(pypiVersionOrder.compare('0.1-bulbasaur', '0.1-charmander')).toBeUndefined();
  });

  test.each([
    ['v1.2.3', '1.2.3'],
    ['v0.0.0-20210101000000-aaaaaaaaaaaa', '0.0.0-20210101000000-aaaaaaaaaaaa'],
    ['2.0.0+incompatible', '2.0.0+incompatible'],
    ['1.21.3', '1.21.3'],
    ['1.21rc2', '1.21.0-rc.2'],
    ['go1.20', '1.20.0'],
    ['(devel)', '(devel)'],
    ['vendored', 'vendored'],
  ])('records have Go’s %s as %s', (version, recorded) => {
    expect(toRecordedVersion(version)).toBe(recorded);
  });

  test('the local label of a Python version can be taken off', () => {
    expect(toPublicVersion('2.0.1+cu118')).toBe('2.0.1');
    expect(toPublicVersion('2.0.1')).toBe('2.0.1');
  });

  test.each([
    ['Debian', debianVersionOrder, '1-'],
    ['Debian', debianVersionOrder, '~'],
    ['Alpine', alpineVersionOrder, '1_p'],
    ['Alpine', alpineVersionOrder, '1.1'],
    ['semver', semverVersionOrder, '1.0.0-a.'],
    ['Go', goVersionOrder, 'go1.'],
    ['Maven', mavenVersionOrder, '1-'],
    ['RubyGems', rubygemsVersionOrder, '1.a'],
    ['NuGet', nugetVersionOrder, '1-a.'],
    ['Packagist', packagistVersionOrder, '1.0-'],
    ['npm', npmVersionOrder, '1.0.0-a.'],
    ['npm', npmVersionOrder, 'v='],
    ['PyPI', pypiVersionOrder, '1.0-'],
    ['PyPI', pypiVersionOrder, '1+a.'],
  ] as const)('%s: a megabyte of a version is not compared', (_name, order, part) => {
    expect(order.isVersion(part.repeat(1_000_000))).toBe(false);
  });
});
