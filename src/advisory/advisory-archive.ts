import type { Advisory, AdvisoryAnswer, AdvisoryMatch } from '../model/advisory.ts';
import type { CoverageGap } from '../model/finding.ts';
import { toAdvisory } from './advisory-record.ts';
import { canonicalName } from './ecosystem.ts';
import { evaluateAdvisory } from './evaluation.ts';
import { type Question, silentGaps, toGap, toIncomparableGap } from './question.ts';
import { ZipArchive } from './zip.ts';
import type { ZipContent } from './zip-batch.ts';
import type { ZipEntry } from './zip-directory.ts';

/**
 * The archive of one ecosystem's records. Once it was looked through it is known which of them speak of which packages. Records are not kept: those of
 * a package are read again when it is asked about.
 */
export class AdvisoryArchive implements AsyncDisposable {
  readonly #path: string;
  readonly #zip: ZipArchive;
  readonly #index: AdvisoryIndex;

  private constructor(path: string, zip: ZipArchive, index: AdvisoryIndex) {
    this.#path = path;
    this.#zip = zip;
    this.#index = index;
  }

  /** Looks through the archive at `path`, of the ecosystem `base`. It stays open until it is disposed of. */
  static async open(path: string, base: string, signal: AbortSignal): Promise<AdvisoryArchive> {
    const zip = await ZipArchive.open(path);
    const index = new AdvisoryIndex(base);
    try {
      for await (const contents of zip.contents()) {
        signal.throwIfAborted();
        for (const content of contents) if (content.entry.name.endsWith('.json')) index.add(content);
      }
    } catch (error) {
      await zip[Symbol.asyncDispose]();
      throw error;
    }
    return new AdvisoryArchive(path, zip, index);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#zip[Symbol.asyncDispose]();
  }

  async match(asked: readonly Question[]): Promise<AdvisoryAnswer> {
    const matching = new Matching(this.#path);
    for (const [entry, questions] of this.#index.find(asked)) matching.add(entry, await this.#zip.read(entry), questions);
    const { matches, gaps } = matching.answer();
    return { matches, gaps: [...gaps, ...silentGaps(this.#path, this.#index.ecosystems, asked)], newest: this.#index.newest };
  }
}

/** The members of a record that decide whether it is of interest, found without parsing it: ten times as fast as JSON.parse. */
const telling = /"(name|ecosystem|modified)"\s*:\s*"([^"\\]*)(["\\])/g;

class AdvisoryIndex {
  /** With release suffix, of all records. */
  readonly ecosystems = new Set<string>();
  /** Newest `modified` of all records. */
  newest: string | undefined;
  readonly #base: string;
  /** By canonical name, in the order of the archive. */
  readonly #records = new Map<string, ZipEntry[]>();
  /** Records that name a package in an escaped form, which may be any. */
  readonly #escaped: ZipEntry[] = [];

  constructor(base: string) {
    this.#base = base;
  }

  add({ entry, bytes }: ZipContent): void {
    const text = bytes.toString('utf8');
    telling.lastIndex = 0;
    for (let found = telling.exec(text); found !== null; found = telling.exec(text)) {
      const [, member, value = '', close] = found;
      if (member === 'ecosystem') this.ecosystems.add(value);
      else if (member === 'modified') this.newest = this.newest === undefined || value > this.newest ? value : this.newest;
      else if (close === '\\') addOnce(this.#escaped, entry);
      else this.#addName(canonicalName(this.#base, value), entry);
    }
  }

  /** What is asked of which records, in the order of the archive. */
  find(asked: readonly Question[]): readonly (readonly [ZipEntry, ReadonlySet<Question>])[] {
    const found = new Map<ZipEntry, Set<Question>>(this.#escaped.map((entry) => [entry, new Set(asked)]));
    for (const question of asked) {
      for (const entry of this.#records.get(canonicalName(this.#base, question.subject.name)) ?? []) {
        const questions = found.get(entry);
        if (questions === undefined) found.set(entry, new Set([question]));
        else questions.add(question);
      }
    }
    return [...found].sort(([a], [b]) => a.offset - b.offset);
  }

  #addName(name: string, entry: ZipEntry): void {
    const known = this.#records.get(name);
    if (known === undefined) this.#records.set(name, [entry]);
    else addOnce(known, entry);
  }
}

function addOnce(entries: ZipEntry[], entry: ZipEntry): void {
  if (entries.at(-1) !== entry) entries.push(entry);
}

class Matching {
  readonly #archive: string;
  readonly #matches: AdvisoryMatch[] = [];
  readonly #gaps: CoverageGap[] = [];
  readonly #unknown = new Map<Question, string[]>();

  constructor(archive: string) {
    this.#archive = archive;
  }

  add({ name }: ZipEntry, bytes: Buffer, questions: ReadonlySet<Question>): void {
    const advisory = parseRecord(bytes.toString('utf8'));
    if (advisory === undefined) {
      const packages = [...questions].flatMap((question) => question.packages);
      this.#gaps.push(toGap('damaged', `${this.#archive}: record ${name} is not in OSV format`, packages));
    } else if (advisory.withdrawn === undefined) {
      for (const question of questions) this.#evaluate(advisory, question);
    }
  }

  answer(): Pick<AdvisoryAnswer, 'matches' | 'gaps'> {
    const unknown = [...this.#unknown].map(([question, ids]) => toIncomparableGap(question, ids));
    return { matches: this.#matches, gaps: [...this.#gaps, ...unknown] };
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
}

function parseRecord(text: string): Advisory | undefined {
  try {
    return toAdvisory(JSON.parse(text));
  } catch {
    return undefined;
  }
}
