import { access, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { AdvisoryAnswer } from '../model/advisory.ts';
import type { CoverageGap } from '../model/finding.ts';
import type { Package, ReleasedPackage } from '../model/package.ts';
import { AdvisoryArchive } from './advisory-archive.ts';
import { advisoryError } from './advisory-error.ts';
import { groupByBase, type Question, toExpectedQuestions, toGap, toQuestions } from './question.ts';

/**
 * A directory of OSV records in the layout of osv.dev's bucket: `ECOSYSTEM/all.zip` (https://google.github.io/osv.dev/data/#data-dumps). Only
 * the archives of the packages' ecosystems are read, each from when it is expected to be of use. One that is missing, or that says nothing of the
 * packages' release, is a gap.
 */
export class AdvisoryDirectory implements AsyncDisposable {
  readonly #path: string;
  /** By ecosystem without release; undefined where there is no archive. */
  readonly #archives = new Map<string, Promise<AdvisoryArchive | undefined>>();
  readonly #disposed = new AbortController();

  constructor(path: string) {
    this.#path = path;
  }

  /** Begins to match what will probably be asked about. */
  expect(packages: readonly ReleasedPackage[]): void {
    for (const [base, questions] of groupByBase(toExpectedQuestions(packages))) {
      // What fails is told when it is asked for.
      this.#archive(base)
        .then((archive) => archive?.prepare(questions))
        .catch(() => undefined);
    }
  }

  async match(packages: readonly Package[]): Promise<AdvisoryAnswer> {
    await requireDirectory(this.#path);
    const { questions, gaps } = toQuestions(packages);
    const answers: AdvisoryAnswer[] = [];
    for (const [base, asked] of groupByBase(questions)) {
      const archive = await this.#archive(base);
      answers.push(archive === undefined ? withoutArchive(this.#path, base, asked) : await archive.match(asked));
    }
    return {
      matches: answers.flatMap((answer) => answer.matches),
      gaps: [...gaps, ...answers.flatMap((answer) => answer.gaps)],
      newest: answers
        .flatMap((answer) => answer.newest ?? [])
        .sort()
        .at(-1),
    };
  }

  /** Gives up what is being read; resolves when nothing is any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed.abort();
    for (const opened of await Promise.allSettled(this.#archives.values())) {
      if (opened.status === 'fulfilled') await opened.value?.[Symbol.asyncDispose]();
    }
  }

  #archive(base: string): Promise<AdvisoryArchive | undefined> {
    const archive = this.#archives.get(base) ?? openArchive(join(this.#path, base, 'all.zip'), base, this.#disposed.signal);
    this.#archives.set(base, archive);
    return archive;
  }
}

async function openArchive(path: string, base: string, signal: AbortSignal): Promise<AdvisoryArchive | undefined> {
  return (await isThere(path)) ? AdvisoryArchive.open(path, base, signal) : undefined;
}

function withoutArchive(path: string, base: string, asked: readonly Question[]): AdvisoryAnswer {
  const packages = asked.flatMap((question) => question.packages);
  const gap: CoverageGap = toGap('no-advisories', `${path} has no ${base}/all.zip`, packages);
  return { matches: [], gaps: [gap], newest: undefined };
}

async function requireDirectory(path: string): Promise<void> {
  const hint = 'name a directory that holds ECOSYSTEM/all.zip for the ecosystems of the image, e.g. Debian/all.zip';
  const found = await stat(path).catch((cause: Error) => {
    throw advisoryError('no-directory', `cannot read advisories from ${path}: ${cause.message}`, hint, cause);
  });
  if (!found.isDirectory()) {
    throw advisoryError('no-directory', `cannot read advisories from ${path}: it is not a directory`, hint);
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return false;
    throw advisoryError('unreadable-archive', `cannot open ${path}: ${code}`, 'check the permissions of the file', error);
  }
}
