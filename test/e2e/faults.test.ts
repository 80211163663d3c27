import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FaultPlan, SeenExchange } from './faults/fault-proxy.ts';
import { type ImageFile, inParallel, newRepository, runFaulty } from './faults/fault-run.ts';
import { type Case, type CaseResult, isApplicable, judge, type Mode, modes, toTable } from './faults/fault-table.ts';
import { allFaults, type NamedFault } from './faults/proxy-fault.ts';
import { openPublishingPlace, type PublishingPlace } from './faults/publishing-place.ts';

/** Publishes the image `old.tar` with all that belongs to it, once; each run that is to find it gets a copy. */
const oldRepository = 'old/app';
/** Of each test. They are done in a few minutes where nothing else runs. */
const limitMs = 1_200_000;
const noFault: FaultPlan = () => undefined;

let place: PublishingPlace;
let oldDigest: string;

beforeAll(async () => {
  place = await openPublishingPlace();
  const old = await runFaulty(place, { image: 'old.tar', plan: noFault }, oldRepository);
  oldDigest = digestOf(old.published);
});

afterAll(() => place.close());

interface Publication {
  readonly image: ImageFile;
  /** Whether the tag is that of an older image before. */
  readonly isSecond?: boolean;
  readonly faults: readonly NamedFault[];
  /** Only the pieces of layers and what ends them, and not everything after them as well: the rest is that of any image. */
  readonly onlyPieces?: boolean;
}

/** To the client one status is another: what is seldom looked at twice gets these. */
const fewFaults = allFaults.filter(({ name }) =>
  ['reset', 'answer lost', '503', 'cut body', 'length - 1', 'expired', 'other digest'].includes(name),
);

describe('whatever goes wrong between the step and CNCF Distribution, the image is published whole or not at all', () => {
  it('at its first publication', () => expectSound({ image: 'packed.tar', faults: allFaults }, 1000), limitMs);

  it(
    'where the tag is that of an older image, of which a layer is reused',
    () => expectSound({ image: 'small.tar', isSecond: true, faults: fewFaults }, 300),
    limitMs,
  );

  it('in the pieces of a large layer', () => expectSound({ image: 'large.tar', faults: allFaults, onlyPieces: true }, 60), limitMs);
});

/** Runs the step once for each exchange of a publication, fault and mode, and prints what has become of it. */
async function expectSound(publication: Publication, leastRuns: number): Promise<void> {
  const startMs = performance.now();
  const good = await runOne(publication, noFault);
  expect(good).toMatchObject({ exitCode: 0, published: { kind: 'tagged', problems: [] } });
  const cases = toCases(publication, good.seen);
  const results = await inParallel(cases, 12, async (one): Promise<CaseResult> => {
    const hurry = one.fault.fault.kind === 'silent' ? 100 : 1;
    return { ...one, run: await runOne(publication, toPlan(one), hurry) };
  });
  console.log(
    `${results.length} runs in ${Math.round((performance.now() - startMs) / 1000)} s: exit codes ${modes.join(' · ')}\n${toTable(results, publication.faults)}`,
  );
  const old = publication.isSecond === true ? oldDigest : undefined;
  const wrong = results.flatMap((result) => {
    const reason = judge(result, digestOf(good.published), old);
    const { exchange, fault, mode, run } = result;
    return reason === undefined ? [] : [`${exchange.kind} ${exchange.occurrence}, ${fault.name}, ${mode}: ${reason} (${run.error ?? ''})`];
  });
  expect(wrong).toEqual([]);
  expect(results.length).toBeGreaterThan(leastRuns);
}

async function runOne({ image, isSecond = false }: Publication, plan: FaultPlan, hurry = 1) {
  const repository = newRepository();
  if (isSecond) await place.copy(oldRepository, repository);
  const run = await runFaulty(place, { image, plan, hurry }, repository);
  await place.remove(repository);
  return run;
}

function toCases({ faults, onlyPieces = false }: Publication, exchanges: readonly SeenExchange[]): readonly Case[] {
  const isConcerned = ({ kind, index }: SeenExchange) => !onlyPieces || kind === 'PATCH upload' || (kind === 'PUT upload' && index < 20);
  return exchanges.filter(isConcerned).flatMap((exchange) =>
    faults
      .filter((fault, at) => isTurn(exchange, at) && isApplicable(fault, exchange))
      // A token that was just given cannot have expired: who refuses it refuses the credential.
      .filter(({ fault }) => fault.kind !== 'expired' || exchanges.find(({ index }) => index === exchange.index - 1)?.kind !== 'GET token')
      .flatMap((fault) =>
        // Whether the first of a kind never gets through, or a later one, is the same loop.
        modes
          .filter((mode) => (mode === 'its kind' ? exchange.occurrence === 0 : mode === 'once' || !onlyPieces))
          .map((mode) => ({ exchange, fault, mode })),
      ),
  );
}

/**
 * Whether an exchange gets the fault at this place of the list. What a publication does often is the same code each time (what is attached is put and read
 * back piece by piece): the first of a kind gets every fault, and so does each manifest and tag that is put; of the others each gets a third of them, all in turn.
 */
function isTurn({ kind, occurrence }: SeenExchange, at: number): boolean {
  return occurrence === 0 || kind === 'PUT manifest' || kind === 'PUT tag' || (at + occurrence) % 3 === 0;
}

/** Which exchanges a fault happens to. They are told by their kind and how many of it came before: layers are sent side by side. */
function toPlan({ exchange, fault, mode }: Case): FaultPlan {
  let hasBegun = false;
  return ({ kind, occurrence }) => {
    const isIt = kind === exchange.kind && occurrence === exchange.occurrence;
    hasBegun ||= isIt;
    const isHit: Readonly<Record<Mode, boolean>> = { once: isIt, 'from then on': hasBegun, 'its kind': hasBegun && kind === exchange.kind };
    return isHit[mode] ? fault.fault : undefined;
  };
}

function digestOf(published: CaseResult['run']['published']): string {
  return published.kind === 'tagged' ? published.digest : '';
}
