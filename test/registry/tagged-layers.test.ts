import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { mediaTypes } from '../../src/model/image.ts';
import { open, serve } from './loopback.ts';

const tag = `sha256-${'a'.repeat(64)}.sig`;
const layer = (text: string, signature: string) => ({
  mediaType: 'application/vnd.dev.cosign.simplesigning.v1+json',
  bytes: Buffer.from(text),
  annotations: { 'dev.cosignproject.cosign/signature': signature },
});

/** A registry of one tag; `onPut` may write over what was put. */
async function serveTag(initial: object | undefined, onPut: (puts: number, body: Buffer) => Buffer | undefined = () => undefined) {
  const blobs = new Map<string, Buffer>();
  let manifest: Buffer | undefined = initial === undefined ? undefined : Buffer.from(JSON.stringify(initial));
  let puts = 0;
  const { host } = await serve((request, response) => {
    const url = new URL(request.path, 'http://x');
    const digest = url.searchParams.get('digest') ?? url.pathname.split('/').at(-1) ?? '';
    if (url.pathname.endsWith('/blobs/uploads/')) return response.writeHead(202, { location: '/v2/team/app/blobs/uploads/1' }).end();
    if (url.pathname.includes('/blobs/uploads/')) {
      blobs.set(digest, request.body);
      return response.writeHead(201, { 'docker-content-digest': digest }).end();
    }
    if (url.pathname.includes('/blobs/'))
      return response
        .writeHead(blobs.has(digest) ? 200 : 404, { 'content-length': `${blobs.get(digest)?.length ?? 0}` })
        .end(request.method === 'GET' ? blobs.get(digest) : undefined);
    if (request.method === 'PUT') {
      puts += 1;
      manifest = onPut(puts, request.body) ?? request.body;
      return response.writeHead(201).end();
    }
    if (manifest === undefined) return response.writeHead(404).end();
    return response.writeHead(200, { 'content-type': mediaTypes.ociManifest }).end(manifest);
  });
  return { host, blobs, puts: () => puts, read: () => JSON.parse(manifest?.toString() ?? 'null') };
}

test('makes the image of signatures, with a configuration that has its layers', async () => {
  const registry = await serveTag(undefined);
  const repository = open(registry.host);
  await repository.upsertTaggedLayer(tag, layer('one', 'A'));
  await repository.upsertTaggedLayer(tag, layer('two', 'B'));
  const { config, layers, mediaType } = registry.read();
  expect(mediaType).toBe(mediaTypes.ociManifest);
  expect(layers.map(({ annotations }: { annotations: object }) => annotations)).toEqual([
    layer('', 'A').annotations,
    layer('', 'B').annotations,
  ]);
  const configuration = JSON.parse(registry.blobs.get(config.digest)?.toString() ?? '');
  const digests = ['one', 'two'].map((text) => `sha256:${createHash('sha256').update(text).digest('hex')}`);
  expect(configuration.rootfs.diff_ids).toEqual(digests);
  expect((await repository.listTaggedLayers(tag)).map(({ digest }) => digest)).toEqual(digests);
});

test('adding the same again writes nothing; another signature of the same document is another layer', async () => {
  const registry = await serveTag(undefined);
  const repository = open(registry.host);
  await repository.upsertTaggedLayer(tag, layer('one', 'A'));
  await repository.upsertTaggedLayer(tag, layer('one', 'A'));
  expect(registry.puts()).toBe(1);
  await repository.upsertTaggedLayer(tag, layer('one', 'B'));
  expect(registry.read().layers).toHaveLength(2);
});

test('keeps what others have put there, and puts its own back where it was written over', async () => {
  const other = { mediaType: 'application/x', digest: `sha256:${'b'.repeat(64)}`, size: 3 };
  const initial = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: { mediaType: mediaTypes.ociConfig, digest: `sha256:${'c'.repeat(64)}`, size: 2 },
    layers: [other],
    annotations: { theirs: 'yes' },
  };
  const registry = await serveTag(initial, (puts) => (puts === 1 ? Buffer.from(JSON.stringify(initial)) : undefined));
  await open(registry.host).upsertTaggedLayer(tag, layer('one', 'A'));
  expect(registry.puts()).toBe(2);
  expect(registry.read()).toMatchObject({ annotations: { theirs: 'yes' }, layers: [other, { annotations: layer('', 'A').annotations }] });
});

test('a tag that holds something else is not written over', async () => {
  const registry = await serveTag({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [] });
  await expect(open(registry.host).upsertTaggedLayer(tag, layer('one', 'A'))).rejects.toMatchObject({ name: expect.any(String) });
  expect(registry.puts()).toBe(0);
});

test('others that always write over it are an error', async () => {
  const registry = await serveTag(undefined, () =>
    Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: mediaTypes.ociManifest,
        config: { mediaType: mediaTypes.ociConfig, digest: `sha256:${'c'.repeat(64)}`, size: 2 },
        layers: [],
      }),
    ),
  );
  await expect(open(registry.host).upsertTaggedLayer(tag, layer('one', 'A'))).rejects.toMatchObject({ code: 'referrers-unavailable' });
});
