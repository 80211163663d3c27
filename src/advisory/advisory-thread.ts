import { StepError } from '../lib/step-error.ts';
import { Thread } from '../lib/thread.ts';
import type { AdvisoryAnswer, AdvisorySource } from '../model/advisory.ts';
import type { Package, ReleasedPackage } from '../model/package.ts';
import type { AdvisoryJob, AdvisoryJobAnswer } from './advisory-worker.ts';

/** A directory of OSV records, read in a thread of its own: its ten thousands of records are looked through while the layers are read. */
export function openAdvisoryDirectory(path: string): AdvisorySource {
  return new ThreadedDirectory(path);
}

class ThreadedDirectory implements AdvisorySource {
  readonly name: string;
  readonly #thread: Thread<AdvisoryJob, AdvisoryJobAnswer>;

  constructor(path: string) {
    this.name = path;
    this.#thread = new Thread('advisory-worker', import.meta.url, path);
  }

  async fetchDigest(): Promise<undefined> {
    return undefined;
  }

  expect(packages: readonly ReleasedPackage[]): void {
    // A thread that ended is told of when it is asked.
    this.#thread.run({ kind: 'expect', packages }).catch(() => undefined);
  }

  async match(packages: readonly Package[]): Promise<AdvisoryAnswer> {
    const answered = await this.#thread.run({ kind: 'match', packages });
    if (answered.kind === 'failed') throw new StepError(answered.error);
    if (answered.kind === 'done') throw new Error('the thread answered another job');
    const { matches, ...rest } = answered.answer;
    return { ...rest, matches: matches.map((found) => ({ ...found, package: packages[found.package] as Package })) };
  }

  /** The thread is not ended before it has stopped: Node aborts the process where one ends that is just about to inflate (node_zlib.cc, "close before init"). */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#thread.run({ kind: 'stop' }).catch(() => undefined);
    this.#thread[Symbol.dispose]();
  }
}
