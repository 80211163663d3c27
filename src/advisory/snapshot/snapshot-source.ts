import type { Advisory, AdvisoryAnswer, AdvisoryMatch, AdvisorySource } from '../../model/advisory.ts';
import type { Digest } from '../../model/digest.ts';
import type { CoverageGap } from '../../model/finding.ts';
import type { Package } from '../../model/package.ts';
import { evaluateAdvisory, isListed } from '../evaluation.ts';
import { groupByBase, type Question, silentGaps, toGap, toIncomparableGap, toQuestions } from '../question.ts';
import { nameKey, type SnapshotEcosystem } from './format.ts';
import { readBriefAdvisory, readStoredAdvisory, type StoredPackage } from './package-line.ts';
import { digestOfSnapshot, openSnapshotBytes, type SnapshotBytes } from './snapshot-bytes.ts';
import { damagedSnapshot, SnapshotReader } from './snapshot-reader.ts';

/** A snapshot that somebody can open. */
export interface OpenableSnapshot {
  readonly name: string;
  /** Called when advisories are asked for; what it gives is closed then. */
  readonly open: () => Promise<SnapshotBytes>;
  readonly fetchDigest: () => Promise<Digest>;
  /** Called when the source is disposed of. */
  readonly giveUp?: () => Promise<void>;
}

/** Advisories from a snapshot, of which only what is asked for is read. */
export function openSnapshotSource({ name, open, fetchDigest, giveUp = async () => {} }: OpenableSnapshot): AdvisorySource {
  return { name, fetchDigest, expect() {}, match: (packages) => matchInSnapshot(name, open, packages), [Symbol.asyncDispose]: giveUp };
}

/** The same of a snapshot that is a file. */
export function openSnapshotFile(path: string): AdvisorySource {
  const open = () => openSnapshotBytes(path);
  return openSnapshotSource({ name: path, open, fetchDigest: async () => hashSnapshot(await open()) });
}

async function hashSnapshot(bytes: SnapshotBytes): Promise<Digest> {
  try {
    return await digestOfSnapshot(bytes);
  } finally {
    await bytes.close();
  }
}

async function matchInSnapshot(name: string, open: () => Promise<SnapshotBytes>, packages: readonly Package[]): Promise<AdvisoryAnswer> {
  const bytes = await open();
  try {
    const reader = await SnapshotReader.open(bytes, name);
    const { questions, gaps } = toQuestions(packages);
    const answers: EcosystemAnswer[] = [];
    for (const [base, asked] of groupByBase(questions)) {
      const ecosystem = reader.ecosystem(base);
      answers.push(ecosystem === undefined ? withoutEcosystem(name, base, asked) : await matchEcosystem(reader, ecosystem, asked));
    }
    return {
      matches: answers.flatMap(({ matches }) => matches),
      gaps: [...gaps, ...answers.flatMap((answer) => answer.gaps)],
      newest: newestOf(answers.flatMap(({ newest }) => newest ?? [])),
      created: reader.header.created,
      asOf: reader.header.asOf,
    };
  } finally {
    await bytes.close();
  }
}

type EcosystemAnswer = Pick<AdvisoryAnswer, 'matches' | 'gaps' | 'newest'>;

async function matchEcosystem(reader: SnapshotReader, ecosystem: SnapshotEcosystem, asked: readonly Question[]): Promise<EcosystemAnswer> {
  const byKey = new Map<string, Question[]>();
  for (const question of asked) {
    const key = nameKey(question.subject.name);
    byKey.set(key, [...(byKey.get(key) ?? []), question]);
  }
  const matches: AdvisoryMatch[] = [];
  const gaps: CoverageGap[] = [...damagedGaps(reader.name, ecosystem, byKey), ...silentGaps(reader.name, ecosystem.releases, asked)];
  for (const block of await reader.readIndex(ecosystem)) {
    const keys = new Set(block.keys.filter((key) => byKey.has(key)));
    if (keys.size === 0) continue;
    for (const [key, stored] of await reader.readPackages(block, keys)) {
      for (const question of byKey.get(key) ?? []) {
        const answer = matchQuestion(reader.name, stored, question);
        matches.push(...answer.matches);
        gaps.push(...answer.gaps);
      }
    }
  }
  return { matches, gaps, newest: ecosystem.newest };
}

function matchQuestion(name: string, { versions, records }: StoredPackage, question: Question): Pick<EcosystemAnswer, 'matches' | 'gaps'> {
  const { subject, packages } = question;
  const matches: AdvisoryMatch[] = [];
  const unknown: string[] = [];
  // Looked up once: thousands of records of a kernel list the same hundreds of versions.
  const same = new Set(versions.flatMap((version, number) => (isListed(version, subject) ? [number] : [])));
  const require = (advisory: Advisory | undefined): Advisory => {
    if (advisory !== undefined) return advisory;
    throw damagedSnapshot(name, `a record of ${JSON.stringify(subject.name)} is not in its form`);
  };
  for (const record of records) {
    const brief = require(readBriefAdvisory(record, versions, same));
    const { kind } = evaluateAdvisory(brief, subject);
    if (kind === 'unknown') unknown.push(brief.id);
    if (kind !== 'affected') continue;
    // What is fixed depends on all versions that are listed.
    const advisory = require(readStoredAdvisory(record, versions));
    const evaluation = evaluateAdvisory(advisory, subject);
    if (evaluation.kind !== 'affected') continue;
    for (const item of packages) matches.push({ package: item, advisory, fixedVersion: evaluation.fixedVersion });
  }
  return { matches, gaps: unknown.length === 0 ? [] : [toIncomparableGap(question, unknown)] };
}

function damagedGaps(
  name: string,
  { damaged }: SnapshotEcosystem,
  asked: ReadonlyMap<string, readonly Question[]>,
): readonly CoverageGap[] {
  return damaged.flatMap(({ file, keys }) => {
    const concerned = keys.length === 0 ? [...asked.values()] : keys.flatMap((key) => [asked.get(key) ?? []]);
    const packages = concerned.flat().flatMap((question) => question.packages);
    return packages.length === 0 ? [] : [toGap('damaged', `${name}: record ${file} is not in OSV format`, packages)];
  });
}

function withoutEcosystem(name: string, base: string, asked: readonly Question[]): EcosystemAnswer {
  const packages = asked.flatMap((question) => question.packages);
  return { matches: [], gaps: [toGap('no-advisories', `${name} has no advisories of ${base}`, packages)], newest: undefined };
}

function newestOf(times: readonly string[]): string | undefined {
  return [...times].sort().at(-1);
}
