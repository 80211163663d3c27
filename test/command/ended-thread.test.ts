import { randomBytes } from 'node:crypto';
import type { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import type { HttpClient } from '../../src/lib/http.ts';
import type { RunningRegistry } from '../../src/sandbox/registry.ts';
import { fileInputs, openPlace, type Place } from '../main/place.ts';
import { readPublished } from '../main/published.ts';
import { baseLayer, layerOf, openHttp, runPublication, writeArchive } from './publication.ts';

let place: Place;
let http: HttpClient;

beforeAll(async () => {
  place = await openPlace();
  http = await openHttp(place);
  await writeArchive(place, 'image.tar', [baseLayer, layerOf('opt/large', randomBytes(30_000_000)), layerOf('app', 'one')]);
});

afterAll(async () => {
  http.close();
  await place.close();
});

/** The threads that are started from now on. */
function watchThreads(): readonly Worker[] {
  const threads: Worker[] = [];
  const keep = (worker: Worker): void => void threads.push(worker);
  process.on('worker', keep);
  onTestFinished(() => void process.off('worker', keep));
  return threads;
}

/** A registry, and what is done when it gets the first bytes of a layer. */
function startRegistry(onBytes: () => void): Promise<RunningRegistry> {
  let isFirst = true;
  return place.startRegistry({
    faults: ({ method }) => {
      if (method === 'PATCH' && isFirst) {
        isFirst = false;
        onBytes();
      }
      return undefined;
    },
  });
}

it('an image whose thread ends while it is read is not decided about: nothing is published, and nothing left open', async () => {
  const threads = watchThreads();
  const registry = await startRegistry(() => void threads[0]?.terminate());
  const run = await runPublication(place, http, {
    ...fileInputs(place, `${registry.host}/team/app:1`),
    image: 'docker-archive:image.tar',
  });
  expect(run).toMatchObject({ exitCode: 3, log: ['cannot go on: the thread that reads the image ended before it was done (exit code 1)'] });
  expect(readPublished(registry)).toEqual({ kind: 'untagged' });
  expect(registry.openUploads()).toBe(0);
});

it('a run that is cancelled while an image is read leaves nothing open, and its thread leaves off', async () => {
  const threads = watchThreads();
  const cancel = new AbortController();
  const registry = await startRegistry(() => cancel.abort());
  const run = await runPublication(
    place,
    http,
    { ...fileInputs(place, `${registry.host}/team/app:1`), image: 'docker-archive:image.tar' },
    {},
    cancel.signal,
  );
  expect(run).toMatchObject({ exitCode: 3, log: ['The run was cancelled'] });
  expect(readPublished(registry)).toEqual({ kind: 'untagged' });
  expect(registry.openUploads()).toBe(0);
  expect(threads.length).toBeGreaterThan(0);
  // One that has ended has no id any more.
  await expect.poll(() => threads.filter(({ threadId }) => threadId !== -1)).toEqual([]);
});
