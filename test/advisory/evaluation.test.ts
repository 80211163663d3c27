import { describe, expect, test } from 'vitest';
import { toAdvisory } from '../../src/advisory/advisory-record.ts';
import { isSameEcosystem, toSubject } from '../../src/advisory/ecosystem.ts';
import { evaluateAdvisory, matchFixedVersion } from '../../src/advisory/evaluation.ts';
import type { Package } from '../../src/model/package.ts';
import { packageOf } from './packages.ts';

/** `introduced 0, fixed 1.2` as the events of a range. */
function events(text: string): object[] {
  return text.split(', ').map((event) => Object.fromEntries([event.split(' ')]));
}

function record(affected: readonly object[]) {
  const advisory = toAdvisory({ id: 'X-1', affected });
  if (advisory === undefined) throw new Error('no record');
  return advisory;
}

function evaluate(affected: readonly object[], item: Package) {
  const subject = toSubject(item);
  if (subject === undefined) throw new Error('no subject');
  return evaluateAdvisory(record(affected), subject);
}

function inRange(text: string, version: string, ecosystem = 'npm') {
  return evaluate(
    [{ package: { ecosystem, name: 'p' }, ranges: [{ type: 'ECOSYSTEM', events: events(text) }] }],
    packageOf(ecosystem, 'p', version),
  );
}

describe('ranges', () => {
  test.each([
    ['introduced 0', '0.0.1', 'affected', undefined],
    ['introduced 0, fixed 1.2.0', '1.1.9', 'affected', '1.2.0'],
    ['introduced 0, fixed 1.2.0', '1.2.0', 'unaffected', undefined],
    ['introduced 0, fixed 1.2.0', '1.2.0-rc.1', 'affected', '1.2.0'],
    ['introduced 1.0.0, fixed 1.2.0', '0.9.0', 'unaffected', undefined],
    ['introduced 1.0.0, fixed 1.2.0', '1.0.0', 'affected', '1.2.0'],
    ['introduced 0, last_affected 1.2.0', '1.2.0', 'affected', undefined],
    ['introduced 0, last_affected 1.2.0', '1.2.1', 'unaffected', undefined],
    ['introduced 1.2.0, last_affected 1.2.0', '1.2.0', 'affected', undefined],
    ['introduced 1.2.0, last_affected 1.2.0', '1.2.1', 'unaffected', undefined],
    // The order in the record says nothing.
    ['fixed 2.3.0, introduced 2.0.0, fixed 1.5.0, introduced 0', '1.4.0', 'affected', '1.5.0'],
    ['fixed 2.3.0, introduced 2.0.0, fixed 1.5.0, introduced 0', '1.6.0', 'unaffected', undefined],
    ['fixed 2.3.0, introduced 2.0.0, fixed 1.5.0, introduced 0', '2.0.0', 'affected', '2.3.0'],
    // Ranges that meet, as PYSEC-2022-42972 has them, and an empty one.
    ['introduced 2.0.0, fixed 3.0.0, introduced 1.0.0, fixed 2.0.0', '2.0.0', 'affected', '3.0.0'],
    ['introduced 2.0.0, fixed 3.0.0, introduced 1.0.0, fixed 2.0.0', '1.5.0', 'affected', '3.0.0'],
    ['introduced 2.0.0, fixed 2.0.0', '2.0.0', 'unaffected', undefined],
    ['introduced 0, limit 2.0.0', '1.9.0', 'affected', undefined],
    ['introduced 0, limit 2.0.0', '2.0.0', 'unaffected', undefined],
    ['introduced 0, limit 1.0.0, limit 3.0.0', '2.0.0', 'affected', undefined],
    ['introduced 0, limit *', '9.0.0', 'affected', undefined],
    ['introduced 0, limit what', '9.0.0', 'unknown', undefined],
  ])('%s: %s is %s, fixed in %s', (text, version, kind, fixedVersion) => {
    expect(inRange(text, version)).toEqual(kind === 'affected' ? { kind, fixedVersion } : { kind });
  });

  test.each([
    ['introduced 0, fixed 1.2.3-r1', '1.2.3-1', 'Alpine:v3.20'],
    ['introduced 0, fixed 1.2.3-x', '1.2.3-r0', 'Alpine:v3.20'],
    ['introduced 0, fixed 2.0', '0.1-bulbasaur', 'PyPI'],
    ['introduced 0, fixed 2.0.0', 'latest', 'npm'],
    ['introduced 0', '', 'npm'],
  ])('%s and version "%s" of %s cannot be compared, which is not "unaffected"', (text, version, ecosystem) => {
    expect(inRange(text, version, ecosystem)).toEqual({ kind: 'unknown' });
  });

  test.each([
    ['introduced 2.0, fixed 2.2.12', '2.0.0-alpha1', 'affected'],
    ['introduced 2.0, fixed 2.2.12', '2.0.x-dev', 'affected'],
    ['introduced 2.0, fixed 2.2.12', '1.10.26', 'unaffected'],
    ['introduced 2.0-beta1, fixed 2.2.12', '2.0.0-alpha1', 'unaffected'],
    ['introduced 1.0, fixed 2.0, introduced 2.0, fixed 2.2', '2.0.0', 'affected'],
    ['introduced 1.0, fixed 1.5, introduced 2.0, fixed 2.2', '2.0.0-RC1', 'affected'],
    ['introduced 7.0.0, fixed 7.65.0', '7.65', 'unaffected'],
  ])('Composer: %s and %s: %s', (text, version, kind) => {
    expect(inRange(text, version, 'Packagist').kind).toBe(kind);
  });

  test.each([
    ['2.0.1+cu118', 'unaffected'],
    ['2.0.0+cu118', 'affected'],
  ])('a local build of a Python version is that version: %s', (version, kind) => {
    expect(inRange('introduced 0, fixed 2.0.1', version, 'PyPI').kind).toBe(kind);
    expect(inRange('introduced 0, last_affected 2.0.0', version, 'PyPI').kind).toBe(kind);
  });
});

describe('entries', () => {
  const pypi = { ecosystem: 'PyPI', name: 'p' };

  test('listed versions count without ranges, in any spelling', () => {
    const affected = [{ package: pypi, versions: ['1.0', '1.1-final'] }];
    for (const version of ['1.0', '1.0.0', '1.0+local', '1.1-final'])
      expect(evaluate(affected, packageOf('PyPI', 'p', version)).kind).toBe('affected');
    for (const version of ['1.1', '1.0.1', '1.0rc1']) expect(evaluate(affected, packageOf('PyPI', 'p', version)).kind).toBe('unaffected');
  });

  test('a commit range before the range of versions hides nothing', () => {
    const git = { type: 'GIT', repo: 'https://github.com/x/y', events: events('introduced 0, fixed ffff') };
    const affected = [
      { package: pypi, ranges: [git, { type: 'ECOSYSTEM', events: events('introduced 0, fixed 2.0') }], versions: ['1.0'] },
    ];
    expect(evaluate(affected, packageOf('PyPI', 'p', '1.5'))).toEqual({ kind: 'affected', fixedVersion: '2.0' });
  });

  test('commits alone cannot be answered', () => {
    const git = { type: 'GIT', events: events('introduced 0, fixed ffff') };
    expect(evaluate([{ package: pypi, ranges: [git] }], packageOf('PyPI', 'p', '1.5')).kind).toBe('unknown');
    expect(evaluate([{ package: pypi, ranges: [git], versions: ['1.0'] }], packageOf('PyPI', 'p', '1.5')).kind).toBe('unaffected');
  });

  test('the fixed version is one that no other entry calls affected', () => {
    const affected = ['1.2.0', '1.5.0'].map((fixed) => ({
      package: { ecosystem: 'npm', name: 'p' },
      ranges: [{ type: 'SEMVER', events: events(`introduced 0, fixed ${fixed}`) }],
    }));
    expect(evaluate(affected, packageOf('npm', 'p', '1.0.0'))).toEqual({ kind: 'affected', fixedVersion: '1.5.0' });
  });

  test('only entries of the package and its ecosystem count', () => {
    const affected = [
      { package: { ecosystem: 'RubyGems', name: 'p' }, versions: ['1.0.0'] },
      { package: { ecosystem: 'npm', name: 'P' }, versions: ['1.0.0'] },
      { versions: ['1.0.0'] },
    ];
    expect(evaluate(affected, packageOf('npm', 'p', '1.0.0')).kind).toBe('unaffected');
  });

  test.each(['Zope.Interface', 'zope_interface', 'zope---interface'])('Python names are normalised: %s', (name) => {
    expect(evaluate([{ package: { ecosystem: 'PyPI', name }, versions: ['1.0'] }], packageOf('PyPI', 'zope-interface', '1.0')).kind).toBe(
      'affected',
    );
  });

  test.each([
    ['NuGet', 'Newtonsoft.Json', 'newtonsoft.json', 'affected'],
    ['Packagist', 'TYPO3/cms', 'typo3/cms', 'affected'],
    ['Go', 'github.com/Masterminds/goutils', 'github.com/masterminds/goutils', 'unaffected'],
    ['Maven', 'org.x:Y', 'org.x:y', 'unaffected'],
    ['RubyGems', 'RedCloth', 'redcloth', 'unaffected'],
  ])('names of %s: a record of %s and a package %s: %s', (ecosystem, recorded, name, kind) => {
    const affected = [{ package: { ecosystem, name: recorded }, versions: ['1.0.0'] }];
    expect(evaluate(affected, packageOf(ecosystem, name, '1.0.0')).kind).toBe(kind);
    expect(toSubject(packageOf(ecosystem, recorded, '1.0.0'))?.name).toBe(recorded);
  });

  test('ranges of semantic versions in another ecosystem are held against by its own order', () => {
    const range = { type: 'SEMVER', events: events('introduced 1.0.0-beta, fixed 1.0.0.2') };
    const state = (version: string) =>
      evaluate([{ package: { ecosystem: 'NuGet', name: 'p' }, ranges: [range] }], packageOf('NuGet', 'p', version));
    expect([state('1.0.0-alpha').kind, state('1.0').kind, state('1.0.0.1').kind, state('1.0.0.2').kind]).toEqual([
      'unaffected',
      'affected',
      'affected',
      'unaffected',
    ]);
  });

  test('what was withdrawn says nothing any more', () => {
    const subject = toSubject(packageOf('npm', 'p', '1.0.0'));
    const json = {
      id: 'X-1',
      withdrawn: '2024-01-01T00:00:00Z',
      affected: [{ package: { ecosystem: 'npm', name: 'p' }, versions: ['1.0.0'] }],
    };
    const advisory = toAdvisory(json);
    if (advisory === undefined || subject === undefined) throw new Error('no record');
    expect(evaluateAdvisory(advisory, subject).kind).toBe('unaffected');
  });

  test('a fix that only subscribers of Ubuntu Pro get is none for everyone', () => {
    const fixed = (ecosystem: string, version: string) => ({
      package: { ecosystem, name: 'p' },
      ranges: [{ type: 'ECOSYSTEM', events: events(`introduced 0, fixed ${version}`) }],
    });
    const item = packageOf('Ubuntu:22.04:LTS', 'p', '1.0-1');
    expect(evaluate([fixed('Ubuntu:Pro:22.04:LTS', '1.0-1esm1')], item)).toEqual({ kind: 'affected', fixedVersion: undefined });
    expect(evaluate([fixed('Ubuntu:Pro:22.04:LTS', '1.0-1esm1'), fixed('Ubuntu:22.04:LTS', '1.0-2')], item)).toEqual({
      kind: 'affected',
      fixedVersion: '1.0-2',
    });
  });

  test('a distribution is asked by source package and source version', () => {
    const item = packageOf('Debian:12', 'libc6', '2.36-9+b1', { source: { name: 'glibc', version: '2.36-9' } });
    const affected = [
      {
        package: { ecosystem: 'Debian:12', name: 'glibc' },
        ranges: [{ type: 'ECOSYSTEM', events: events('introduced 0, fixed 2.36-9+a') }],
      },
    ];
    expect(evaluate(affected, item)).toEqual({ kind: 'affected', fixedVersion: '2.36-9+a' });
  });

  test('where a service has matched, the fixed version is worked out all the same', () => {
    const subject = toSubject(packageOf('npm', 'p', '3.0.0'));
    if (subject === undefined) throw new Error('no subject');
    const affected = [
      {
        package: { ecosystem: 'npm', name: 'p' },
        ranges: [{ type: 'SEMVER', events: events('introduced 0, fixed 2.0.0, introduced 4.0.0, fixed 4.1.0') }],
      },
    ];
    expect(matchFixedVersion(record(affected), subject)).toBe('4.1.0');
  });
});

test.each([
  ['Debian:12', 'Debian:12', true],
  ['Debian', 'Debian:12', true],
  ['Debian:11', 'Debian:12', false],
  ['Debian:1', 'Debian:12', false],
  ['Alpine:v3.18', 'Alpine:v3.18', true],
  ['Alpine:v3.1', 'Alpine:v3.18', false],
  ['Ubuntu:22.04:LTS', 'Ubuntu:22.04', true],
  ['Ubuntu:22.04', 'Ubuntu:22.04:LTS', true],
  ['Ubuntu:Pro:22.04:LTS', 'Ubuntu:22.04:LTS', true],
  ['Ubuntu:Pro:20.04:LTS', 'Ubuntu:22.04:LTS', false],
  ['Ubuntu:Pro:FIPS-updates:22.04:LTS', 'Ubuntu:22.04:LTS', false],
  ['Packagist:https://packages.drupal.org/8', 'Packagist', true],
  ['npm', 'npm', true],
  ['PyPI', 'npm', false],
  ['DebianX', 'Debian:12', false],
])('a record of %s speaks of %s: %s', (recorded, ecosystem, expected) => {
  expect(isSameEcosystem(recorded, ecosystem)).toBe(expected);
});

test('ecosystems without a version order, also by the names of object members, have no subject', () => {
  for (const ecosystem of [undefined, 'Bioconductor:3', 'constructor', '__proto__', '../npm', ''])
    expect(toSubject(packageOf(ecosystem, 'p', '1'))).toBeUndefined();
});
