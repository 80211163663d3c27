import type { Advisory, Affected } from '../../model/advisory.ts';
import { toAdvisory } from '../advisory-record.ts';
import { summaryOf } from '../advisory-summary.ts';

/**
 * All advisories of one package: what is matched and reported of each record, and of its `affected` only the entries of this package. Versions that are
 * listed one by one are numbers into one list, for thousands of records of a kernel list the same hundreds.
 */
export class PackageLine {
  readonly #versions = new Map<string, number>();
  readonly #records: string[] = [];

  add(advisory: Advisory, isNamed: (affected: Affected) => boolean): void {
    const { details: _, affected = [], database_specific, ...rest } = advisory;
    this.#records.push(
      JSON.stringify({
        ...rest,
        summary: summaryOf(advisory),
        affected: affected.filter(isNamed).map((entry) => this.#reduce(entry)),
        database_specific: toSmall(database_specific),
      }),
    );
  }

  /** Values of JSON on one line, parted by tabs, which JSON has in no other place: the list of versions, and each record. */
  toText(): string {
    return [JSON.stringify([...this.#versions.keys()]), ...this.#records].join('\t');
  }

  #reduce({ versions, ranges, ecosystem_specific, database_specific, ...rest }: Affected) {
    return {
      ...rest,
      // Of commits nothing is evaluated but that there are some.
      ranges: ranges?.map((range) => (range.type === 'GIT' ? { type: range.type, events: [] } : range)),
      versions: versions === undefined ? undefined : this.#toSpans(versions),
      ecosystem_specific: toSmall(ecosystem_specific),
      database_specific: toSmall(database_specific),
    };
  }

  /** First and last number of each run, one after the other. */
  #toSpans(versions: readonly string[]): readonly number[] {
    const spans: number[] = [];
    for (const version of versions) {
      const number = this.#versions.get(version) ?? this.#versions.size;
      this.#versions.set(version, number);
      if (spans.length > 0 && spans.at(-1) === number - 1) spans[spans.length - 1] = number;
      else spans.push(number, number);
    }
    return spans;
  }
}

/** Longest text and longest list that are kept of what a database adds to the format: ratings and kinds of weaknesses are short. */
const wordLimit = 64;
const listLimit = 32;

function toSmall(members: Readonly<Record<string, unknown>> | undefined): Record<string, unknown> | undefined {
  const kept = Object.entries(members ?? {}).filter(([, value]) => {
    return isWord(value) || (Array.isArray(value) && value.length <= listLimit && value.every(isWord));
  });
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

function isWord(value: unknown): boolean {
  return typeof value === 'string' ? value.length <= wordLimit : typeof value === 'number' || typeof value === 'boolean';
}

/** A package's records as they lie in a line. */
export interface StoredPackage {
  /** Every version that a record lists. */
  readonly versions: readonly string[];
  /** JSON. A kernel has thousands of records, of which one at a time is looked at: all of them as objects are what a garbage collector is slow with. */
  readonly records: readonly string[];
}

/** Undefined where `text` is no line. Records are not looked at. */
export function readPackageLine(text: string): StoredPackage | undefined {
  const [first = '', ...records] = text.split('\t');
  const versions = parseJson(first);
  const isList = Array.isArray(versions) && versions.every((version) => typeof version === 'string');
  return isList ? { versions, records } : undefined;
}

/** A record of a line, with all versions that it lists; undefined where it is none. */
export function readStoredAdvisory(record: string, versions: readonly string[]): Advisory | undefined {
  const stored = toStored(record);
  const affected = stored?.affected.map((entry) => readEntry(entry, versions, undefined));
  return affected?.every((entry) => entry !== undefined) ? toAdvisory({ ...stored, affected }) : undefined;
}

/**
 * Of a record what decides whether it speaks of a package in one of the versions with the numbers `chosen`; undefined where it is none. An entry has these
 * of its versions only, and where it lists others, one of them: what is looked up is in the list or not, and the list is empty or not. Checked by hand:
 * most records that are looked at say nothing of the version.
 */
export function readBriefAdvisory(record: string, versions: readonly string[], chosen: ReadonlySet<number>): Advisory | undefined {
  const stored = toStored(record);
  const affected = stored?.affected.map((entry) => readEntry(entry, versions, chosen));
  if (stored === undefined || !affected?.every((entry) => entry !== undefined && isEvaluable(entry))) return undefined;
  return { id: stored.id, affected: affected as readonly Affected[] };
}

interface StoredRecord {
  readonly id: string;
  readonly affected: readonly Readonly<Record<string, unknown>>[];
}

function toStored(text: string): StoredRecord | undefined {
  const record = parseJson(text);
  const { id, affected } = isObject(record) ? record : {};
  return typeof id === 'string' && Array.isArray(affected) && affected.every(isObject) ? (record as StoredRecord) : undefined;
}

function readEntry(entry: Readonly<Record<string, unknown>>, versions: readonly string[], chosen: ReadonlySet<number> | undefined) {
  const { versions: spans } = entry;
  if (spans === undefined) return entry;
  const listed = Array.isArray(spans) ? readSpans(spans, versions, chosen) : undefined;
  return listed === undefined ? undefined : { ...entry, versions: listed };
}

function isEvaluable({ package: named, ranges = [] }: Readonly<Record<string, unknown>>): boolean {
  return (
    isObject(named) &&
    typeof named.ecosystem === 'string' &&
    typeof named.name === 'string' &&
    Array.isArray(ranges) &&
    ranges.every((range) => isObject(range) && Array.isArray(range.events) && range.events.every(isEvent))
  );
}

function isEvent(event: unknown): boolean {
  return isObject(event) && Object.values(event).every((version) => typeof version === 'string');
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Versions that the entries of one record may list in all; the longest lists known have some 2,000. */
const listedLimit = 1_000_000;

/** Undefined where they are no runs of numbers of `versions`. */
function readSpans(spans: readonly unknown[], versions: readonly string[], chosen: ReadonlySet<number> | undefined) {
  const listed: string[] = [];
  let total = 0;
  for (let at = 0; at < spans.length; at += 2) {
    const [first, last] = [spans[at], spans[at + 1]];
    if (!isNumberOf(versions, first) || !isNumberOf(versions, last) || last < first) return undefined;
    total += last - first + 1;
    if (total > listedLimit) return undefined;
    if (chosen === undefined) for (let number = first; number <= last; number += 1) listed.push(versions[number] as string);
    else for (const number of chosen) if (number >= first && number <= last) listed.push(versions[number] as string);
  }
  const [one] = spans;
  return listed.length === 0 && isNumberOf(versions, one) ? [versions[one] as string] : listed;
}

function isNumberOf(versions: readonly string[], value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < versions.length;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
