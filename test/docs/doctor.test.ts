import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listAzurePipelinesChecks } from '../../src/host/azure-pipelines/checks.ts';
import { listGitHubChecks } from '../../src/host/github/checks.ts';
import { createHttp } from '../../src/lib/http-client.ts';
import { toExaminationJson } from '../../src/report/examination.ts';
import { startTimestampAuthority } from '../../src/sandbox/timestamp.ts';
import { consult } from '../command/doctor-case.ts';
import { openPlace, type Place, vaultInputs } from '../main/place.ts';
import { readMarkdown, tableRows } from './markdown.ts';

const { text } = readMarkdown('docs/doctor.md');
const listed = tableRows(text, 'check').flatMap(([names = '']) => [...names.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name));

let place: Place;
beforeAll(async () => {
  place = await openPlace();
});
afterAll(() => place.close());

describe('docs/doctor.md', () => {
  test('lists every check, and no other', async () => {
    const registry = await place.startRegistry();
    const http = createHttp({ userAgent: 'test' });
    const hostChecks = [...listGitHubChecks({ env: {}, http, token: () => undefined }), ...listAzurePipelinesChecks({ env: {}, http })];
    const authority = await startTimestampAuthority();
    await writeFile(join(place.workspace, 'tsa.pem'), authority.rootPem);
    const inputs = {
      ...vaultInputs(place, `${registry.host}/team/app:1`),
      'timestamp-url': authority.url,
      'timestamp-certificate': 'tsa.pem',
    };
    const { results } = await consult(place, inputs);
    await authority.close();
    http.close();
    const names = [...results, ...hostChecks].map(({ name }) =>
      name
        .replace(/^network .*/, 'network HOST')
        .replace(/^secret .*/, 'secret NAME')
        .replace(/^(read|push|give up|referrers|anonymous) .*/, '$1 REPOSITORY'),
    );
    expect([...new Set(listed)].sort()).toEqual([...new Set(names)].sort());
  });

  test('tells every field of the JSON', () => {
    const fields = tableRows(text, 'field').flatMap(([names = '']) => [...names.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name));
    const json = JSON.parse(toExaminationJson({ results: [], isSound: true, startedAt: '', durationMs: 0, version: '' })) as object;
    expect(fields.sort()).toEqual(Object.keys(json).sort());
  });
});
