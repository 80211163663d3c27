import { parentPort, workerData } from 'node:worker_threads';
import { StepError, type StepErrorFields } from '../lib/step-error.ts';
import type { AdvisoryAnswer, AdvisoryMatch } from '../model/advisory.ts';
import type { Package, ReleasedPackage } from '../model/package.ts';
import { AdvisoryDirectory } from './advisory-directory.ts';

/** A thread that reads a directory of advisories; its path is the thread's data. */
export type AdvisoryJob =
  | { readonly kind: 'expect'; readonly packages: readonly ReleasedPackage[] }
  | { readonly kind: 'match'; readonly packages: readonly Package[] }
  | { readonly kind: 'stop' };

/** An expectation, and that it has stopped, are merely confirmed. A package is told by its place among those that were asked about. */
export type AdvisoryJobAnswer =
  | { readonly kind: 'done' }
  | { readonly kind: 'answer'; readonly answer: PlacedAnswer }
  | { readonly kind: 'failed'; readonly error: StepErrorFields<string> };

export interface PlacedAnswer extends Omit<AdvisoryAnswer, 'matches'> {
  readonly matches: readonly (Omit<AdvisoryMatch, 'package'> & { readonly package: number })[];
}

const directory = new AdvisoryDirectory(workerData as string);
let turn: Promise<void> = Promise.resolve();

parentPort?.on('message', (job: AdvisoryJob) => {
  if (job.kind === 'expect') directory.expect(job.packages);
  const stopped = job.kind === 'stop' ? directory[Symbol.asyncDispose]() : undefined;
  // Answers are given in the order of the jobs.
  turn = turn.then(async () => parentPort?.postMessage(job.kind === 'match' ? await match(job.packages) : await confirm(stopped)));
});

async function confirm(done: Promise<void> | undefined): Promise<AdvisoryJobAnswer> {
  await done;
  return { kind: 'done' };
}

async function match(packages: readonly Package[]): Promise<AdvisoryJobAnswer> {
  try {
    const { matches, ...rest } = await directory.match(packages);
    const places = new Map(packages.map((item, at) => [item, at]));
    return {
      kind: 'answer',
      answer: { ...rest, matches: matches.map((found) => ({ ...found, package: places.get(found.package) ?? -1 })) },
    };
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    const { code, origin, message, hint } = error;
    return { kind: 'failed', error: { code, origin, message, hint } };
  }
}
