import { expect, it } from 'vitest';
import { HearingList } from '../../src/command/hearing-list.ts';
import type { Digest } from '../../src/model/digest.ts';
import type { Descriptor } from '../../src/model/image.ts';

const toDigest = (at: number): Digest => `sha256:${at.toString(16).padStart(64, '0')}`;

function listed(at: number, created?: string): Descriptor {
  const annotations = created === undefined ? {} : { annotations: { 'org.opencontainers.image.created': created } };
  return { mediaType: 'application/x', digest: toDigest(at), size: 1, ...annotations };
}

const toNumber = ({ digest }: Descriptor): number => Number(digest.replace('sha256:', '0x'));

/** The n-th second of an hour. */
const second = (at: number): string => new Date(Date.UTC(2026, 10, 29) + at * 1000).toISOString();

it.each([
  ['the oldest first', (at: number) => at],
  ['the newest first', (at: number) => 3000 - at],
  ['in any order', (at: number) => (at * 1009) % 3001],
])('is of the newest, where they are listed %s', (_order, toTime) => {
  const list = new HearingList(new Set(), () => false, 20);
  const all = Array.from({ length: 3000 }, (_, at) => listed(at, second(toTime(at))));
  for (const descriptor of all) list.offer(descriptor);
  const newest = all.toSorted((a, b) => toTime(toNumber(b)) - toTime(toNumber(a)));
  expect(list.toOrder().slice(0, 20)).toEqual(newest.slice(0, 20));
  expect(list.toOrder().length + list.dropped).toBe(3000);
});

it('begins with what a receipt names and what is likely, and those that tell no time come last', () => {
  const list = new HearingList(new Set([toDigest(70_000)]), ({ digest }) => digest === toDigest(50_000), 10);
  for (let at = 0; at < 50_000; at += 1) list.offer(listed(at));
  list.offer(listed(50_000));
  list.offer(listed(60_000, second(1)));
  list.offer(listed(70_000));
  expect(list.toOrder().slice(0, 4)).toEqual([listed(70_000), listed(50_000), listed(60_000, second(1)), listed(0)]);
});
