import type { Advisory, AdvisoryAnswer, AdvisoryMatch } from '../model/advisory.ts';
import type { CoverageGap } from '../model/finding.ts';
import type { Package } from '../model/package.ts';
import { toAdvisory } from './advisory-record.ts';
import { canonicalName, type Subject } from './ecosystem.ts';
import { evaluateAdvisory } from './evaluation.ts';
import { type Question, silentGaps, toGap, toIncomparableGap } from './question.ts';
import { ZipArchive } from './zip.ts';
import type { ZipContent } from './zip-batch.ts';
import type { ZipEntry } from './zip-directory.ts';

/**
 * The archive of one ecosystem's records. Once it was looked through it is known which of them speak of which packages. Records are not kept: those of
 * a package are read again when it is first asked about, and what they say of it is kept.
 */
export class AdvisoryArchive implements AsyncDisposable {
  readonly #path: string;
  readonly #zip: ZipArchive;
  readonly #index: AdvisoryIndex;
  readonly #signal: AbortSignal;
  /** What the records say, by the question's key, in the order of the archive. */
  readonly #said = new Map<string, Statement[]>();
  /** Ends when all that was asked so far is answered: the archive is read by one at a time. */
  #turn: Promise<void> = Promise.resolve();

  private constructor(path: string, zip: ZipArchive, index: AdvisoryIndex, signal: AbortSignal) {
    this.#path = path;
    this.#zip = zip;
    this.#index = index;
    this.#signal = signal;
  }

  /** Looks through the archive at `path`, of the ecosystem `base`. It stays open until it is disposed of; `signal` ends what is under way. */
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
    return new AdvisoryArchive(path, zip, index, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#turn.catch(() => undefined);
    await this.#zip[Symbol.asyncDispose]();
  }

  /** Finds out what will be asked. What fails for one asker does not fail for the next, who may ask for something else. */
  prepare(asked: readonly Question[]): Promise<void> {
    this.#turn = this.#turn.catch(() => undefined).then(() => this.#read(asked));
    return this.#turn;
  }

  async match(asked: readonly Question[]): Promise<AdvisoryAnswer> {
    await this.prepare(asked);
    const said = asked.flatMap((question) => (this.#said.get(question.key) ?? []).map((statement) => ({ question, statement })));
    const gaps = [...damageGaps(this.#path, said), ...incomparableGaps(said), ...silentGaps(this.#path, this.#index.ecosystems, asked)];
    return { matches: toMatches(said), gaps, newest: this.#index.newest };
  }

  async #read(asked: readonly Question[]): Promise<void> {
    const unread = asked.filter(({ key }) => !this.#said.has(key));
    const found = new Map<string, Statement[]>(unread.map(({ key }) => [key, []]));
    for (const [entry, questions] of this.#index.find(unread)) {
      this.#signal.throwIfAborted();
      const advisory = parseRecord((await this.#zip.read(entry)).toString('utf8'));
      for (const { key, subject } of questions) {
        found.get(key)?.push(...toStatements(entry, advisory, subject));
      }
    }
    for (const [key, statements] of found) this.#said.set(key, statements);
  }
}

/** What one record says of one question, where that is anything. */
type Statement = { readonly entry: ZipEntry } & (
  | { readonly kind: 'affected'; readonly advisory: Advisory; readonly fixedVersion: string | undefined }
  /** Versions cannot be compared. */
  | { readonly kind: 'unknown'; readonly advisory: Advisory }
  | { readonly kind: 'damaged' }
);

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

function toStatements(entry: ZipEntry, advisory: Advisory | undefined, subject: Subject): readonly Statement[] {
  if (advisory === undefined) return [{ kind: 'damaged', entry }];
  const evaluation = evaluateAdvisory(advisory, subject);
  return evaluation.kind === 'unaffected' ? [] : [{ ...evaluation, entry, advisory }];
}

interface Said {
  readonly question: Question;
  readonly statement: Statement;
}

function toMatches(said: readonly Said[]): readonly AdvisoryMatch[] {
  return said.flatMap(({ question, statement }) => {
    if (statement.kind !== 'affected') return [];
    const { advisory, fixedVersion } = statement;
    return question.packages.map((item) => ({ package: item, advisory, fixedVersion }));
  });
}

/** One for each record that is in no form that can be read. */
function damageGaps(path: string, said: readonly Said[]): readonly CoverageGap[] {
  const damaged = new Map<string, Package[]>();
  for (const { question, statement } of said) {
    if (statement.kind !== 'damaged') continue;
    const { name } = statement.entry;
    damaged.set(name, [...(damaged.get(name) ?? []), ...question.packages]);
  }
  return [...damaged].map(([name, packages]) => toGap('damaged', `${path}: record ${name} is not in OSV format`, packages));
}

/** One for each package whose version is not of the form that records compare it by. */
function incomparableGaps(said: readonly Said[]): readonly CoverageGap[] {
  const unknown = new Map<Question, string[]>();
  for (const { question, statement } of said) {
    if (statement.kind === 'unknown') unknown.set(question, [...(unknown.get(question) ?? []), statement.advisory.id]);
  }
  return [...unknown].map(([question, ids]) => toIncomparableGap(question, ids));
}

function parseRecord(text: string): Advisory | undefined {
  try {
    return toAdvisory(JSON.parse(text));
  } catch {
    return undefined;
  }
}
