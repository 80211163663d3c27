import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPublication } from './faults/bundle-run.ts';
import type { FaultPlan, SeenExchange } from './faults/fault-proxy.ts';
import { inParallel, newRepository, runFaulty } from './faults/fault-run.ts';
import { createNotation, type Notation } from './faults/notation.ts';
import { headTag, type Published, readPublished } from './faults/published-image.ts';
import { openPublishingPlace, type PublishingPlace } from './faults/publishing-place.ts';
import { peer } from './peers.ts';
import { expectProgram } from './step.ts';

const noFault: FaultPlan = () => undefined;
const oldRepository = 'old/app';
/** Hundreds of programs, one after the other on a slow machine. */
const limitMs = 1_200_000;
/** Programs at once. */
const atOnce = 4;

let place: PublishingPlace;
let notation: Notation;
/** Exchanges of a publication to an empty repository, and to one whose tag is that of an older image. */
let exchanges: Readonly<Record<'absent' | 'old', readonly SeenExchange[]>>;
/** Of the packaged program, from its start to its end. */
let durationMs: number;
let digests: Readonly<Record<'old' | 'new', string>>;

beforeAll(async () => {
  place = await openPublishingPlace();
  notation = await createNotation(place);
  const old = await runFaulty(place, { image: 'old.tar', plan: noFault }, oldRepository);
  const first = await runFaulty(place, { image: 'small.tar', plan: noFault });
  const second = newRepository();
  await place.copy(oldRepository, second);
  exchanges = { absent: first.seen, old: (await runFaulty(place, { image: 'small.tar', plan: noFault }, second)).seen };
  const startMs = performance.now();
  await inParallel(Array.from({ length: atOnce }), atOnce, () => startPublication(place, 'small.tar', newRepository()).ended);
  durationMs = performance.now() - startMs;
  digests = { old: digestOf(old.published), new: digestOf(first.published) };
});

afterAll(() => place.close());

/** One program that is ended while it publishes. */
interface Kill {
  readonly before: 'absent' | 'old';
  readonly signal: 'SIGKILL' | 'SIGTERM';
  readonly at:
    | { readonly exchange: SeenExchange; readonly when: 'before' | 'after' }
    /** A part, 0 up to 1, of the time that a publication takes. */
    | { readonly part: number };
}

describe('the packaged step, killed', () => {
  it(
    'before and after every exchange: the tag is what it was or complete, and the next run publishes the same image',
    async () => {
      const kills = (['absent', 'old'] as const).flatMap((before) =>
        exchanges[before].flatMap((exchange) =>
          momentsOf(exchange, before).map((when): Kill => ({ before, signal: 'SIGKILL', at: { exchange, when } })),
        ),
      );
      const tagged = await runKills(kills, kills.length);
      // Those after the tag has moved find it complete; without them nothing would be known of that.
      expect(tagged).toBeGreaterThan(3);
    },
    limitMs,
  );

  it(
    'at any moment',
    async () => {
      const kills = Array.from(
        { length: 60 },
        (_, at): Kill => ({ before: at % 2 === 0 ? 'absent' : 'old', signal: 'SIGKILL', at: { part: (at + 0.5) / 60 } }),
      );
      await runKills(kills, kills.length / 2);
    },
    limitMs,
  );

  it(
    'by SIGTERM, which is a cancellation: it ends with 3, and gives its uploads up',
    async () => {
      const chosen = exchanges.absent.filter(({ index }) => index % 3 === 0);
      const results = await inParallel(chosen, atOnce, async (exchange) => {
        const { repository, exitCode } = await kill({ before: 'absent', signal: 'SIGTERM', at: { exchange, when: 'before' } });
        const published = await readPublished(place.view, repository, '1.0');
        // A piece that is cut off leaves Distribution with more than its Location says: it then takes no request for that upload any more, and forgets it in time.
        const cutOff = exchange.kind === 'PATCH upload' ? 2 : 0;
        return {
          exchange: `${exchange.kind} ${exchange.occurrence}`,
          exitCode,
          isSound: isSound(published, 'absent'),
          open: Math.max(0, (await place.openUploads(repository)) - cutOff),
        };
      });
      expect(results.filter(({ exitCode, isSound: sound, open }) => (exitCode !== 3 && exitCode !== 0) || !sound || open > 0)).toEqual([]);
      expect(results.filter(({ exitCode }) => exitCode === 3).length).toBeGreaterThan(results.length / 2);
    },
    limitMs,
  );
});

it(
  'the packaged step gets over a lost answer to each of its requests',
  async () => {
    const results = await inParallel(exchanges.absent, atOnce, async ({ kind, occurrence }) => {
      const repository = newRepository();
      place.proxy.plan(repository, (seen) => (seen.kind === kind && seen.occurrence === occurrence ? { kind: 'lost-answer' } : undefined));
      const { exitCode, output } = await startPublication(place, 'small.tar', repository).ended;
      return { request: `${kind} ${occurrence}`, exitCode, output, published: await readPublished(place.view, repository, '1.0') };
    });
    const wrong = results.filter(
      ({ exitCode, published }) => exitCode !== 0 || digestOf(published) !== digests.new || !isSound(published, 'absent'),
    );
    expect(wrong).toEqual([]);
  },
  limitMs,
);

/**
 * What is attached is put and read back piece by piece, by the same code: from the fourth of a kind on each exchange is the moment of one kill, but for tags,
 * the last of which is the image's own.
 */
function momentsOf({ kind, occurrence }: SeenExchange, before: Kill['before']): readonly ('before' | 'after')[] {
  if (occurrence < 3 || kind.endsWith('tag')) return ['before', 'after'];
  const isTurn = (occurrence % 2 === 0) === (before === 'old');
  return isTurn ? [occurrence % 4 < 2 ? 'before' : 'after'] : [];
}

/** Gives how many of the programs had moved the tag before they were killed. */
async function runKills(kills: readonly Kill[], leastKilled: number): Promise<number> {
  const startMs = performance.now();
  let count = 0;
  const outcomes = await inParallel(kills, atOnce, async (one) => {
    const isSample = count++ % 20 === 0;
    const { repository, seenTags, wasAlive } = await kill(one);
    const after = await readPublished(place.view, repository, '1.0');
    place.proxy.plan(repository, noFault);
    const next = await runNext(repository, isSample);
    const last = await readPublished(place.view, repository, '1.0');
    const isConverged = next === 0 && digestOf(last) === digests.new && isSound(last, one.before);
    if (isSample) await verifyWithPeers(repository);
    await place.remove(repository);
    const problems = [
      ...(isSound(after, one.before) ? [] : ['the tag is at something incomplete']),
      ...(isConverged ? [] : [`the next run ends with ${next}`]),
      ...seenTags.filter((problem) => problem !== undefined),
    ];
    return { one, after, last, problems, wasAlive, isTagged: digestOf(after) === digests.new };
  });
  const killed = outcomes.filter(({ wasAlive }) => wasAlive).length;
  const tagged = outcomes.filter(({ isTagged }) => isTagged).length;
  console.log(
    `${killed} of ${kills.length} programs killed, ${tagged} of them with the tag moved, in ${Math.round((performance.now() - startMs) / 1000)} s`,
  );
  expect(outcomes.filter(({ problems }) => problems.length > 0)).toEqual([]);
  expect(killed).toBeGreaterThanOrEqual(leastKilled);
  return tagged;
}

/** Runs the program until it is killed, and looks at the tag all the while. */
async function kill({ before, signal, at }: Kill) {
  const repository = newRepository();
  if (before === 'old') await place.copy(oldRepository, repository);
  let end = (): void => undefined;
  place.proxy.plan(repository, ({ kind, occurrence }) => {
    const isIt = 'exchange' in at && kind === at.exchange.kind && occurrence === at.exchange.occurrence;
    return isIt ? { kind: 'act', when: at.when, goesOn: signal === 'SIGTERM', act: () => end() } : undefined;
  });
  const { child, ended } = startPublication(place, 'small.tar', repository);
  end = () => void child.kill(signal);
  if ('part' in at) setTimeout(end, at.part * durationMs);
  let isOver = false;
  const polling = poll(repository, before, () => isOver);
  const { exitCode } = await ended;
  isOver = true;
  return { repository, exitCode, wasAlive: exitCode === undefined, seenTags: await polling };
}

/** What is wrong with the tag whenever it is another one than before. */
async function poll(repository: string, before: Kill['before'], isOver: () => boolean): Promise<readonly (string | undefined)[]> {
  const problems: (string | undefined)[] = [];
  let last: string | undefined;
  while (!isOver()) {
    const digest = await headTag(place.view, repository, '1.0');
    if (digest !== last && digest !== undefined) {
      const published = await readPublished(place.view, repository, '1.0');
      problems.push(isSound(published, before) ? undefined : `while it runs: ${JSON.stringify(published)}`);
    }
    last = digest;
    await wait(15);
  }
  return problems;
}

/** The next run, some of them by the packaged program too. */
async function runNext(repository: string, isBundle: boolean): Promise<number | undefined> {
  if (isBundle) return (await startPublication(place, 'small.tar', repository).ended).exitCode;
  return (await runFaulty(place, { image: 'small.tar', plan: noFault }, repository)).exitCode;
}

async function verifyWithPeers(repository: string): Promise<void> {
  const name = `${place.proxy.host}/${repository}`;
  await expectProgram(peer('crane'), ['validate', '--insecure', '--remote', `${name}:1.0`]);
  await notation.verify(`${name}@${digests.new}`);
}

/** Whether the tag is as it was before, or at the new image with all that belongs to it. */
function isSound(published: Published, before: Kill['before']): boolean {
  if (published.kind === 'untagged') return before === 'absent';
  const isKnown = published.digest === digests.new || (before === 'old' && published.digest === digests.old);
  return isKnown && published.problems.length === 0;
}

function digestOf(published: Published): string {
  return published.kind === 'tagged' ? published.digest : '';
}
