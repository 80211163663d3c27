import { expect, test } from 'vitest';
import { toAdvisory } from '../../src/advisory/advisory-record.ts';
import { toSubject } from '../../src/advisory/ecosystem.ts';
import { evaluateAdvisory } from '../../src/advisory/evaluation.ts';
import { seededRandom } from '../seeded-random.ts';
import { packageOf } from './packages.ts';

type Event = Readonly<Partial<Record<'introduced' | 'fixed' | 'last_affected' | 'limit', string>>>;
interface Entry {
  readonly package: { readonly ecosystem: string; readonly name: string };
  readonly ranges: readonly { readonly type: string; readonly events: readonly Event[] }[];
  readonly versions: readonly string[];
}

/** The pseudo-code of https://ossf.github.io/osv-schema/#evaluation, word by word, for versions that are whole numbers. */
function isVulnerable(version: string, affected: readonly Entry[]): boolean {
  return affected.some((entry) => entry.versions.includes(version) || isInRanges(version, entry.ranges));
}

function isInRanges(version: string, ranges: Entry['ranges']): boolean {
  return ranges.some(({ events }) => {
    if (!isBeforeLimits(version, events)) return false;
    let isIn = false;
    for (const { introduced, fixed, last_affected: last } of events.toSorted((a, b) => versionOf(a) - versionOf(b))) {
      if (introduced !== undefined && Number(version) >= Number(introduced)) isIn = true;
      if (fixed !== undefined && Number(version) >= Number(fixed)) isIn = false;
      if (last !== undefined && Number(version) > Number(last)) isIn = false;
    }
    return isIn;
  });
}

function isBeforeLimits(version: string, events: readonly Event[]): boolean {
  const limits = events.flatMap(({ limit }) => limit ?? []);
  return limits.length === 0 || limits.some((limit) => limit === '*' || Number(version) < Number(limit));
}

function versionOf(event: Event): number {
  return Number(event.introduced ?? event.fixed ?? event.last_affected ?? Number.MAX_SAFE_INTEGER);
}

const last = 12;

test('5,000 made-up records say of every version what the algorithm of the OSV specification says', () => {
  const random = seededRandom(20261124);
  const below = (count: number): number => Math.floor(random() * count);
  const pick = <T>(list: readonly T[]): T => list[below(list.length)] as T;
  // One event for each version: what the specification leaves open where they meet is tested in evaluation.test.ts.
  const range = () => {
    const versions = Array.from({ length: last }, (_, index) => index).filter(() => below(4) === 0);
    const events = versions.map((version): Event => {
      const kind = version === 0 ? 'introduced' : pick(['introduced', 'introduced', 'fixed', 'fixed', 'last_affected'] as const);
      return { [kind]: `${version}` };
    });
    const limits = below(6) === 0 ? [{ limit: pick(['*', `${below(last)}`]) }] : [];
    return { type: pick(['SEMVER', 'ECOSYSTEM']), events: [...events, ...limits].toSorted(() => random() - 0.5) };
  };
  const entry = (): Entry => ({
    package: { ecosystem: pick(['npm', 'npm', 'PyPI']), name: pick(['p', 'p', 'q']) },
    ranges: Array.from({ length: below(3) }, range),
    versions: Array.from({ length: below(3) }, () => `${below(last)}`),
  });
  const seen = { affected: 0, unaffected: 0, fixed: 0 };
  for (let count = 0; count < 5_000; count += 1) {
    const affected = Array.from({ length: 1 + below(3) }, entry);
    const advisory = toAdvisory({ id: 'X-1', affected });
    if (advisory === undefined) throw new Error('no record');
    const named = affected.filter(({ package: { ecosystem, name } }) => ecosystem === 'npm' && name === 'p');
    for (let version = 0; version < last; version += 1) {
      const subject = toSubject(packageOf('npm', 'p', `${version}`));
      if (subject === undefined) throw new Error('no subject');
      const evaluation = evaluateAdvisory(advisory, subject);
      const expected = isVulnerable(`${version}`, named) ? 'affected' : 'unaffected';
      if (evaluation.kind !== expected) expect.fail(`${version} is ${evaluation.kind}, not ${expected}: ${JSON.stringify(named)}`);
      seen[expected] += 1;
      if (evaluation.kind !== 'affected' || evaluation.fixedVersion === undefined) continue;
      // Whatever is named as fixed is above the package's version, and the record calls it fixed and not affected.
      const { fixedVersion } = evaluation;
      const isFix = named.some(({ ranges }) => ranges.some(({ events }) => events.some(({ fixed }) => fixed === fixedVersion)));
      expect([Number(fixedVersion) > version, isFix, isVulnerable(fixedVersion, named)]).toEqual([true, true, false]);
      seen.fixed += 1;
    }
  }
  for (const times of Object.values(seen)) expect(times).toBeGreaterThan(3_000);
});
