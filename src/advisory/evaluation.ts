import type { Advisory, Affected, AffectedRange } from '../model/advisory.ts';
import { canonicalName, isForSubscribers, isSameEcosystem, type Subject } from './ecosystem.ts';
import { packagistVersionOrder, toEarliestVersion } from './packagist-version.ts';
import { pypiVersionOrder, toPublicVersion } from './pypi-version.ts';
import { isSameModule } from './rpm-module.ts';

/** What a record says of a package. `unknown`: it names the package, but its version cannot be held against the record's. */
export type Evaluation =
  | { readonly kind: 'affected'; readonly fixedVersion: string | undefined }
  | { readonly kind: 'unaffected' }
  | { readonly kind: 'unknown' };

/**
 * https://ossf.github.io/osv-schema/#evaluation, with three answers instead of two. `fixedVersion` is the lowest version above the package's
 * that the record calls fixed and does not call affected elsewhere. A record that was withdrawn says nothing any more.
 */
export function evaluateAdvisory(advisory: Advisory, subject: Subject): Evaluation {
  if (advisory.withdrawn !== undefined) return { kind: 'unaffected' };
  const named = (advisory.affected ?? []).filter((affected) => isNamed(affected, subject) && isSameModule(advisory, affected, subject));
  const states = named.map((affected) => evaluateAffected(affected, subject));
  if (states.includes('affected')) {
    const matching = named.filter((_, index) => states[index] === 'affected');
    return { kind: 'affected', fixedVersion: fixedVersion(matching, named, subject) };
  }
  return { kind: states.includes('unknown') ? 'unknown' : 'unaffected' };
}

/** The version that an affected package must at least be brought to; undefined where the record knows none. */
export function matchFixedVersion(advisory: Advisory, subject: Subject): string | undefined {
  const named = (advisory.affected ?? []).filter((affected) => isNamed(affected, subject) && isSameModule(advisory, affected, subject));
  return fixedVersion(named, named, subject);
}

type State = Evaluation['kind'];

function isNamed(affected: Affected, subject: Subject): boolean {
  const named = affected.package;
  return (
    named !== undefined &&
    isSameEcosystem(named.ecosystem, subject.ecosystem) &&
    canonicalName(subject.base, named.name) === canonicalName(subject.base, subject.name)
  );
}

function evaluateAffected(affected: Affected, subject: Subject): State {
  const ranges = affected.ranges ?? [];
  const versions = affected.versions ?? [];
  if (versions.some((version) => isListed(version, subject))) {
    return 'affected';
  }
  const evaluable = ranges.filter((range) => range.type !== 'GIT');
  // A commit graph is not at hand: without a list of versions, such a record cannot be answered.
  if (evaluable.length === 0) {
    return ranges.length > 0 && versions.length === 0 ? 'unknown' : 'unaffected';
  }
  const states = evaluable.map((range) => evaluateRange(range, subject));
  return states.includes('affected') ? 'affected' : states.includes('unknown') ? 'unknown' : 'unaffected';
}

/** Listed as it stands, or in another spelling of the same version (`1.0` and `1.0.0` in Python). */
export function isListed(version: string, subject: Subject): boolean {
  return version === subject.version || (subject.order.isVersion(version) && compareTo(subject, version) === 0);
}

/** The package's version against a version of a record: a local label counts only where the record has one too (PEP 440, version specifiers). */
function compareTo(subject: Subject, boundary: string): number | undefined {
  const isPublic = subject.order === pypiVersionOrder && !boundary.includes('+');
  return subject.order.compare(isPublic ? toPublicVersion(subject.version) : subject.version, boundary);
}

type EventKind = 'introduced' | 'fixed' | 'last_affected' | 'limit';

interface Boundary {
  readonly version: string;
  readonly kind: EventKind;
}

const eventKinds: readonly EventKind[] = ['introduced', 'fixed', 'last_affected', 'limit'];

function evaluateRange(range: AffectedRange, subject: Subject): State {
  if (!subject.order.isVersion(subject.version)) {
    return 'unknown';
  }
  const boundaries = toBoundaries(range);
  const limits = boundaries.filter(({ kind }) => kind === 'limit');
  const sorted = sortBoundaries(
    boundaries.filter(({ kind }) => kind !== 'limit'),
    subject,
  );
  if (sorted === undefined) {
    return 'unknown';
  }
  const state = walk(sorted, subject);
  return state === 'affected' && limits.length > 0 ? beforeLimits(limits, subject) : state;
}

function toBoundaries(range: AffectedRange): Boundary[] {
  return range.events.flatMap((event) =>
    eventKinds.flatMap((kind) => {
      const version = event[kind];
      return version === undefined ? [] : [{ version, kind }];
    }),
  );
}

/** Boundaries of the same version together, ascending: the order in the record is not to be relied on. Undefined where two cannot be compared. */
function sortBoundaries(boundaries: readonly Boundary[], subject: Subject): Boundary[][] | undefined {
  let isComparable = true;
  const order = (a: Boundary, b: Boundary): number => {
    const difference = isStart(a) || isStart(b) ? Number(isStart(b)) - Number(isStart(a)) : subject.order.compare(a.version, b.version);
    isComparable &&= difference !== undefined;
    return difference ?? 0;
  };
  const groups: Boundary[][] = [];
  for (const boundary of [...boundaries].sort(order)) {
    const last = groups.at(-1);
    const first = last?.[0];
    if (last !== undefined && first !== undefined && order(first, boundary) === 0) {
      last.push(boundary);
    } else {
      groups.push([boundary]);
    }
  }
  return isComparable ? groups : undefined;
}

/** `introduced: "0"` is below all versions, also those of an ecosystem where "0" is none. */
function isStart({ kind, version }: Boundary): boolean {
  return kind === 'introduced' && version === '0';
}

/**
 * Where a flaw ends and begins at the same version, nothing changes there: `[1, 2)` and `[2, 3)` meet in 2, which records do contain, and
 * `[2, 2)` is empty.
 */
function walk(groups: readonly Boundary[][], subject: Subject): State {
  let isAffected = false;
  for (const group of groups) {
    const [first] = group;
    const difference = first === undefined ? undefined : isStart(first) ? 1 : compareTo(subject, first.version);
    if (difference === undefined) {
      return 'unknown';
    }
    const begins = group.some(({ kind }) => kind === 'introduced');
    if (difference < 0) {
      return isAffected || (begins && isPreReleaseOf(first?.version ?? '', subject)) ? 'affected' : 'unaffected';
    }
    const ends = group.some(({ kind }) => kind === 'fixed' || (kind === 'last_affected' && difference > 0));
    isAffected = begins === ends ? isAffected : begins;
  }
  return isAffected ? 'affected' : 'unaffected';
}

/** To Composer alone the pre-releases of the version that introduced a flaw have it too. */
function isPreReleaseOf(introduced: string, { order, version }: Subject): boolean {
  return order === packagistVersionOrder && (order.compare(version, toEarliestVersion(introduced)) ?? -1) >= 0;
}

function beforeLimits(limits: readonly Boundary[], subject: Subject): State {
  const differences = limits.map(({ version }) => (version === '*' ? -1 : compareTo(subject, version)));
  if (differences.some((difference) => difference !== undefined && difference < 0)) {
    return 'affected';
  }
  return differences.includes(undefined) ? 'unknown' : 'unaffected';
}

function fixedVersion(matching: readonly Affected[], named: readonly Affected[], subject: Subject): string | undefined {
  const above = matching
    .filter(({ package: named }) => isForSubscribers(subject.ecosystem) || !isForSubscribers(named?.ecosystem ?? ''))
    .flatMap((affected) => affected.ranges ?? [])
    .filter((range) => range.type !== 'GIT')
    .flatMap((range) => range.events.flatMap(({ fixed }) => fixed ?? []))
    .filter((fixed) => (compareTo(subject, fixed) ?? 0) < 0)
    .sort((a, b) => subject.order.compare(a, b) ?? 0);
  return above.find((version) => named.every((affected) => evaluateAffected(affected, { ...subject, version }) !== 'affected'));
}
