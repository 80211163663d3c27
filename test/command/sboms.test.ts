import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { HttpClient } from '../../src/lib/http.ts';
import { readWhole } from '../../src/lib/http-client.ts';
import { SecretValue } from '../../src/lib/secret-value.ts';
import { openRepository } from '../../src/registry/repository.ts';
import { fileInputs, openPlace, type Place } from '../main/place.ts';
import { baseLayer, layerOf, openHttp, type PublicationRun, runPublication, writeArchive } from './publication.ts';

let place: Place;
let http: HttpClient;

beforeAll(async () => {
  place = await openPlace();
  http = await openHttp(place);
  await writeArchive(place, 'app.tar', [baseLayer]);
});

afterAll(async () => {
  http.close();
  await place.close();
});

/** Of the last run. */
let report: PublicationRun['report'] | undefined;

/** What is attached to the published image besides its signature: type, title and content. */
async function publishWith(sbom: string, { also = '', ...more }: Readonly<Record<string, string>> = {}) {
  const registry = await place.startRegistry();
  const push = [`${registry.host}/team/app:1`, ...(also === '' ? [] : [`${registry.host}/${also}`])].join('\n');
  const inputs = { ...fileInputs(place, push), image: 'docker-archive:app.tar', sbom, ...more };
  const run = await runPublication(place, http, inputs);
  expect(run.exitCode).toBe(0);
  report = run.report;
  const credential = { kind: 'password', username: 'shop-ci', password: new SecretValue(place.password) } as const;
  const options = { http, credential, now: () => new Date(), random: () => 0, sleep: async () => {} };
  const repository = openRepository({ registry: registry.host, repository: 'team/app' }, options);
  const { descriptor } = await repository.fetchManifest('1');
  const listed = [];
  for (const type of ['application/vnd.cyclonedx+json', 'application/spdx+json']) {
    listed.push(...(await repository.listReferrers(descriptor.digest, type)));
  }
  return Promise.all(
    listed.map(async ({ digest }) => {
      const { manifest } = await repository.fetchManifest(digest);
      const [blob] = manifest.kind === 'image' ? manifest.layers : [];
      if (blob === undefined) throw new Error(`${digest} has no content`);
      const content = JSON.parse((await repository.fetchBlob(blob, readWhole)).toString());
      return { type: blob.mediaType, title: blob.annotations?.['org.opencontainers.image.title'], content };
    }),
  );
}

it('attaches a bill of materials in each format that is asked for, and reads them back', async () => {
  const [cycloneDx, spdx, ...others] = await publishWith('spdx\ncyclonedx');
  expect(others).toEqual([]);
  expect(cycloneDx).toMatchObject({ type: 'application/vnd.cyclonedx+json', title: 'sbom.cdx.json', content: { specVersion: '1.6' } });
  expect(spdx).toMatchObject({ type: 'application/spdx+json', title: 'sbom.spdx.json', content: { spdxVersion: 'SPDX-2.3' } });
  const purl = 'pkg:deb/debian/base-files@12.4?distro=debian-12';
  expect(cycloneDx?.content.components).toContainEqual(expect.objectContaining({ name: 'base-files', purl }));
  const reference = { referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: purl };
  expect(spdx?.content.packages).toContainEqual(expect.objectContaining({ name: 'base-files', externalRefs: [reference] }));
});

it('tells of each package and layer whether it came with the base image, by the Dockerfile', async () => {
  const app = layerOf('srv/node_modules/left-pad/package.json', '{"name": "left-pad", "version": "1.3.0"}');
  await writeArchive(place, 'based.tar', [baseLayer, app]);
  await writeFile(join(place.workspace, 'Dockerfile.based'), 'FROM debian:11\nCOPY . /\n');
  const [cycloneDx] = await publishWith('cyclonedx', { image: 'docker-archive:based.tar', dockerfile: 'Dockerfile.based' });
  const origin = (name: string) =>
    cycloneDx?.content.components
      .find((component: { name: string }) => component.name === name)
      .properties.find((property: { name: string }) => property.name === 'image-custody:fromBase').value;
  expect([origin('base-files'), origin('left-pad')]).toEqual(['true', 'false']);
  expect(report?.platforms).toMatchObject([
    { baseImage: { name: 'debian:11', digest: null }, layers: [{ fromBase: true }, { fromBase: false }] },
  ]);
});

it('names no file of this machine, and of several repositories none to the others', async () => {
  await writeFile(join(place.workspace, 'shop-ci.tar'), await readFile(join(place.workspace, 'app.tar')));
  const image = `docker-archive:${join(place.workspace, 'shop-ci.tar')}`;
  const [cycloneDx, spdx] = await publishWith('spdx\ncyclonedx', { image, also: 'team/internal/app:1' });
  expect([cycloneDx?.content.metadata.component.name, spdx?.content.name]).toEqual(['app', 'app']);
  expect(cycloneDx?.content.metadata.component.purl).toMatch(/^pkg:oci\/app@sha256:[0-9a-f]{64}\?arch=amd64$/);
  for (const part of ['internal', 'shop-ci', place.workspace]) expect(JSON.stringify([cycloneDx, spdx])).not.toContain(part);
});

it.each([
  ['spdx', ['application/spdx+json']],
  ['none', []],
])('attaches no other than %s', async (sbom, types) => {
  expect((await publishWith(sbom)).map(({ type }) => type)).toEqual(types);
});
