import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRegistry } from '../test/e2e/loopback-registry.ts';
import { startCountingProxy } from './counting-proxy.ts';
import { type Command, type Measurement, measure, sumOf } from './measure.ts';

/** Steps that follow each other against one registry, which is empty when the first begins. */
export interface Session {
  /** As `--rows` names it. */
  readonly key: string;
  readonly steps: readonly Step[];
  /** Title of a row that adds the steps up. */
  readonly sum?: RowTitle;
}

/** One timed program. */
export interface Step extends RowTitle {
  /** Gets ready what is not timed. */
  prepare?(place: Place): Promise<void>;
  command(place: Place): Command | Promise<Command>;
}

interface RowTitle {
  readonly title: string;
  /** Title of the row that the ratio is to. */
  readonly reference: string;
}

/** Where a session happens. */
export interface Place {
  /** Host and port of the registry. */
  readonly host: string;
  /** For files of this session alone; empty at first. */
  readonly folder: string;
}

/** Where the image is pushed to. */
export function firstReference({ host }: Place): string {
  return `${host}/bench/image:1`;
}

/** Another repository of the same registry. */
export function otherReference({ host }: Place): string {
  return `${host}/bench/other:1`;
}

/** One line of the table. */
export interface Row extends RowTitle {
  /** One a round. */
  readonly measurements: readonly Measurement[];
  /** What its program sends over the network, where that was counted. */
  readonly sentBytes: number | undefined;
}

/**
 * First each session once through a proxy that counts, which also warms the file cache; then rounds in which each happens once, beginning with another
 * one each time, so that a machine that gets slower or faster meets all of them.
 */
export async function runSessions(sessions: readonly Session[], rounds: number, tell: (line: string) => void): Promise<readonly Row[]> {
  const sent = new Map<Session, readonly number[]>();
  for (const session of sessions) {
    tell(`counting the bytes of ${session.key}`);
    sent.set(session, await countSession(session));
  }
  const results = new Map(sessions.map((session) => [session, [] as (readonly Measurement[])[]]));
  for (let round = 0; round < rounds; round++) {
    tell(`round ${round + 1} of ${rounds}`);
    for (const session of rotate(sessions, round)) results.get(session)?.push(await measureSession(session));
  }
  return sessions.flatMap((session) => toRows(session, results.get(session) ?? [], sent.get(session) ?? []));
}

/** The same items, beginning with another one. */
export function rotate<T>(items: readonly T[], by: number): readonly T[] {
  const start = by % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}

export function measureSession(session: Session): Promise<readonly Measurement[]> {
  return inPlace(async (place) => {
    const measurements: Measurement[] = [];
    for (const step of session.steps) measurements.push(await measureStep(step, place));
    return measurements;
  });
}

/** Bytes that each step sends. */
function countSession(session: Session): Promise<readonly number[]> {
  return inPlace(async ({ host, folder }) => {
    const proxy = await startCountingProxy(host);
    try {
      const sent: number[] = [];
      for (const step of session.steps) {
        const before = proxy.sentBytes();
        await measureStep(step, { host: proxy.host, folder });
        sent.push(proxy.sentBytes() - before);
      }
      return sent;
    } finally {
      await proxy.close();
    }
  });
}

async function measureStep(step: Step, place: Place): Promise<Measurement> {
  await step.prepare?.(place);
  return measure(await step.command(place));
}

async function inPlace<T>(act: (place: Place) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'session-'));
  const registry = await startRegistry();
  try {
    return await act({ host: registry.host, folder });
  } finally {
    await registry.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

function toRows({ steps, sum }: Session, rounds: readonly (readonly Measurement[])[], sent: readonly number[]): readonly Row[] {
  const rows = steps.map(({ title, reference }, index) => ({
    title,
    reference,
    measurements: rounds.flatMap((measurements) => measurements[index] ?? []),
    sentBytes: sent[index],
  }));
  if (sum === undefined) return rows;
  return [...rows, { ...sum, measurements: rounds.map(sumOf), sentBytes: sent.reduce((total, bytes) => total + bytes, 0) }];
}
