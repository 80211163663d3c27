import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import deprecatedIds from 'spdx-license-ids/deprecated.json' with { type: 'json' };
import licenceIds from 'spdx-license-ids/index.json' with { type: 'json' };
import { expect, test } from 'vitest';
import { toCycloneDx } from '../../src/evidence/cyclonedx.ts';
import { packages, request } from '../evidence/image.ts';
import { peer, shared } from './peers.ts';

const readSchema = async (name: string) => JSON.parse(await readFile(shared(`testdata/openapi/cyclonedx/1.6/${name}`), 'utf8'));

test('the bill of materials keeps to the schema of CycloneDX 1.6', async () => {
  const ajv = new Ajv({ strict: false, allErrors: true });
  addFormats.default(ajv);
  for (const format of ['idn-email', 'iri-reference', 'iri']) ajv.addFormat(format, true);
  ajv.addSchema(await readSchema('spdx.schema.json')).addSchema(await readSchema('jsf-0.82.schema.json'));
  const validate = ajv.compile(await readSchema('bom-1.6.schema.json'));
  const validateBom = (bom: unknown) => {
    validate(bom);
    return validate.errors;
  };
  const bom = JSON.parse(Buffer.from(toCycloneDx(request)).toString());
  expect(validateBom(bom)).toBeNull();
  const unknownId = structuredClone(bom);
  unknownId.components[1].licenses = [{ license: { id: 'Not-A-Licence' } }];
  expect(validateBom(unknownId)).not.toBeNull();
  const scanOnly = { ...request, subject: { ...request.subject, digest: undefined, repository: undefined, tag: undefined } };
  expect(validateBom(JSON.parse(Buffer.from(toCycloneDx(scanOnly)).toString()))).toBeNull();
});

test('every licence id that may be written is one of the schema', async () => {
  const known = new Set<string>((await readSchema('spdx.schema.json')).enum);
  expect([...licenceIds, ...deprecatedIds].filter((id) => !known.has(id))).toEqual([]);
});

test('osv-scanner reads each package from it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sbom-'));
  try {
    const file = join(folder, 'image.cdx.json');
    await writeFile(file, toCycloneDx(request));
    const output = join(folder, 'out.json');
    const options = ['scan', 'source', '--offline', '--all-packages', '--format', 'json', '--output-file', output, '-L', file];
    await promisify(execFile)(peer('osv-scanner'), options, { env: { ...process.env, HOME: folder } }).catch(() => undefined);
    const { results } = JSON.parse(await readFile(output, 'utf8'));
    const read: { package: { name: string; version: string; ecosystem: string } }[] = results.flatMap(
      (result: { packages: [] }) => result.packages,
    );
    const names = read.map((item) => `${item.package.ecosystem} ${item.package.name} ${item.package.version}`).sort();
    expect(new Set(names).size).toBe(new Set(packages.map(({ purl }) => purl)).size);
    expect(names).toEqual(expect.arrayContaining(['Debian:12 libssl3 3.0.11-1~deb12u2', 'npm @babel/core 7.23.0', 'PyPI requests 2.31.0']));
  } finally {
    await rm(folder, { recursive: true });
  }
});
