import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { HttpClient } from '../../src/lib/http.ts';
import type { Fault, FaultRequest, RunningRegistry } from '../../src/sandbox/registry.ts';
import { fileInputs, openPlace, type Place } from '../main/place.ts';
import { readPublished } from '../main/published.ts';
import { baseLayer, layerOf, openHttp, runPublication, writeArchive } from './publication.ts';

let place: Place;
let http: HttpClient;
let digest: string;

beforeAll(async () => {
  place = await openPlace();
  http = await openHttp(place);
  const layers = [baseLayer, layerOf('opt/large', randomBytes(7_000_000)), layerOf('app', 'one')];
  await writeArchive(place, 'image.tar', layers);
  digest = (await publish(await place.startRegistry())).digest;
});

afterAll(async () => {
  http.close();
  await place.close();
});

function publish(registry: RunningRegistry) {
  return runPublication(place, http, { ...fileInputs(place, `${registry.host}/team/app:1`), image: 'docker-archive:image.tar' });
}

it('a registry that takes no pieces gets each layer in one request after the verdict', async () => {
  const faults = ({ method }: FaultRequest): Fault | undefined => (method === 'PATCH' ? { kind: 'answer', status: 405 } : undefined);
  const registry = await place.startRegistry({ faults });
  expect(await publish(registry)).toMatchObject({ exitCode: 0, digest, publication: { uploadsSentAgain: 3 } });
  expect(readPublished(registry)).toEqual({ kind: 'tagged', digest, missing: [] });
  expect(registry.openUploads()).toBe(0);
});

it('a registry that has lost a layer when its manifest comes gets it again, once', async () => {
  let isLost = false;
  const registry = await place.startRegistry({
    faults: ({ method, target }) => {
      // By digest, for a tag is moved last.
      if (isLost || method !== 'PUT' || !target.includes('/manifests/sha256:')) return undefined;
      isLost = true;
      return { kind: 'answer', status: 404, body: '{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"blob unknown to registry"}]}' };
    },
  });
  expect(await publish(registry)).toMatchObject({ exitCode: 0, digest });
  expect(readPublished(registry)).toEqual({ kind: 'tagged', digest, missing: [] });
  const forgetful = await place.startRegistry({
    faults: ({ method, target }) =>
      method === 'PUT' && target.includes('/manifests/sha256:')
        ? { kind: 'answer', status: 400, body: '{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN"}]}' }
        : undefined,
  });
  expect(await publish(forgetful)).toMatchObject({ exitCode: 3, log: [expect.stringContaining('MANIFEST_BLOB_UNKNOWN')] });
  expect(readPublished(forgetful)).toEqual({ kind: 'untagged' });
});

it('a registry that says to have layers which it has not gets them', async () => {
  let isBelieved = true;
  const registry = await place.startRegistry({
    faults: ({ method, target }) => {
      const isLayer = method === 'HEAD' && target.includes('/blobs/');
      if (isLayer && isBelieved) return { kind: 'answer', status: 200, headers: { 'content-length': '1' } };
      if (method === 'PUT' && target.includes('/manifests/sha256:') && isBelieved) {
        isBelieved = false;
        return { kind: 'answer', status: 400, body: '{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN"}]}' };
      }
      return undefined;
    },
  });
  await writeArchive(place, 'kept.tar', [baseLayer, layerOf('app', 'one')]);
  const inputs = { ...fileInputs(place, `${registry.host}/team/app:1`), image: 'docker-archive:kept.tar', compression: 'keep' };
  const run = await runPublication(place, http, inputs);
  expect(run).toMatchObject({ exitCode: 0, publication: { uploadsSentAgain: 2 } });
  expect(readPublished(registry)).toEqual({ kind: 'tagged', digest: run.digest, missing: [] });
});

it('uploads that the registry dropped while they were held are sent again', async () => {
  let isDropped = false;
  let registry: RunningRegistry | undefined;
  registry = await place.startRegistry({
    faults: ({ method, target }) => {
      if (isDropped || method !== 'PUT' || !target.includes('/uploads/')) return undefined;
      isDropped = true;
      void registry?.dropUploads();
      return { kind: 'answer', status: 404, body: '{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}' };
    },
  });
  const run = await publish(registry);
  expect(run).toMatchObject({ exitCode: 0, digest });
  expect(run.publication.uploadsSentAgain).toBeGreaterThanOrEqual(1);
  expect(readPublished(registry)).toEqual({ kind: 'tagged', digest, missing: [] });
});
