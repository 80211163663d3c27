import { readFile } from 'node:fs/promises';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import deprecatedIds from 'spdx-license-ids/deprecated.json' with { type: 'json' };
import licenceIds from 'spdx-license-ids/index.json' with { type: 'json' };
import { describe, expect, test } from 'vitest';
import { toCycloneDx } from '../../src/evidence/cyclonedx.ts';
import { toSpdx } from '../../src/evidence/spdx.ts';
import { packages, request } from '../evidence/image.ts';
import { shared } from './peers.ts';
import { type ReadPackage, readSbom } from './sbom-readers.ts';

const readSchema = async (path: string) => JSON.parse(await readFile(shared(`testdata/openapi/${path}`), 'utf8'));
const parse = (bytes: Uint8Array) => JSON.parse(Buffer.from(bytes).toString());

const scanOnly = { ...request, subject: { ...request.subject, digest: undefined, repository: undefined, tag: undefined } };
const empty = { ...request, inventory: { operatingSystem: undefined, packages: [] } };

async function openAjv() {
  const ajv = new Ajv({ strict: false, allErrors: true });
  addFormats.default(ajv);
  for (const format of ['idn-email', 'iri-reference', 'iri']) ajv.addFormat(format, true);
  return ajv;
}

test('the bill of materials keeps to the schema of CycloneDX 1.6', async () => {
  const ajv = await openAjv();
  for (const name of ['spdx', 'jsf-0.82']) ajv.addSchema(await readSchema(`cyclonedx/1.6/${name}.schema.json`));
  const validate = ajv.compile(await readSchema('cyclonedx/1.6/bom-1.6.schema.json'));
  const errorsOf = (bom: unknown) => {
    validate(bom);
    return validate.errors;
  };
  for (const given of [request, scanOnly, empty]) expect(errorsOf(parse(toCycloneDx(given)))).toBeNull();
  const unknownId = parse(toCycloneDx(request));
  unknownId.components[1].licenses = [{ license: { id: 'Not-A-Licence' } }];
  expect(errorsOf(unknownId)).not.toBeNull();
});

test('the bill of materials keeps to the schema of SPDX 2.3', async () => {
  const ajv = await openAjv();
  // It forbids what it does not name, so that a misspelt field is found.
  const validate = ajv.compile(await readSchema('spdx/2.3/spdx-schema.json'));
  for (const given of [request, scanOnly, empty]) {
    validate(parse(toSpdx(given)));
    expect(validate.errors).toBeNull();
  }
  const document = parse(toSpdx(request));
  document.packages[0].licenceDeclared = 'MIT';
  expect(validate(document)).toBe(false);
});

test('every licence id that may be written is one of the schema', async () => {
  const known = new Set<string>((await readSchema('cyclonedx/1.6/spdx.schema.json')).enum);
  expect([...licenceIds, ...deprecatedIds].filter((id) => !known.has(id))).toEqual([]);
});

/** All but what no image has: a version and a name that are text to nobody, and packages of two package managers. */
const ordinary = packages.filter(({ name, type }) => !name.startsWith('evil') && type !== 'apk');
const inventory = { ...request.inventory, packages: ordinary };
const ourList = ordinary.map(({ name, version, purl }) => ({ name, version, purl })).sort(byPurl);
const [, upper] = request.subject.layers.map(({ diffId }) => diffId);

function byPurl(a: { readonly purl?: string | undefined }, b: { readonly purl?: string | undefined }): number {
  return (a.purl ?? '') < (b.purl ?? '') ? -1 : 1;
}

function listOf(read: readonly ReadPackage[]) {
  return read.map(({ name, version, purl }) => ({ name, version, purl: decodeURIComponent(purl ?? '') })).sort(byPurl);
}

const decoded = ourList.map((item) => ({ ...item, purl: decodeURIComponent(item.purl) }));

describe('CycloneDX', () => {
  test('is read back by trivy, syft and osv-scanner', async () => {
    const { trivy, syft, osvScanner } = await readSbom(toCycloneDx({ ...request, inventory }), 'sbom.cdx.json');
    expect(listOf(trivy.packages)).toEqual(decoded);
    expect(listOf(syft.packages)).toEqual(decoded);
    // It tells one name and version but once.
    const distinct = new Map(ourList.map(({ name, version }) => [`${name} ${version}`, { name, version }]));
    expect(osvScanner).toHaveLength(distinct.size);
    expect(osvScanner).toEqual(expect.arrayContaining([...distinct.values()].map((item) => expect.objectContaining(item))));
    expect(trivy).toMatchObject({ system: { Family: 'debian', Name: '12' }, diffIds: request.subject.layers.map(({ diffId }) => diffId) });
    expect(syft.system).toMatchObject({ id: 'debian', versionID: '12' });
  });

  test('tells trivy and syft source, layer, file and licence', async () => {
    const { trivy, syft } = await readSbom(toCycloneDx({ ...request, inventory }), 'sbom.cdx.json');
    expect(trivy.packages.find(({ name }) => name === 'libssl3')).toMatchObject({ source: 'openssl', diffId: `sha256:${'c'.repeat(64)}` });
    const expected = { diffId: upper, licences: ['(MIT OR Apache-2.0)'] };
    const path = 'app/node_modules/@babel/core/package.json';
    expect(trivy.packages.find(({ name }) => name === '@babel/core')).toMatchObject({ ...expected, path });
    expect(syft.packages.find(({ name }) => name === '@babel/core')).toMatchObject({ ...expected, path: `/${path}` });
  });
});

describe('SPDX', () => {
  test('is read back by trivy, syft and osv-scanner', async () => {
    const { trivy, syft, osvScanner } = await readSbom(toSpdx({ ...request, inventory }), 'sbom.spdx.json');
    expect(listOf(trivy.packages)).toEqual(decoded);
    // syft takes the operating system for a package of no type, also trivy's.
    expect(listOf(syft.packages.filter(({ purl }) => purl !== ''))).toEqual(decoded);
    expect(syft.packages.filter(({ purl }) => purl === '').map(({ name }) => name)).toEqual(['debian']);
    // osv-scanner leaves npm's scope off, and takes the image for a package of no ecosystem.
    const names = osvScanner.map(({ name, version }) => `${name} ${version}`).sort();
    expect(names).toEqual([
      'core 7.23.0',
      'left-pad 1.0.0',
      'libssl3 3.0.11-1~deb12u2',
      'requests 2.31.0',
      `shop sha256:${'a'.repeat(64)}`,
    ]);
    expect(trivy).toMatchObject({ system: { Family: 'debian', Name: '12' }, diffIds: request.subject.layers.map(({ diffId }) => diffId) });
    expect(syft.system).toMatchObject({ id: 'debian', versionID: '12' });
  });

  test('tells trivy source, layer, file and licence', async () => {
    const { trivy } = await readSbom(toSpdx({ ...request, inventory }), 'sbom.spdx.json');
    expect(trivy.packages.find(({ name }) => name === 'libssl3')).toMatchObject({ source: 'openssl', diffId: `sha256:${'c'.repeat(64)}` });
    expect(trivy.packages.find(({ name }) => name === '@babel/core')).toMatchObject({
      diffId: upper,
      path: 'app/node_modules/@babel/core/package.json',
      licences: ['(MIT OR Apache-2.0)'],
    });
  });
});

test('hostile names break no reader', async () => {
  for (const [write, file] of [
    [toCycloneDx, 'sbom.cdx.json'],
    [toSpdx, 'sbom.spdx.json'],
  ] as const) {
    const { trivy, syft, osvScanner } = await readSbom(write(request), file);
    for (const read of [trivy.packages, syft.packages]) expect(read.some(({ name }) => name.includes('::add-mask::'))).toBe(true);
    expect(osvScanner.some(({ name }) => name.startsWith('evil'))).toBe(true);
  }
});
