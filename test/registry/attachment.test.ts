import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Descriptor } from '../../src/model/image.ts';
import { mediaTypes } from '../../src/model/image.ts';
import { digestOf, emptyConfig } from '../../src/registry/artifact.ts';
import type { ReferrersMode } from '../../src/registry/attachment.ts';
import { toReferrersTag } from '../../src/registry/referrers-tag.ts';
import { startRegistry } from '../../src/sandbox/registry.ts';
import { open, serve } from './loopback.ts';

const artifactType = 'application/vnd.test';

async function start(referrersApi: boolean, referrers: ReferrersMode = 'auto') {
  const folder = await mkdtemp(join(tmpdir(), 'attachment-'));
  const registry = await startRegistry({ folder, now: () => new Date(), limits: { referrersApi, pageSize: 2 } });
  onTestFinished(async () => {
    await registry.close();
    await rm(folder, { recursive: true, force: true });
  });
  const repository = open(registry.host, { referrers });
  await repository.putBlob(digestOf(emptyConfig), emptyConfig);
  const config = { mediaType: mediaTypes.ociEmpty, digest: digestOf(emptyConfig), size: emptyConfig.length };
  const put = (name: string) => {
    const manifest = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers: [config], annotations: { name } };
    return repository.putManifest(mediaTypes.ociManifest, Buffer.from(JSON.stringify(manifest)));
  };
  const tagPuts = () => registry.requests.filter(({ method, path }) => method === 'PUT' && path.includes('/manifests/sha256-')).length;
  return { registry, repository, put, tagPuts };
}

function toArtifact(subject: Descriptor, text: string, type = artifactType) {
  return { subject, artifactType: type, layers: [{ mediaType: 'text/plain', bytes: Buffer.from(text) }] };
}

function digestsOf(listed: readonly Descriptor[]): readonly string[] {
  return listed.map(({ digest }) => digest).toSorted();
}

describe.each([true, false])('with referrers API: %s', (hasApi) => {
  test('many are attached to two subjects, whose indexes are written once where there is no API', async () => {
    const { repository, put, tagPuts } = await start(hasApi);
    const [one, two] = [await put('one'), await put('two')];
    const attached = await repository.attachReferrers(
      [one, two].flatMap((subject) => ['a', 'b', 'c', 'd', 'e'].map((text) => toArtifact(subject, text))),
    );
    expect(new Set(digestsOf(attached)).size).toBe(10);
    expect(digestsOf(await repository.findReferrers(one.digest, {}))).toEqual(digestsOf(attached.slice(0, 5)));
    expect(digestsOf(await repository.findReferrers(two.digest, { artifactType }))).toEqual(digestsOf(attached.slice(5)));
    expect(tagPuts()).toBe(hasApi ? 0 : 2);
    expect(await repository.attachReferrers([toArtifact(one, 'a')])).toEqual([attached[0]]);
    expect(tagPuts()).toBe(hasApi ? 0 : 2);
  });

  test('what is attached one by one at once is written by one writer, who loses nothing', async () => {
    const { repository, put, tagPuts } = await start(hasApi);
    const subject = await put('one');
    const attached = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((text) => repository.attachReferrer(toArtifact(subject, text))));
    expect(digestsOf(await repository.findReferrers(subject.digest, {}))).toEqual(digestsOf(attached));
    expect(tagPuts()).toBeLessThanOrEqual(hasApi ? 0 : 5);
  });

  test('only what is wanted is found', async () => {
    const { repository, put } = await start(hasApi);
    const subject = await put('one');
    const types = ['application/a', 'application/b'];
    const attached = await repository.attachReferrers(
      types.flatMap((type) => ['1', '2', '3'].map((text) => toArtifact(subject, text, type))),
    );
    const asked: string[] = [];
    const wanted = attached[1]?.digest ?? '';
    const found = await repository.findReferrers(subject.digest, {
      artifactType: 'application/a',
      isWanted: ({ digest }) => asked.push(digest) > 0 && digest === wanted,
    });
    expect(digestsOf(found)).toEqual([wanted]);
    expect(asked.toSorted()).toEqual(digestsOf(attached.slice(0, 3)));
  });

  test('what is deleted is neither there nor listed, and others stay', async () => {
    const { repository, put } = await start(hasApi);
    const subject = await put('one');
    const [a, b, c, d] = await repository.attachReferrers(['a', 'b', 'c', 'd'].map((text) => toArtifact(subject, text)));
    if (a === undefined || b === undefined || c === undefined || d === undefined) throw new Error('not attached');
    await repository.deleteReferrer(subject.digest, a.digest);
    await Promise.all([repository.deleteReferrer(subject.digest, b.digest), repository.deleteReferrers(subject.digest, [c.digest])]);
    expect(digestsOf(await repository.findReferrers(subject.digest, {}))).toEqual([d.digest]);
    expect(await repository.headManifest(b.digest)).toBeUndefined();
    await repository.deleteReferrer(subject.digest, b.digest);
  });

  test('what refers to something else, or is an image, is not deleted', async () => {
    const { repository, put } = await start(hasApi);
    const [one, two] = [await put('one'), await put('two')];
    const [own, foreign] = await repository.attachReferrers([toArtifact(one, 'a'), toArtifact(two, 'a')]);
    if (own === undefined || foreign === undefined) throw new Error('not attached');
    for (const other of [foreign.digest, two.digest]) {
      await expect(repository.deleteReferrers(one.digest, [own.digest, other])).rejects.toMatchObject({ code: 'referrer-foreign' });
    }
    for (const { digest } of [own, foreign, two]) expect(await repository.headManifest(digest)).toBe(digest);
    expect(digestsOf(await repository.findReferrers(one.digest, {}))).toEqual([own.digest]);
  });
});

test('an entry at the referrers tag is taken out also where the registry has the API', async () => {
  const { repository, put } = await start(true);
  const subject = await put('one');
  const { digest, mediaType, size } = await repository.attachReferrer(toArtifact(subject, 'a'));
  const index = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociIndex,
    manifests: [{ mediaType, digest, size }],
    annotations: { theirs: 'yes' },
  };
  await repository.putTag(toReferrersTag(subject.digest), mediaTypes.ociIndex, Buffer.from(JSON.stringify(index)));
  await repository.deleteReferrer(subject.digest, digest);
  const { manifest } = await repository.fetchManifest(toReferrersTag(subject.digest));
  expect(manifest).toMatchObject({ kind: 'index', manifests: [], annotations: { theirs: 'yes' } });
});

test('with the API alone nothing is written at a tag, and a registry without it is refused', async () => {
  const { repository, put, tagPuts } = await start(true, 'api');
  const subject = await put('one');
  await repository.checkReferrers(subject.digest);
  await repository.attachReferrer(toArtifact(subject, 'a'));
  expect(tagPuts()).toBe(0);
  const without = await start(false, 'api');
  const other = await without.put('one');
  const missing = { code: 'referrers-api-missing', origin: 'input', hint: expect.stringContaining('auto') };
  await expect(without.repository.checkReferrers(other.digest)).rejects.toMatchObject(missing);
  await expect(without.repository.attachReferrer(toArtifact(other, 'a'))).rejects.toMatchObject(missing);
  expect(without.tagPuts()).toBe(0);
});

test.each([true, false])('with both, what is attached is at the tag whether there is the API or not: %s', async (hasApi) => {
  const { repository, put, tagPuts } = await start(hasApi, 'both');
  const subject = await put('one');
  const attached = await repository.attachReferrers(['a', 'b'].map((text) => toArtifact(subject, text)));
  const { manifest } = await repository.fetchManifest(toReferrersTag(subject.digest));
  expect(manifest.kind === 'index' && digestsOf(manifest.manifests)).toEqual(digestsOf(attached));
  expect(digestsOf(await repository.findReferrers(subject.digest, {}))).toEqual(digestsOf(attached));
  expect(tagPuts()).toBe(1);
  await repository.deleteReferrers(
    subject.digest,
    attached.slice(0, 1).map(({ digest }) => digest),
  );
  expect(digestsOf(await repository.findReferrers(subject.digest, {}))).toEqual(digestsOf(attached.slice(1)));
  expect((await repository.fetchManifest(toReferrersTag(subject.digest))).manifest).toMatchObject({ manifests: [attached[1]] });
});

test('layers that are added at once to one tag are added by one writer', async () => {
  const { repository, registry } = await start(false);
  const tag = `sha256-${'a'.repeat(64)}.att`;
  const layers = ['a', 'b', 'c', 'd'].map((text) => ({ mediaType: 'text/plain', bytes: Buffer.from(text), annotations: { text } }));
  await repository.upsertTaggedLayers(tag, [...layers, ...layers]);
  expect((await repository.listTaggedLayers(tag)).map(({ annotations }) => annotations?.text)).toEqual(['a', 'b', 'c', 'd']);
  expect(registry.requests.filter(({ method, path }) => method === 'PUT' && path.includes('/manifests/'))).toHaveLength(1);
});

describe('a flood of 10,000 of the same type, with the same annotations', () => {
  const count = 10_000;
  const junk = [...Array(count).keys()].map((at) => {
    const digest = digestOf(Buffer.from(`${at}`));
    return { mediaType: mediaTypes.ociManifest, digest, size: 700, artifactType, annotations: { thumbprint: '0'.repeat(64) } };
  });
  const [first, middle] = [junk[0], junk[count / 2]] as [Descriptor, Descriptor];
  const isWanted = ({ digest }: Descriptor) => digest === middle.digest || digest === first.digest;
  const indexOf = (manifests: readonly object[]) => JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests });
  const headers = { 'content-type': mediaTypes.ociIndex };

  test.each([100, 1_000, 10_000])('is read to its end in pages of %i, and each of what is wanted is found once', async (pageSize) => {
    const { host, seen } = await serve(({ path }, response) => {
      const start = Number(new URL(path, 'http://x').searchParams.get('last') ?? '0');
      const end = start + pageSize;
      const link = end < count ? { link: `</v2/team/app/referrers/${first.digest}?last=${end}>; rel="next"` } : {};
      // Each page begins with the first one again.
      response.writeHead(200, { ...headers, ...link }).end(indexOf([first, ...junk.slice(start, end)]));
    });
    expect(await open(host).findReferrers(first.digest, { artifactType, isWanted })).toEqual([first, middle]);
    expect(seen).toHaveLength(count / pageSize);
  });

  test('is read at the referrers tag', async () => {
    const { host } = await serve(({ path }, response) =>
      path.includes('/referrers/') ? response.writeHead(404).end() : response.writeHead(200, headers).end(indexOf([...junk, first])),
    );
    expect(await open(host).findReferrers(first.digest, { artifactType, isWanted })).toEqual([first, middle]);
  });

  test('with something wrong at its end is an error, whatever was found before', async () => {
    const { host } = await serve((_request, response) =>
      response.writeHead(200, headers).end(indexOf([...junk, { ...first, digest: 'sha256:1' }])),
    );
    await expect(open(host).findReferrers(first.digest, { isWanted })).rejects.toMatchObject({
      code: 'manifest-invalid',
      message: expect.stringContaining('manifests[10000]'),
    });
  });
});

test('a registry that takes no images of Docker is told from one that takes none as large', async () => {
  const { host } = await serve((_request, response) => response.writeHead(415).end());
  await expect(open(host).putManifest(mediaTypes.dockerManifest, Buffer.from('{}'))).rejects.toMatchObject({
    code: 'refused',
    hint: expect.stringContaining('oci-archive:'),
  });
});
