import * as v from 'valibot';
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

  /** One line of JSON. */
  toText(): string {
    return `{"versions":${JSON.stringify([...this.#versions.keys()])},"records":[${this.#records.join(',')}]}`;
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
  readonly records: readonly unknown[];
}

const lineSchema = v.strictObject({ versions: v.array(v.string()), records: v.array(v.unknown()) });

/** Undefined where `text` is no line. */
export function readPackageLine(text: string): StoredPackage | undefined {
  const { success, output } = v.safeParse(lineSchema, parseJson(text));
  return success ? output : undefined;
}

/**
 * A record of a line, undefined where it is none. Of the versions that an entry lists those which are `chosen` by their numbers are read, and where it
 * lists others only, one of these: what is to be looked up is in the list or not, and the list is empty or not.
 */
export function readStoredAdvisory(record: unknown, versions: readonly string[], chosen?: ReadonlySet<number>): Advisory | undefined {
  const { success, output } = v.safeParse(storedSchema, record);
  if (!success) return undefined;
  const affected = output.affected.map((entry) => {
    const listed = entry.versions === undefined ? undefined : readSpans(entry.versions, versions, chosen);
    return { ...entry, versions: listed };
  });
  return affected.some(({ versions: listed }) => listed === 'damaged') ? undefined : toAdvisory({ ...output, affected });
}

const storedSchema = v.looseObject({
  affected: v.array(v.looseObject({ versions: v.optional(v.array(v.pipe(v.number(), v.safeInteger(), v.minValue(0)))) })),
});

/** Versions that the entries of one record may list in all; the longest lists known have some 2,000. */
const listedLimit = 1_000_000;

function readSpans(
  spans: readonly number[],
  versions: readonly string[],
  chosen: ReadonlySet<number> | undefined,
): readonly string[] | 'damaged' {
  const listed: string[] = [];
  let total = 0;
  for (let at = 0; at < spans.length; at += 2) {
    const [first = 0, last = -1] = spans.slice(at, at + 2);
    total += last - first + 1;
    if (last < first || last >= versions.length || total > listedLimit) return 'damaged';
    if (chosen === undefined) for (const version of versions.slice(first, last + 1)) listed.push(version);
    else for (const number of chosen) if (number >= first && number <= last) listed.push(versions[number] as string);
  }
  return listed.length === 0 ? versions.slice(spans[0], spans[0] === undefined ? 0 : spans[0] + 1) : listed;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
