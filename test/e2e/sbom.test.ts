import { readFile } from 'node:fs/promises';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import deprecatedIds from 'spdx-license-ids/deprecated.json' with { type: 'json' };
import licenceIds from 'spdx-license-ids/index.json' with { type: 'json' };
import { describe, expect, test } from 'vitest';
import { toCycloneDx } from '../../src/evidence/cyclonedx.ts';
import { toSpdx } from '../../src/evidence/spdx.ts';
import type { Package } from '../../src/model/package.ts';
import { packages, request, rpmRequest } from '../evidence/image.ts';
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
const usual = { ...request, inventory: { ...request.inventory, packages: ordinary } };
const [lower, upper] = request.subject.layers.map(({ diffId }) => diffId);

/** trivy reads no packages of the type `generic`, and takes rpm's epoch from the purl only. */
const knownToTrivy = (items: readonly Package[]) => items.filter(({ type }) => type !== 'generic');

function toList(items: readonly Pick<ReadPackage, 'name' | 'version' | 'purl'>[]): readonly string[] {
  return items.map(({ name, version, purl = '' }) => `${name} ${version} ${decodeURIComponent(purl)}`.toLowerCase()).sort();
}

describe('CycloneDX', () => {
  test.each([
    ['languages and Debian', usual, 'debian', '12'],
    ['rpm', rpmRequest, 'rocky', '9.3'],
  ])('of %s is read back by trivy, syft and osv-scanner', async (_what, given, id, version) => {
    const items = given.inventory.packages;
    const { trivy, syft, osvScanner } = await readSbom(toCycloneDx(given), 'sbom.cdx.json');
    expect(toList(trivy.packages)).toEqual(toList(knownToTrivy(items)));
    expect(toList(syft.packages)).toEqual(toList(items));
    // It tells one name and version but once, and no epoch of rpm.
    const distinct = new Set(items.map((item) => `${item.name} ${item.version.replace(/^\d+:/, '')}`));
    expect(osvScanner.map((item) => `${item.name} ${item.version}`).sort()).toEqual([...distinct].sort());
    expect(trivy).toMatchObject({ system: { Family: id, Name: version }, diffIds: [lower, upper] });
    expect(syft.system).toMatchObject({ id, versionID: version });
  });

  test('tells trivy and syft source, layer, file, type and licence', async () => {
    const { trivy, syft } = await readSbom(toCycloneDx(usual), 'sbom.cdx.json');
    expect(trivy.packages.find(({ name }) => name === 'libssl3')).toMatchObject({ source: 'openssl', diffId: lower });
    const expected = { diffId: upper, licences: ['(MIT OR Apache-2.0)'] };
    const path = 'app/node_modules/@babel/core/package.json';
    expect(trivy.packages.find(({ name }) => name === '@babel/core')).toMatchObject({ ...expected, path });
    expect(syft.packages.find(({ name }) => name === '@babel/core')).toMatchObject({ ...expected, path: `/${path}` });
    expect(new Set(syft.packages.map(({ type }) => type))).not.toContain('UnknownPackage');
  });
});

describe('SPDX', () => {
  test.each([
    ['languages and Debian', usual, 'debian', '12'],
    ['rpm', rpmRequest, 'rocky', '9.3'],
  ])('of %s is read back by trivy, syft and osv-scanner', async (_what, given, id, version) => {
    const items = given.inventory.packages;
    const { trivy, syft, osvScanner } = await readSbom(toSpdx(given), 'sbom.spdx.json');
    expect(toList(trivy.packages)).toEqual(toList(knownToTrivy(items)));
    // syft takes the operating system for a package of no type, also trivy's.
    expect(toList(syft.packages.filter(({ purl }) => purl !== ''))).toEqual(toList(items));
    expect(syft.packages.filter(({ purl }) => purl === '').map(({ name }) => name)).toEqual([id]);
    // osv-scanner leaves off scope, vendor and group, and takes the image for a package of no ecosystem.
    const names = items.map((item) => `${item.name.split(/[/:]/).at(-1)} ${item.version.replace(/^\d+:/, '')}`);
    expect(osvScanner.map((item) => `${item.name} ${item.version}`).sort()).toEqual(
      [...new Set([...names, `shop sha256:${'a'.repeat(64)}`])].sort(),
    );
    expect(trivy).toMatchObject({ system: { Family: id, Name: version }, diffIds: [lower, upper] });
    expect(syft.system).toMatchObject({ id, versionID: version });
  });

  test('tells trivy source, layer, file and licence', async () => {
    const { trivy } = await readSbom(toSpdx(usual), 'sbom.spdx.json');
    expect(trivy.packages.find(({ name }) => name === 'libssl3')).toMatchObject({ source: 'openssl', diffId: lower });
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
