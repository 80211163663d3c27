import { expect, test } from 'vitest';
import { mediaTypes } from '../../src/model/image.ts';
import { digestOf } from '../../src/registry/artifact.ts';
import { clock, open, serve } from './loopback.ts';

const tag = `sha256-${'a'.repeat(64)}.att`;

interface Store {
  image: string | undefined;
  puts: number;
  reads: number;
}

/** A registry of one tag. `before` is told of each request for it, and may keep it from being answered. */
async function serveTag(before: (store: Store, method: string) => 'silence' | undefined = () => undefined) {
  const store: Store = { image: undefined, puts: 0, reads: 0 };
  const { host } = await serve(({ method, path, body }, response) => {
    if (path.includes('/uploads/'))
      return method === 'POST'
        ? response.writeHead(202, { location: '/v2/team/app/blobs/uploads/1' }).end()
        : response.writeHead(201).end();
    if (path.includes('/blobs/')) return response.writeHead(404).end();
    if (method === 'PUT') store.puts += 1;
    if (method === 'GET') store.reads += 1;
    if (before(store, method) === 'silence') return undefined;
    if (method === 'PUT') store.image = body.toString();
    if (method === 'PUT') return response.writeHead(201).end();
    const headers = { 'content-type': mediaTypes.ociManifest, 'docker-content-digest': digestOf(Buffer.from(store.image ?? '')) };
    return store.image === undefined ? response.writeHead(404).end() : response.writeHead(200, headers).end(store.image);
  });
  return { host, store };
}

const layer = { mediaType: 'text/plain', bytes: Buffer.from('mine'), annotations: { by: 'me' } };

function imageOf(...names: readonly string[]): string {
  const config = { mediaType: mediaTypes.ociConfig, digest: digestOf(Buffer.from('')), size: 0 };
  const layers = names.map((by) => ({ mediaType: 'text/plain', digest: digestOf(Buffer.from(by)), size: 1, annotations: { by } }));
  return JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers });
}

function writersOf({ image = '{"layers":[]}' }: Store): readonly string[] {
  return (JSON.parse(image) as { layers: { annotations: { by: string } }[] }).layers.map(({ annotations }) => annotations.by);
}

test('who writes alone reads once, writes once, and looks for a moment whether it stays', async () => {
  const { host, store } = await serveTag();
  const time = clock();
  const startMs = time.now().getTime();
  await open(host, time).upsertTaggedLayer(tag, layer);
  expect(store).toMatchObject({ puts: 1, reads: 1 });
  const tookMs = time.now().getTime() - startMs;
  expect(tookMs).toBeGreaterThanOrEqual(250);
  expect(tookMs).toBeLessThan(1_000);
  expect(time.waits.length).toBeLessThan(10);
});

/** Writes over the tag so long after the first write, each time with what was there before anybody else wrote. */
async function withRivals(afterMs: readonly number[]) {
  const { host, store } = await serveTag();
  const time = clock();
  let firstMs = Number.POSITIVE_INFINITY;
  const left = afterMs.map((ms, at) => ({ ms, name: `rival ${at}` }));
  const sleep = async (ms: number) => {
    if (store.puts === 1) firstMs = Math.min(firstMs, time.now().getTime());
    await time.sleep(ms);
    while (time.now().getTime() >= firstMs + (left[0]?.ms ?? Number.POSITIVE_INFINITY)) store.image = imageOf(left.shift()?.name ?? '');
  };
  await open(host, { ...time, sleep }).upsertTaggedLayer(tag, layer);
  return writersOf(store);
}

test.each([10, 100, 200])('one that read before, and writes %i ms after, takes nothing away', async (afterMs) => {
  expect(await withRivals([afterMs])).toEqual(['rival 0', 'me']);
});

test.each([500, 1_900, 2_900])('where somebody else was seen, not even one who writes %i ms after it', async (afterMs) => {
  expect(await withRivals([10, afterMs])).toEqual(['rival 1', 'me']);
});

test('what was read longer ago than the window is not written, but read again', async () => {
  const time = clock();
  const { host, store } = await serveTag((seen, method) => {
    if (method !== 'GET' || seen.reads > 1) return undefined;
    time.pass(2_100);
    // It is written by somebody else while this reader waits for his answer.
    setImmediate(() => (seen.image = imageOf('rival')));
    return undefined;
  });
  await open(host, time).upsertTaggedLayer(tag, layer);
  expect(writersOf(store)).toEqual(['rival', 'me']);
  expect(store).toMatchObject({ reads: 2, puts: 1 });
});

test('a write without an answer is given up when its window ends, and what has become of it is read before it is sent again', async () => {
  const { host, store } = await serveTag((seen, method) => {
    if (method !== 'PUT' || seen.puts > 1) return undefined;
    // It arrives all the same.
    seen.image = imageOf('rival', 'mine');
    return 'silence';
  });
  const startMs = performance.now();
  await open(host).upsertTaggedLayer(tag, { ...layer, annotations: { by: 'mine' } });
  expect(performance.now() - startMs).toBeLessThan(20_000);
  expect(store.puts).toBe(1);
  expect(writersOf(store)).toEqual(['rival', 'mine']);
});

test('changes that come in while others are made are made by the same writer', async () => {
  const { host, store } = await serveTag();
  const time = clock();
  const repository = open(host, time);
  const other = { mediaType: 'text/plain', bytes: Buffer.from('later'), annotations: { by: 'later' } };
  const first = repository.upsertTaggedLayer(tag, layer);
  while (store.puts === 0) await new Promise(setImmediate);
  await Promise.all([first, repository.upsertTaggedLayer(tag, other)]);
  expect(writersOf(store)).toEqual(['me', 'later']);
  expect(store.puts).toBe(2);
});
