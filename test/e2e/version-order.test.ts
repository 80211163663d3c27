import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { alpineVersionOrder } from '../../src/advisory/alpine-version.ts';
import { debianVersionOrder } from '../../src/advisory/debian-version.ts';
import { goVersionOrder } from '../../src/advisory/go-version.ts';
import { mavenVersionOrder } from '../../src/advisory/maven-version.ts';
import { npmVersionOrder } from '../../src/advisory/npm-version.ts';
import { nugetVersionOrder } from '../../src/advisory/nuget-version.ts';
import { packagistVersionOrder } from '../../src/advisory/packagist-version.ts';
import { pypiVersionOrder } from '../../src/advisory/pypi-version.ts';
import { rpmVersionOrder } from '../../src/advisory/rpm-version.ts';
import { rubygemsVersionOrder } from '../../src/advisory/rubygems-version.ts';
import { semverVersionOrder } from '../../src/advisory/semver-version.ts';
import type { VersionOrder } from '../../src/advisory/version-order.ts';
import { readZip } from '../../src/advisory/zip.ts';
import { seededRandom } from '../seeded-random.ts';
import { shared } from './peers.ts';
import {
  type Answer,
  apk,
  cargo,
  composer,
  dpkg,
  golang,
  maven,
  nuget,
  type Oracle,
  type Pair,
  python,
  removeOracles,
  rpm,
  ruby,
  scalibrPairs,
  toolchain,
} from './version-oracles.ts';

afterAll(removeOracles);

interface Subject {
  readonly name: string;
  readonly order: VersionOrder;
  /** Whose answers count. */
  readonly oracle: Oracle;
  /** Archives of the shared database, and the ecosystems in them. */
  readonly ecosystems: readonly string[];
  /** What made-up versions begin with, and go on with: `|` parts them. */
  readonly starts: string;
  readonly parts: string;
  /** Files of osv-scalibr. */
  readonly fixtures?: string;
  /** Reads more than the program does. */
  readonly isLoose?: true;
  /** Pairs that the program is not to be asked about, with the reason beside it. */
  readonly isExempt?: (pair: Pair) => boolean;
}

const semverStarts = '1.2.3|1.2.4|1.2.0|0.0.0|10.2.3|1.10.3|1.0|1|01.2.3';
const semverParts = '-|-alpha|-0|-1|-9|-10|-a.b|-1.a|.1|.0|.9|.10|.a|.A|a|B|-rc.1|-0.20210101120000-abcdefabcdef|+incompatible|+a.1|-01|.';

const subjects: readonly Subject[] = [
  {
    name: 'Debian versions, dpkg',
    order: debianVersionOrder,
    oracle: dpkg,
    ecosystems: ['Debian', 'Ubuntu'],
    // A version that begins with a hyphen is an option to dpkg.
    starts: '0|1|09|10|a|Z|.|+|~|~~|:|_|1:0|1.0-',
    parts: '0|1|09|10|a|Z|.|+|~|~~|-|:|_|deb12u1|+b1',
    fixtures: 'debian',
  },
  {
    name: 'Alpine versions, the libapk of an Alpine image',
    order: alpineVersionOrder,
    oracle: apk,
    ecosystems: ['Alpine', 'Alpaquita', 'BellSoft Hardened Containers'],
    starts: '1|0|10|1.2|1.10',
    parts: '.0|.1|.10|.2|a|b|_alpha|_beta2|_rc1|_pre|_p|_p1|_git20200101|_cvs|-r0|-r1|-r10',
    fixtures: 'alpine',
    // apk 2 finds nothing between a number that begins with 0 and what follows, and takes that for more (1.0_rc > 1.0); of such numbers it takes the
    // one with more zeros for less (8.0.0056 < 8.0.0). apk 3 does neither. And apk 2 orders what it calls invalid.
    isExempt: (pair) => pair.some((text) => /\.0[0-9]*_(?:alpha|beta|pre|rc)|\.00/.test(text) || !alpineVersionOrder.isVersion(text)),
  },
  {
    name: "versions of rpm, rpm's Lua",
    order: rpmVersionOrder,
    oracle: rpm,
    ecosystems: ['AlmaLinux', 'Red Hat', 'openSUSE'],
    starts: '1|0|10|1.2|09|a|Z|1:0|0:1|2:a|el9',
    parts: '.0|.1|09|10|a|Z|.|+|~|~~|^|^^|-|_|rc1|~rc1|^git2|-1|-1.el8|-1.el8_9.2|.module+el8.9.0+1+a|:',
    fixtures: 'redhat',
    // rpm orders an empty version as well.
    isExempt: (pair) => pair.some((text) => !rpmVersionOrder.isVersion(text)),
  },
  {
    name: "Python versions, Python's packaging",
    order: pypiVersionOrder,
    oracle: python,
    ecosystems: ['PyPI'],
    starts: '1|0|2!1|v1|01',
    parts: '.0|.1|.10|a|b1|rc2|c|-|_|.|post|.post1|-1|rev2|dev|.dev3|+|+ubuntu.1|+1.a|!|Alpha|preview4|v',
    fixtures: 'pypi',
  },
  {
    name: "Maven versions, Maven's ComparableVersion",
    order: mavenVersionOrder,
    oracle: maven,
    ecosystems: ['Maven'],
    starts: '1|1.0|0|2.0.0|01|r1|a|1.x',
    parts:
      '.0|.1|-1|-0|.01|.a|-a|a1|-b1|m2|-rc|-cr2|.Final|-GA|.RELEASE|-SNAPSHOT|-sp|sp1|-x|.x|x1|.|-|..|--|.jre8|-jre|_1|+1|20240101123456|99999999999999999999',
    fixtures: 'maven',
  },
  {
    name: "Ruby gems, Ruby's Gem::Version",
    order: rubygemsVersionOrder,
    oracle: ruby,
    ecosystems: ['RubyGems'],
    starts: '1|1.0|0|2.0.0|01|a|1.00',
    parts: '.0|.1|.00|.10|.a|.b1|a|b|-1|-a|-|.pre|.rc1|.A|.Z|.|--|_|.99999999999999999999',
    fixtures: 'rubygems',
  },
  {
    name: 'NuGet versions, the NuGet.Versioning of nuget.exe',
    order: nugetVersionOrder,
    oracle: nuget,
    ecosystems: ['NuGet'],
    starts: '1|1.0|1.0.0|1.0.0.0|01.2|2147483647|1.2147483648|2.10.3|v1',
    parts: '.0|.1|.10|-a|-A|-B|-alpha.1|.x|.X|-1|--1|-2147483648|.2147483648|-01|+a|+B.1|.|-|_|-rc.2',
    fixtures: 'nuget',
  },
  {
    name: 'Packagist versions, composer/semver',
    order: packagistVersionOrder,
    oracle: composer,
    ecosystems: ['Packagist'],
    starts: '1|1.0|v1.2|1.2.3|1.2.3.4|2021.01|20210130|2021-01-30|dev-|0|V2|100000',
    parts: '.0|.1|.10|-alpha|a1|-beta2|b|-RC3|rc|.rc.1|-patch1|pl2|p|-dev|.x-dev|.*|-stable|+build|.|-|_|x|-p1-2|@',
    fixtures: 'packagist',
  },
  {
    name: 'Go modules, x/mod/semver',
    order: goVersionOrder,
    oracle: golang,
    ecosystems: ['Go'],
    starts: semverStarts,
    parts: semverParts,
    isLoose: true,
  },
  {
    name: 'Go releases, go/version',
    order: goVersionOrder,
    oracle: toolchain,
    ecosystems: [],
    // From 1.21 on the first release has a patch number; a version without one is that of a language, which no binary has.
    starts: 'go1.9|go1.20|go1.20.1|go1.21.0|go1.21.1|go1.21.10|go1.4|go2.0.0|go1.22.0|go1.21rc2|go1.21rc10|go1.20beta1|go1.19rc1|go',
    parts: '-corp|-rc.1|.1',
    isExempt: (pair) => pair.some((text) => /^go1(?:$|[^.])/.test(text)),
    isLoose: true,
  },
  {
    name: 'crates, the crate semver',
    order: semverVersionOrder,
    oracle: cargo,
    ecosystems: ['crates.io'],
    starts: semverStarts,
    parts: semverParts,
    isLoose: true,
  },
  {
    name: 'versions of Bitnami and Swift, x/mod/semver',
    order: semverVersionOrder,
    oracle: golang,
    ecosystems: ['Bitnami', 'SwiftURL'],
    starts: semverStarts,
    parts: semverParts,
    fixtures: 'semver',
    isLoose: true,
  },
  {
    name: 'npm versions, x/mod/semver',
    order: npmVersionOrder,
    oracle: golang,
    ecosystems: ['npm'],
    starts: semverStarts,
    parts: semverParts,
    isLoose: true,
  },
];

describe.each(subjects)('$name', (subject) => {
  test.runIf(subject.ecosystems.length > 0)('every version of the OSV database beside its neighbour, and strangers', async () => {
    const pairs = await databasePairs(subject);
    expectAgreement(
      subject,
      pairs.filter((pair) => !subject.isExempt?.(pair)),
    );
  });

  test('made-up versions', () => {
    const pairs = randomPairs(6_000, subject.parts.split('|'), subject.starts.split('|'));
    expectAgreement(
      subject,
      pairs.filter((pair) => !subject.isExempt?.(pair)),
    );
  });

  test.runIf(subject.fixtures !== undefined)("osv-scalibr's pairs, but where the program itself says otherwise or refuses", () => {
    const pairs = scalibrPairs(subject.fixtures ?? '');
    const other = pairs
      .filter(([a, answer, b]) => toAnswer(subject.order.compare(a, b)) !== answer)
      .map(([a, , b]): Pair => [a, b])
      .filter((pair) => !subject.isExempt?.(pair));
    expectAgreement(subject, other, 0);
    expect(pairs.length).toBeGreaterThan(30);
    expect(other.length).toBeLessThan(pairs.length / 10);
  });
});

/** Where the program gives an order we give the same; where it refuses we may still read a loose form, but a refused package is none of our versions. */
function expectAgreement({ order, oracle, isLoose }: Subject, pairs: readonly Pair[], least = pairs.length / 20): void {
  if (pairs.length === 0) return;
  const answers = oracle(pairs);
  expect(answers).toHaveLength(pairs.length);
  const wrong = pairs.flatMap(([a, b], index) => {
    const ours = toAnswer(order.compare(a, b));
    const theirs = answers[index];
    if (theirs === '!') return isLoose !== true && order.isVersion(a) && order.isVersion(b) ? [`${a} ? ${b}: refused, ours ${ours}`] : [];
    return ours === theirs ? [] : [`${a} ${theirs} ${b}, ours ${ours}`];
  });
  expect(wrong).toEqual([]);
  expect(answers.filter((answer) => answer !== '!').length).toBeGreaterThanOrEqual(least);
}

function toAnswer(difference: number | undefined): Answer {
  return difference === undefined ? '!' : difference < 0 ? '<' : difference > 0 ? '>' : '=';
}

/** All versions that records name, each with the next in our own order, and as many strangers as make 5,000 pairs. */
async function databasePairs({ ecosystems, order }: Subject): Promise<Pair[]> {
  const found = new Set<string>();
  for (const ecosystem of ecosystems) {
    for await (const { bytes } of readZip(join(shared('testdata/osv'), ecosystem, 'all.zip'))) {
      for (const affected of JSON.parse(bytes.toString()).affected ?? []) {
        if (!ecosystems.includes(affected.package?.ecosystem?.split(':')[0])) continue;
        const ranges = (affected.ranges ?? []).filter((range: { type: string }) => range.type !== 'GIT');
        const events = ranges.flatMap((range: { events: object[] }) => range.events);
        for (const version of [...events.flatMap((event: object) => Object.values(event)), ...(affected.versions ?? [])])
          found.add(version);
      }
    }
  }
  const versions = [...found].filter((version) => /^[!-~]+$/.test(version) && version !== '0');
  const sorted = versions.sort((a, b) => order.compare(a, b) ?? 0);
  const neighbours = sorted.slice(1).map((version, index): Pair => [sorted[index] ?? version, version]);
  const random = seededRandom(20261123);
  const pick = (): string => sorted[Math.floor(random() * sorted.length)] ?? '1';
  return [...neighbours, ...Array.from({ length: Math.max(1_000, 5_000 - neighbours.length) }, (): Pair => [pick(), pick()])];
}

function randomPairs(count: number, parts: readonly string[], starts: readonly string[]): Pair[] {
  const random = seededRandom(7);
  const pick = (list: readonly string[]): string => list[Math.floor(random() * list.length)] ?? '';
  const text = () => pick(starts) + Array.from({ length: Math.floor(random() * 4) }, () => pick(parts)).join('');
  return Array.from({ length: count }, () => [text(), text()] as const);
}
