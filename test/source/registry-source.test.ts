import { describe, expect, it } from 'vitest';
import { SecretValue } from '../../src/lib/secret-value.ts';
import type { FaultPlan } from '../../src/sandbox/registry.ts';
import { itIsASource } from '../contract/source.ts';
import { serve } from '../registry/loopback.ts';
import {
  attestedLayout,
  configOf,
  describe as descriptorOf,
  digestOf,
  gzipLayer,
  LayoutFixture,
  layerOrder,
  layers,
  ociManifestType,
} from './image-fixture.ts';
import { readWhole, refusalOf } from './reading.ts';
import { openRemote, pushLayout, startRemote } from './remote-layout.ts';

const amd64 = { os: 'linux', architecture: 'amd64' };

describe('an image in a registry', () => {
  itIsASource(
    async () => {
      const registry = await startRemote();
      await pushLayout(registry, attestedLayout().layout);
      return await openRemote(`${registry.host}/team/app:ci`);
    },
    { seekable: true },
  );

  it('has the structure of the layout that was pushed, to the byte', async () => {
    const { layout, index } = attestedLayout();
    const registry = await startRemote();
    await pushLayout(registry, layout);
    for (const name of ['team/app:ci', `team/app@${digestOf(index.bytes)}`, `team/app:other@${digestOf(index.bytes)}`]) {
      const source = await openRemote(`${registry.host}/${name}`);
      expect(source).toMatchObject({
        name: `registry:${registry.host}/${name}`,
        repository: { registry: registry.host, repository: 'team/app' },
      });
      const image = await readWhole(source);
      expect(image).toMatchObject({ kind: 'index', bytes: index.bytes, children: [{ kind: 'kept' }, { kind: 'attachment' }] });
    }
  });

  it('is what its tag named at the beginning, whatever it names later', async () => {
    const { layout, index } = attestedLayout();
    const registry = await startRemote();
    await pushLayout(registry, layout);
    const source = await openRemote(`${registry.host}/team/app:ci`);
    const other = new LayoutFixture();
    const named = { annotations: { 'org.opencontainers.image.ref.name': 'ci' } };
    other.root(descriptorOf(other.image({ config: configOf({ architecture: 'arm64' }) }), named));
    await pushLayout(registry, other);
    expect(await readWhole(source)).toMatchObject({ descriptor: { digest: digestOf(index.bytes) } });
    expect(registry.requests.filter(({ method, path }) => method === 'GET' && path.endsWith('/manifests/ci'))).toHaveLength(1);
  });

  it('is read with nested indexes, each layer once', async () => {
    const layout = new LayoutFixture();
    const arm = layout.image({ config: configOf({ architecture: 'arm64' }) });
    const inner = layout.index([descriptorOf(layout.image(), { platform: amd64 }), descriptorOf(arm)]);
    layout.root(descriptorOf(layout.index([descriptorOf(inner), descriptorOf(arm)])));
    const registry = await startRemote();
    await pushLayout(registry, layout);
    const keys: string[] = [];
    const source = await openRemote(`${registry.host}/team/app`);
    const image = await source.read(async ({ key }) => void keys.push(key), { parallel: 2 });
    expect(image).toMatchObject({ children: [{ kind: 'index', children: [{ kind: 'kept' }, { kind: 'kept' }] }, { kind: 'kept' }] });
    expect(keys).toHaveLength(2);
  });

  it('goes on where a connection broke off, in the same visit', async () => {
    const layout = new LayoutFixture();
    layout.root(descriptorOf(layout.image({ layers: layerOrder.map((at) => ({ mediaType: tarType, bytes: layers[at] })) })));
    const ranges: (string | undefined)[] = [];
    const faults: FaultPlan = ({ method, route, headers }) => {
      if (method !== 'GET' || route?.kind !== 'blob' || route.digest !== digestOf(layers[0])) return undefined;
      ranges.push(headers.range);
      return ranges.length === 1 ? { kind: 'truncate', afterBytes: 1_500_000 } : undefined;
    };
    const registry = await startRemote({ faults });
    await pushLayout(registry, layout);
    const visits: string[] = [];
    await (await openRemote(`${registry.host}/team/app`)).read(
      async ({ key }, content) => {
        const chunks: Uint8Array[] = [];
        for await (const chunk of content) chunks.push(chunk);
        visits.push(key);
        expect(digestOf(Buffer.concat(chunks))).toBe(key);
      },
      { parallel: 1 },
    );
    expect(visits).toHaveLength(2);
    expect(ranges).toEqual([undefined, expect.stringMatching(/^bytes=[1-9]\d*-$/)]);
  });
});

describe('an image that a registry does not give', () => {
  it.each(['team/app:2', `team/app@sha256:${'a'.repeat(64)}`, 'team/none'])('%s is bad input', async (name) => {
    const registry = await startRemote();
    await pushLayout(registry, attestedLayout().layout);
    const { error } = await refusalOf(() => openRemote(`${registry.host}/${name}`));
    expect(error).toMatchObject({
      code: 'source-not-found',
      origin: 'input',
      message: expect.stringContaining(`registry:${registry.host}/${name}`),
    });
  });

  it('names the right to pull, and takes one who has only that', async () => {
    const users = [
      { name: 'reader', password: 'r', grants: [{ repository: 'team/app', actions: ['pull'] }] },
      { name: 'writer', password: 'w', grants: [{ repository: 'team/app', actions: ['pull', 'push'] }] },
      { name: 'other', password: 'o', grants: [] },
    ] as const;
    const registry = await startRemote({ auth: { kind: 'basic', users } });
    await pushLayout(registry, attestedLayout().layout, { authorization: `Basic ${Buffer.from('writer:w').toString('base64')}` });
    const as = (username: string, password: string) =>
      openRemote(`${registry.host}/team/app:ci`, [], { credential: { kind: 'password', username, password: new SecretValue(password) } });
    expect(await readWhole(await as('reader', 'r'))).toMatchObject({ kind: 'index' });
    const { error } = await refusalOf(() => as('other', 'o'));
    expect(error).toMatchObject({ code: 'forbidden', origin: 'registry', missing: { grant: 'pull from team/app' } });
  });

  it.each([
    ['application/vnd.docker.distribution.manifest.v1+prettyjws', '{"schemaVersion":1,"fsLayers":[],"signatures":[]}'],
    ['application/vnd.docker.distribution.manifest.v1+json', '{"schemaVersion":1}'],
    ['application/json', '{"schemaVersion":1}'],
    ['application/vnd.docker.distribution.manifest.v1+prettyjws', '{"schemaVersion":2,"config":{},"layers":[]}'],
  ])('is of schema 1: %s', async (type, body) => {
    const { host } = await serve((_request, response) => response.writeHead(200, { 'content-type': type }).end(body));
    const { error } = await refusalOf(() => openRemote(`${host}/team/app:1`));
    expect(error).toMatchObject({ origin: 'registry', message: expect.stringContaining('schema 1') });
    expect(error.hint).toContain('push it again');
  });

  it('is an artifact', async () => {
    const layout = new LayoutFixture();
    layout.root(descriptorOf(layout.image({ configType: 'application/vnd.cncf.helm.config.v1+json' })));
    const registry = await startRemote();
    await pushLayout(registry, layout);
    const { error } = await refusalOf(() => openRemote(`${registry.host}/team/app`));
    expect(error).toMatchObject({ code: 'source-unsupported', message: expect.stringContaining('is an artifact') });
  });

  it('lacks a platform, a configuration or a layer', async () => {
    const { layout, image } = attestedLayout();
    const index = layout.index([
      descriptorOf(image, { platform: amd64 }),
      descriptorOf({ mediaType: ociManifestType, bytes: Buffer.from('x') }, { platform: { os: 'linux', architecture: 'arm64' } }),
    ]);
    layout.root(descriptorOf(index));
    const registry = await startRemote({ limits: { requireContent: false } });
    await pushLayout(registry, layout);
    const { error } = await refusalOf(() => openRemote(`${registry.host}/team/app`));
    expect(error).toMatchObject({ code: 'source-incomplete', message: expect.stringContaining('it lacks the platforms linux/arm64') });

    const part = new LayoutFixture();
    part.root(descriptorOf(part.image()));
    part.files.delete(`blobs/sha256/${digestOf(gzipLayer(layers[0]).bytes).slice(7)}`);
    const other = await startRemote({ limits: { requireContent: false } });
    await pushLayout(other, part);
    const { error: lost } = await refusalOf(() => openRemote(`${other.host}/team/app`));
    expect(lost).toMatchObject({ code: 'blob-unknown', origin: 'registry', message: expect.stringContaining('read the blob') });
  });
});

const tarType = 'application/vnd.oci.image.layer.v1.tar';
