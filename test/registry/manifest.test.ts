import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { mediaTypes } from '../../src/model/image.ts';
import { readManifest } from '../../src/registry/manifest.ts';
import { open, serve } from './loopback.ts';

const digest = `sha256:${'a'.repeat(64)}` as const;
const descriptor = { mediaType: mediaTypes.ociLayerGzip, digest, size: 3 };
const image = {
  schemaVersion: 2,
  mediaType: mediaTypes.ociManifest,
  config: { ...descriptor, mediaType: mediaTypes.ociConfig },
  layers: [descriptor],
};
const index = {
  schemaVersion: 2,
  mediaType: mediaTypes.ociIndex,
  manifests: [{ ...descriptor, platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } }],
};

function read(value: unknown, stated?: string) {
  return readManifest(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)), 'r.io/app:1', stated);
}

test('reads images and indexes of OCI and Docker', () => {
  expect(read(image, `${mediaTypes.ociManifest}; charset=utf-8`)).toEqual({
    kind: 'image',
    mediaType: mediaTypes.ociManifest,
    artifactType: undefined,
    subject: undefined,
    annotations: {},
    config: image.config,
    layers: [descriptor],
  });
  expect(read({ ...index, mediaType: undefined })).toMatchObject({
    kind: 'index',
    mediaType: mediaTypes.ociIndex,
    manifests: index.manifests,
  });
  expect(read({ ...image, mediaType: undefined }, mediaTypes.dockerManifest)).toMatchObject({ mediaType: mediaTypes.dockerManifest });
  expect(read({ ...image, mediaType: mediaTypes.dockerManifest }, 'application/json')).toMatchObject({ kind: 'image' });
  const artifact = {
    ...image,
    artifactType: 'application/x',
    subject: { ...descriptor, mediaType: mediaTypes.ociManifest },
    annotations: { a: 'b' },
  };
  expect(read(artifact)).toMatchObject({ artifactType: 'application/x', subject: { digest }, annotations: { a: 'b' } });
});

test.each<[unknown, string | undefined, string]>([
  [{ ...image, manifests: [] }, undefined, 'it has both "manifests" and "layers" or "config"'],
  [{ ...index, layers: [] }, undefined, 'it has both'],
  [{ ...image, layers: undefined, config: undefined, manifests: [] }, undefined, 'its members are of the other kind'],
  [{ ...image, mediaType: mediaTypes.ociIndex }, undefined, 'its members are of the other kind'],
  [image, mediaTypes.dockerManifest, 'but it came as'],
  [image, mediaTypes.ociIndex, 'but it came as'],
  [{ schemaVersion: 1, name: 'app', fsLayers: [] }, undefined, 'schema 1'],
  [{ ...image, schemaVersion: '2' }, undefined, 'schemaVersion is not 2'],
  [{ ...image, mediaType: 'text/html' }, undefined, 'is not an image or an index'],
  [{ ...image, mediaType: 7 }, undefined, '"mediaType" is not a text'],
  [{ ...image, layers: [{ ...descriptor, digest: 'sha256:../x' }] }, undefined, 'the digest of "layers[0]"'],
  [{ ...image, layers: [{ ...descriptor, digest: `sha512:${'a'.repeat(128)}` }] }, undefined, 'the digest of "layers[0]"'],
  [{ ...image, layers: [{ ...descriptor, size: -1 }] }, undefined, 'the size of "layers[0]"'],
  [{ ...image, layers: [{ ...descriptor, size: 1.5 }] }, undefined, 'the size of "layers[0]"'],
  [{ ...image, layers: [{ ...descriptor, size: 2 ** 60 }] }, undefined, 'the size of "layers[0]"'],
  [{ ...image, layers: [{ ...descriptor, size: '3' }] }, undefined, 'the size of "layers[0]"'],
  [{ ...image, layers: [null] }, undefined, '"layers[0]" is not a descriptor'],
  [{ ...image, layers: {} }, undefined, '"layers" is not a list'],
  [{ ...image, config: undefined }, undefined, '"config" is not a descriptor'],
  [{ ...image, annotations: { a: 1 } }, undefined, 'the annotation "a" is not a text'],
  [
    { ...index, manifests: [{ ...descriptor, platform: { os: 'linux' } }] },
    undefined,
    '"manifests[0].platform" has no os and architecture',
  ],
  [JSON.stringify(image).replace('"config"', '"Config":{},"config"'), undefined, 'differ in case alone'],
  [JSON.stringify(image).replace('"layers"', '"layers":[],"layers"'), undefined, 'is there twice'],
  ['[]', undefined, 'it is not a JSON object'],
  ['{', undefined, 'not valid JSON'],
])('refuses %j as %s', (value, stated, reason) => {
  expect(() => read(value, stated)).toThrow(
    expect.objectContaining({ code: 'manifest-invalid', message: expect.stringContaining(reason) }),
  );
});

const bytes = Buffer.from(JSON.stringify(image));
const ownDigest = `sha256:${createHash('sha256').update(bytes).digest('hex')}` as const;

/** A registry that gives `body` for every manifest, and takes every one. */
function serveManifest(body: Buffer, headers: Record<string, string> = {}) {
  return serve((request, response) => {
    const status = request.method === 'PUT' ? 201 : 200;
    response.writeHead(status, { 'content-type': mediaTypes.ociManifest, ...headers }).end(request.method === 'GET' ? body : undefined);
  });
}

test('a manifest is what its bytes are, whatever the registry says of them', async () => {
  const { host, seen } = await serveManifest(bytes, { 'docker-content-digest': digest });
  expect((await open(host).fetchManifest('1')).descriptor).toEqual({
    mediaType: mediaTypes.ociManifest,
    digest: ownDigest,
    size: bytes.length,
  });
  await expect(open(host).fetchManifest(digest)).rejects.toMatchObject({ code: 'digest-mismatch' });
  await expect(open(host).putManifest(mediaTypes.ociManifest, bytes)).rejects.toMatchObject({ code: 'digest-mismatch' });
  expect(seen[0]?.headers.accept).toBe(
    [mediaTypes.ociIndex, mediaTypes.ociManifest, mediaTypes.dockerIndex, mediaTypes.dockerManifest].join(', '),
  );
});

test('a manifest that is not there after it was put is an error', async () => {
  const { host } = await serveManifest(Buffer.from(JSON.stringify({ ...image, annotations: { other: 'x' } })));
  await expect(open(host).putManifest(mediaTypes.ociManifest, bytes)).rejects.toMatchObject({ code: 'digest-mismatch' });
  await expect(open(host).putTag('1', mediaTypes.ociManifest, bytes)).rejects.toMatchObject({ code: 'tag-moved' });
});

test('more than 4 MiB is not taken', async () => {
  const { host } = await serveManifest(Buffer.alloc(4 * 1024 * 1024 + 1, 0x20));
  await expect(open(host).fetchManifest('1')).rejects.toMatchObject({
    code: 'unreachable',
    message: expect.stringContaining('larger than 4194304'),
  });
});

test('a tag moves only from what the caller has seen', async () => {
  const { host, seen } = await serveManifest(bytes, { 'docker-content-digest': ownDigest });
  await open(host).putTag('1', mediaTypes.ociManifest, bytes, ownDigest);
  await open(host).putTag('1', mediaTypes.ociManifest, bytes, 'absent');
  const other = Buffer.from(JSON.stringify({ ...image, annotations: { a: 'b' } }));
  const puts = seen.filter(({ method }) => method === 'PUT').length;
  for (const expected of [digest, 'absent'] as const) {
    await expect(open(host).putTag('1', mediaTypes.ociManifest, other, expected)).rejects.toMatchObject({ code: 'tag-moved' });
  }
  expect(seen.filter(({ method }) => method === 'PUT')).toHaveLength(puts);
});

test('a lost answer to a put is made up for, and what is no tag never reaches a path', async () => {
  let count = 0;
  const { host, seen } = await serve((request, response) => {
    count += 1;
    if (count === 1) return response.destroy();
    return response
      .writeHead(request.method === 'PUT' ? 201 : 200, { 'content-type': mediaTypes.ociManifest })
      .end(request.method === 'GET' ? bytes : '');
  });
  expect((await open(host).putManifest(mediaTypes.ociManifest, bytes)).digest).toBe(ownDigest);
  const requests = seen.length;
  for (const text of ['../../x', 'a/b', '', 'a?b', 'sha512:abc'])
    await expect(open(host).fetchManifest(text)).rejects.toMatchObject({ code: 'reference-invalid' });
  expect(seen).toHaveLength(requests);
});
