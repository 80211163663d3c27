import type { Advisory, AdvisoryAnswer, AdvisoryMatch } from '../model/advisory.ts';
import type { CoverageGap } from '../model/finding.ts';
import { toAdvisory } from './advisory-record.ts';
import { canonicalName, isSameEcosystem } from './ecosystem.ts';
import { evaluateAdvisory } from './evaluation.ts';
import { type Question, toGap } from './question.ts';
import { readZip, type ZipFile } from './zip.ts';

/** Matches packages of one ecosystem against its archive of records. Records are looked at one by one; only those that match are kept. */
export async function readAdvisoryArchive(archive: string, asked: readonly Question[]): Promise<AdvisoryAnswer> {
  const reading = new ArchiveReading(archive, asked);
  for await (const file of readZip(archive)) {
    if (file.name.endsWith('.json')) reading.add(file);
  }
  return reading.answer();
}

/** The members of a record that decide whether it is of interest, found without parsing it: ten times as fast as JSON.parse. */
const telling = /"(name|ecosystem|modified)"\s*:\s*"([^"\\]*)(["\\])/g;

class ArchiveReading {
  readonly #archive: string;
  readonly #questions = new Map<string, Question[]>();
  readonly #ecosystems = new Set<string>();
  readonly #matches: AdvisoryMatch[] = [];
  readonly #gaps: CoverageGap[] = [];
  readonly #unknown = new Map<Question, string[]>();
  #newest: string | undefined;

  constructor(archive: string, asked: readonly Question[]) {
    this.#archive = archive;
    for (const question of asked) {
      const { base, name } = question.subject;
      const key = canonicalName(base, name);
      this.#questions.set(key, [...(this.#questions.get(key) ?? []), question]);
    }
  }

  add({ name, bytes }: ZipFile): void {
    const text = bytes.toString('utf8');
    const questions = this.#questionsOf(text);
    if (questions.size === 0) return;
    const advisory = parseRecord(text);
    if (advisory === undefined) {
      const packages = [...questions].flatMap((question) => question.packages);
      this.#gaps.push(toGap('damaged', `${this.#archive}: record ${name} is not in OSV format`, packages));
    } else if (advisory.withdrawn === undefined) {
      for (const question of questions) this.#evaluate(advisory, question);
    }
  }

  answer(): AdvisoryAnswer {
    const unknown = [...this.#unknown].map(([question, ids]) => toIncomparableGap(question, ids));
    return { matches: this.#matches, gaps: [...this.#gaps, ...unknown, ...this.#silentGaps()], newest: this.#newest };
  }

  /** Questions whose package the text may name. A name that is escaped in the text may be any. */
  #questionsOf(text: string): Set<Question> {
    const found = new Set<Question>();
    for (const [, member, value = '', close] of text.matchAll(telling)) {
      if (member === 'ecosystem') this.#ecosystems.add(value);
      else if (member === 'modified') this.#newest = this.#newest === undefined || value > this.#newest ? value : this.#newest;
      else for (const question of this.#named(value, close === '\\')) found.add(question);
    }
    return found;
  }

  #named(name: string, isEscaped: boolean): readonly Question[] {
    if (isEscaped) return [...this.#questions.values()].flat();
    const base = this.#base();
    return this.#questions.get(base === undefined ? name : canonicalName(base, name)) ?? [];
  }

  #base(): string | undefined {
    for (const [question] of this.#questions.values()) return question?.subject.base;
    return undefined;
  }

  #evaluate(advisory: Advisory, question: Question): void {
    const evaluation = evaluateAdvisory(advisory, question.subject);
    if (evaluation.kind === 'affected') {
      const { fixedVersion } = evaluation;
      for (const item of question.packages) this.#matches.push({ package: item, advisory, fixedVersion });
    } else if (evaluation.kind === 'unknown') {
      this.#unknown.set(question, [...(this.#unknown.get(question) ?? []), advisory.id]);
    }
  }

  /** A database that lacks a release says nothing about it: no match is then not the same as clean. */
  #silentGaps(): CoverageGap[] {
    const seen = [...this.#ecosystems];
    const silent = [...this.#questions.values()]
      .flat()
      .filter(({ subject }) => !seen.some((one) => isSameEcosystem(one, subject.ecosystem)));
    const ecosystems = new Set(silent.map(({ subject }) => subject.ecosystem));
    return [...ecosystems].map((ecosystem) => {
      const packages = silent.filter(({ subject }) => subject.ecosystem === ecosystem).flatMap((question) => question.packages);
      return toGap('no-advisories', `${this.#archive} has no record of ${ecosystem}`, packages);
    });
  }
}

/** A package whose version cannot be held against records that name it. */
export function toIncomparableGap(question: Question, ids: readonly string[]): CoverageGap {
  const { name, version } = question.subject;
  const [item] = question.packages;
  const listed = ids.length > 3 ? `${ids.slice(0, 3).join(', ')} and ${ids.length - 3} more` : ids.join(', ');
  const reason = `version ${JSON.stringify(version)} of ${name} cannot be compared with those of ${listed}`;
  return { code: 'unsupported', path: item?.path, layer: item?.layer, reason };
}

function parseRecord(text: string): Advisory | undefined {
  try {
    return toAdvisory(JSON.parse(text));
  } catch {
    return undefined;
  }
}
