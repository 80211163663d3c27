import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HttpClient } from '../../src/lib/http.ts';
import type { RunningRegistry } from '../../src/sandbox/registry.ts';
import { fileInputs, openPlace, type Place } from '../main/place.ts';
import { describe as descriptorOf, gzipLayerType, LayoutFixture, ociConfigType, ociManifestType } from '../source/image-fixture.ts';
import { pushLayout } from '../source/remote-layout.ts';
import { baseLayer, digestOf, layerOf, openHttp, runPublication } from './publication.ts';

let place: Place;
let http: HttpClient;

beforeAll(async () => {
  place = await openPlace();
  http = await openHttp(place);
});

afterAll(async () => {
  http.close();
  await place.close();
});

const basic = () => Buffer.from(`shop-ci:${place.password}`).toString('base64');

/** A registry whose repository `team/app` has `layout`. */
async function registryWith(layout: LayoutFixture): Promise<RunningRegistry> {
  const users = [{ name: 'shop-ci', password: place.password, grants: [{ repository: 'team/*', actions: ['pull', 'push'] as const }] }];
  const registry = await place.startRegistry({ auth: { kind: 'basic', users } });
  await pushLayout(registry, layout, { authorization: `Basic ${basic()}` });
  return registry;
}

const base = gzipSync(baseLayer);
const app = layerOf('srv/app', 'the application');

function imageOf(layout: LayoutFixture, architecture: string, layers: readonly object[]): ReturnType<LayoutFixture['json']> {
  const config = {
    os: 'linux',
    architecture,
    config: { User: '1000' },
    rootfs: { type: 'layers', diff_ids: [digestOf(baseLayer), digestOf(app)] },
    history: [{ created_by: 'FROM base' }, { created_by: 'COPY app' }],
  };
  const configBlob = layout.json(ociConfigType, config);
  return layout.json(ociManifestType, { schemaVersion: 2, mediaType: ociManifestType, config: descriptorOf(configBlob), layers });
}

function multiPlatform() {
  const layout = new LayoutFixture();
  const layers = [base, gzipSync(app)].map((bytes) => descriptorOf(layout.put({ mediaType: gzipLayerType, bytes })));
  const images = ['amd64', 'arm64', 's390x'].map((architecture) => imageOf(layout, architecture, layers));
  const platforms = ['amd64', 'arm64', 's390x'].map((architecture) => ({ os: 'linux', architecture }));
  const index = layout.index(images.map((image, at) => descriptorOf(image, { platform: platforms[at] as object })));
  layout.root(descriptorOf(index));
  return { layout, index, images };
}

describe('an image of a registry', () => {
  it('is promoted within the registry with its digest, and without a byte of a layer', async () => {
    const { layout, index } = multiPlatform();
    const registry = await registryWith(layout);
    const inputs = { ...fileInputs(place, `${registry.host}/team/released:1`), image: `registry:${registry.host}/team/app` };
    const run = await runPublication(place, http, inputs);
    expect(run).toMatchObject({ exitCode: 0, digest: digestOf(index.bytes), report: { takenFrom: null } });
    expect(registry.content.tags('team/released').map(([tag]) => tag)).toEqual(['1']);
    expect(registry.requests.filter(({ method, path }) => method === 'PATCH' && path.includes('team/released'))).toEqual([]);
    expect(run.report.platforms.map(({ platform }) => platform)).toEqual(['linux/amd64', 'linux/arm64', 'linux/s390x']);
  });

  it('is promoted to another registry, which alone is given the password of the inputs', async () => {
    const { layout, index } = multiPlatform();
    const source = await registryWith(layout);
    const target = await place.startRegistry();
    const inputs = { ...fileInputs(place, `${target.host}/team/app:1`), image: `registry:${source.host}/team/app` };
    const config = (auths: object) => ({ path: 'config.json', bytes: Buffer.from(JSON.stringify({ auths })) });
    const refused = await runPublication(place, http, inputs, { loginFiles: [config({})] });
    expect(refused.exitCode).toBe(3);
    expect(refused.log.join('\n')).toContain(`cannot read the manifest of ${source.host}/team/app:latest`);
    expect(target.requests).toEqual([]);
    const run = await runPublication(place, http, inputs, { loginFiles: [config({ [source.host]: { auth: basic() } })] });
    expect(run).toMatchObject({ exitCode: 0, digest: digestOf(index.bytes) });
    expect(target.content.manifests('team/app').length).toBeGreaterThan(4);
  });

  it('that is not there is bad input', async () => {
    const registry = await registryWith(multiPlatform().layout);
    const inputs = { ...fileInputs(place, `${registry.host}/team/released:1`), image: `registry:${registry.host}/team/app:2` };
    expect((await runPublication(place, http, inputs)).exitCode).toBe(2);
  });
});

describe('the input platform', () => {
  it('publishes the one that is chosen under its own digest, and says where it is from', async () => {
    const { layout, index, images } = multiPlatform();
    const registry = await registryWith(layout);
    const inputs = {
      ...fileInputs(place, `${registry.host}/team/arm:1`),
      image: `registry:${registry.host}/team/app`,
      platform: 'linux/arm64/v8',
    };
    const run = await runPublication(place, http, inputs);
    const digest = digestOf(images[1]?.bytes ?? '');
    expect(run).toMatchObject({
      exitCode: 0,
      digest,
      report: { takenFrom: digestOf(index.bytes), platforms: [{ platform: 'linux/arm64' }] },
    });
    expect(run.log.join('\n')).toContain(`Took ${digest} out of the multi-platform image ${digestOf(index.bytes)}`);
    expect(run.report.platforms).toHaveLength(1);
  });

  it('publishes several as an index of them alone', async () => {
    const { layout, images } = multiPlatform();
    const registry = await registryWith(layout);
    const inputs = {
      ...fileInputs(place, `${registry.host}/team/two:1`),
      image: `registry:${registry.host}/team/app`,
      platform: 'linux/s390x\nlinux/amd64',
    };
    const run = await runPublication(place, http, inputs);
    expect(run.exitCode).toBe(0);
    const published = registry.content.manifests('team/two').find(({ digest }) => digest.text === run.digest);
    const { manifests } = JSON.parse(published?.bytes.toString() ?? '{}');
    expect(manifests.map(({ digest }: { digest: string }) => digest)).toEqual(
      [images[0], images[2]].map((image) => digestOf(image?.bytes ?? '')),
    );
  });
});

describe('an image with a foreign layer', () => {
  function foreignImage(isHeld: boolean) {
    const layout = new LayoutFixture();
    const mediaType = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip';
    if (isHeld) layout.put({ mediaType, bytes: base });
    const foreign = { ...descriptorOf({ mediaType, bytes: base }), urls: ['https://example.invalid/base'] };
    const image = imageOf(layout, 'amd64', [foreign, descriptorOf(layout.put({ mediaType: gzipLayerType, bytes: gzipSync(app) }))]);
    layout.root(descriptorOf(image));
    return { layout, image };
  }
  const accepting = (code: string) =>
    `version: 1\nextends: builtin\ngaps:\n${[code, 'no-release'].map((one) => `  - code: ${one}\n    reason: known\n    expires: 2099-12-31\n`).join('')}`;

  it('that is not in the source is undecided, and nothing is published', async () => {
    const registry = await registryWith(foreignImage(false).layout);
    const inputs = { ...fileInputs(place, `${registry.host}/team/out:1`), image: `registry:${registry.host}/team/app` };
    const run = await runPublication(place, http, inputs);
    expect(run).toMatchObject({ exitCode: 3, report: { verdict: { kind: 'undecided' } } });
    expect(run.report.gaps).toEqual([{ code: 'foreign', path: null, layer: 0, reason: expect.stringContaining(digestOf(base)) }]);
    expect(run.report.platforms[0]?.layers.map(({ diffId }) => diffId)).toEqual([digestOf(baseLayer), digestOf(app)]);
    expect(registry.content.tags('team/out')).toEqual([]);
  });

  it.each([false, true])(
    'is published as it is where the policy accepts that, and the layer is never pushed (held: %s)',
    async (isHeld) => {
      const { layout, image } = foreignImage(isHeld);
      const registry = await registryWith(layout);
      await writeFile(join(place.workspace, 'foreign.yml'), accepting('foreign'));
      const target = await place.startRegistry({ auth: { kind: 'none' } });
      const inputs = {
        ...fileInputs(place, `${target.host}/team/out:1`),
        image: `registry:${registry.host}/team/app`,
        policy: 'foreign.yml',
      };
      const config = { path: 'config.json', bytes: Buffer.from(JSON.stringify({ auths: { [registry.host]: { auth: basic() } } })) };
      const run = await runPublication(place, http, inputs, { loginFiles: [config] });
      expect(run).toMatchObject({ exitCode: 0, digest: digestOf(image.bytes) });
      expect(run.report.gaps.map(({ code }) => code)).toEqual(isHeld ? [] : ['foreign']);
      expect(target.requests.filter(({ path, query }) => (path + query).includes(digestOf(base).slice(7)))).toEqual([]);
      expect((await fetch(`${target.url}/v2/team/out/blobs/${digestOf(base)}`)).status).toBe(404);
    },
  );
});
