import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HeldLayers } from '../../src/command/held-layers.ts';
import type { HttpClient } from '../../src/lib/http.ts';
import { readWhole } from '../../src/lib/http-client.ts';
import { SecretValue } from '../../src/lib/secret-value.ts';
import { mediaTypes } from '../../src/model/image.ts';
import { openRepository, type Repository } from '../../src/registry/repository.ts';
import type { FaultPlan, RunningRegistry } from '../../src/sandbox/registry.ts';
import { fileInputs, openPlace, type Place } from '../main/place.ts';
import { baseLayer, digestOf, layerOf, openHttp, runPublication, writeArchive } from './publication.ts';

let place: Place;
let http: HttpClient;
const large = layerOf('opt/large', randomBytes(3_000_000));

beforeAll(async () => {
  place = await openPlace();
  http = await openHttp(place);
  await writeArchive(place, 'image.tar', [baseLayer, large]);
});

afterAll(async () => {
  http.close();
  await place.close();
});

function open(registry: RunningRegistry, path: string): Repository {
  const credential = { kind: 'password', username: 'shop-ci', password: new SecretValue(place.password) } as const;
  const options = { http, credential, now: () => new Date(), random: () => 0, sleep: async () => {} };
  return openRepository({ registry: registry.host, repository: path }, options);
}

function sentTo(registry: RunningRegistry, repository: string): number {
  return registry.requests.filter(({ method, path }) => method === 'PATCH' && path.startsWith(`/v2/${repository}/`)).length;
}

function mountsOf(registry: RunningRegistry): readonly (number | undefined)[] {
  return registry.requests.filter(({ method, query }) => method === 'POST' && query.includes('mount=')).map(({ status }) => status);
}

async function expectWhole(registry: RunningRegistry, repository: string): Promise<void> {
  const { manifest } = await open(registry, repository).fetchManifest('1');
  for (const layer of manifest.kind === 'image' ? manifest.layers : []) await open(registry, repository).fetchBlob(layer, readWhole);
}

describe('several repositories of one registry', () => {
  const push = (...registries: readonly RunningRegistry[]) =>
    registries.flatMap(({ host }) => ['a', 'b', 'c'].map((name) => `${host}/team/${name}:1`)).join('\n');

  it('the first is sent each layer, the others take it over', async () => {
    const registry = await place.startRegistry();
    const run = await runPublication(place, http, { ...fileInputs(place, push(registry)), image: 'docker-archive:image.tar' });
    expect(run).toMatchObject({ exitCode: 0, publication: { uploadsSentAgain: 0 } });
    expect(run.publication.bytesReused).toBeGreaterThan(6_000_000);
    expect(['team/a', 'team/b', 'team/c'].map((name) => sentTo(registry, name))).toEqual([2, 0, 0]);
    expect(mountsOf(registry)).toEqual([201, 201, 201, 201]);
    await Promise.all(['team/a', 'team/b', 'team/c'].map((name) => expectWhole(registry, name)));
  });

  it('two registries are sent it once each', async () => {
    const registries = await Promise.all([place.startRegistry(), place.startRegistry()]);
    const run = await runPublication(place, http, { ...fileInputs(place, push(...registries)), image: 'docker-archive:image.tar' });
    expect(run).toMatchObject({ exitCode: 0, publication: { uploadsSentAgain: 0 } });
    expect(registries.map((registry) => sentTo(registry, 'team/a'))).toEqual([2, 2]);
    expect(registries.map((registry) => sentTo(registry, 'team/b'))).toEqual([0, 0]);
  });

  it('a blob that only one of them has stands for the layer in all', async () => {
    const registry = await place.startRegistry();
    const first = { ...fileInputs(place, `${registry.host}/team/a:0`), image: 'docker-archive:image.tar' };
    await runPublication(place, http, first);
    const run = await runPublication(place, http, { ...fileInputs(place, push(registry)), image: 'docker-archive:image.tar' });
    expect(run).toMatchObject({ exitCode: 0, publication: { uploadsSentAgain: 0 } });
    expect(['team/a', 'team/b', 'team/c'].map((name) => sentTo(registry, name))).toEqual([2, 0, 0]);
    await Promise.all(['team/b', 'team/c'].map((name) => expectWhole(registry, name)));
  });

  it.each([
    ['begins an upload instead', { status: 202, headers: { location: '/v2/team/b/blobs/uploads/0' } }],
    ['refuses', { status: 405 }],
    ['says that the other repository is not there', { status: 404, body: '{"errors":[{"code":"NAME_UNKNOWN"}]}' }],
    ['does not let this user read there', { status: 403, body: '{"errors":[{"code":"DENIED"}]}' }],
  ])('where the registry %s, layers are read and sent again', async (_name, answer) => {
    const faults: FaultPlan = ({ method, target }) =>
      method === 'POST' && target.includes('mount=') ? { kind: 'answer', ...answer } : undefined;
    const registry = await place.startRegistry({ faults });
    const run = await runPublication(place, http, { ...fileInputs(place, push(registry)), image: 'docker-archive:image.tar' });
    expect(run).toMatchObject({ exitCode: 0, publication: { uploadsSentAgain: 4, bytesReused: 0 } });
    expect(['team/a', 'team/b', 'team/c'].map((name) => sentTo(registry, name))).toEqual([2, 2, 2]);
    expect(registry.openUploads()).toBe(0);
    await Promise.all(['team/a', 'team/b', 'team/c'].map((name) => expectWhole(registry, name)));
  });
});

describe('layers that are read from another repository of the registry', () => {
  const descriptor = { mediaType: mediaTypes.ociLayer, digest: digestOf(large), size: large.length };
  const layer = { key: descriptor.digest, kind: 'layer', descriptor, sizeBytes: large.length, diffId: undefined } as const;

  async function openHeld(registry: RunningRegistry, source: string) {
    const destination = { repository: open(registry, 'team/app'), tags: ['1'], seen: new Map([['1', 'absent' as const]]) };
    return { destination, held: new HeldLayers([destination], { registry: source, repository: 'team/base' }) };
  }

  it('are taken over when they are committed, and nothing of them is sent before', async () => {
    const registry = await place.startRegistry();
    await open(registry, 'team/base').putBlob(descriptor.digest, large);
    const { destination, held } = await openHeld(registry, registry.host);
    const writer = await held.begin(layer);
    await writer.write(large);
    await writer.hold();
    expect(registry.requests.filter(({ path }) => path.startsWith('/v2/team/app/')).map(({ method }) => method)).toEqual(['HEAD', 'HEAD']);
    expect(await open(registry, 'team/app').headBlob(descriptor.digest)).toBeUndefined();
    expect(await held.commit(destination, layer, descriptor.digest)).toBe(true);
    expect(await open(registry, 'team/app').headBlob(descriptor.digest)).toBe(large.length);
    expect(sentTo(registry, 'team/app')).toBe(0);
  });

  it('are sent where that is another registry', async () => {
    const registry = await place.startRegistry();
    const { destination, held } = await openHeld(registry, 'registry.example');
    const writer = await held.begin(layer);
    await writer.write(large);
    await writer.hold();
    expect(await held.commit(destination, layer, descriptor.digest)).toBe(true);
    expect(sentTo(registry, 'team/app')).toBe(1);
    expect(mountsOf(registry)).toEqual([]);
  });
});
