import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openAdvisoryDirectory } from '../../src/advisory/advisory-thread.ts';
import type { AdvisoryAnswer } from '../../src/model/advisory.ts';
import type { Package } from '../../src/model/package.ts';
import { packageOf } from './packages.ts';
import { writeZip } from './zip-writer.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'advisories-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function put(ecosystem: string, records: readonly (object | string)[]): void {
  mkdirSync(join(folder, ecosystem));
  const parts = records.map((record, index) => ({
    name: `${index}.json`,
    content: typeof record === 'string' ? record : JSON.stringify(record),
  }));
  writeFileSync(join(folder, ecosystem, 'all.zip'), writeZip(parts).bytes);
}

function record(id: string, ecosystem: string, name: string, fields: object = {}): object {
  const ranges = [{ type: 'ECOSYSTEM', events: [{ introduced: '0' }, { fixed: '2.0' }] }];
  return { id, modified: '2026-01-01T00:00:00Z', affected: [{ package: { ecosystem, name }, ranges }], ...fields };
}

async function match(...packages: readonly Package[]): Promise<AdvisoryAnswer> {
  await using source = openAdvisoryDirectory(folder);
  return await source.match(packages);
}

test('matches packages of several ecosystems, and gives the time of the newest record', async () => {
  put('npm', [record('N-1', 'npm', 'p'), record('N-2', 'npm', 'other', { modified: '2026-06-01T00:00:00Z' })]);
  put('PyPI', [record('P-1', 'PyPI', 'P_q')]);
  const one = packageOf('npm', 'p', '1.0.0');
  const again = packageOf('npm', 'p', '1.0.0', { path: 'srv/node_modules/p/package.json' });
  const other = packageOf('PyPI', 'p-q', '1.0');
  const answer = await match(one, again, other, packageOf('npm', 'p', '2.0.0'));
  expect(answer.matches.map((found) => [found.package, found.advisory.id, found.fixedVersion])).toEqual([
    [one, 'N-1', '2.0'],
    [again, 'N-1', '2.0'],
    [other, 'P-1', '2.0'],
  ]);
  expect(answer).toMatchObject({ gaps: [], newest: '2026-06-01T00:00:00Z' });
});

test('answers the same where it was told early of what will be asked, also of what there is no archive for', async () => {
  put('npm', [record('N-1', 'npm', 'p')]);
  const packages = [packageOf('npm', 'p', '1.0.0'), packageOf('PyPI', 'q', '1.0')];
  await using source = openAdvisoryDirectory(folder);
  source.expect([...packages, packageOf('Debian:12', 'p', '1.0.0'), packageOf(undefined, 'p', '1.0.0')]);
  const answer = await source.match(packages);
  expect(answer).toEqual(await match(...packages));
  expect(answer).toMatchObject({ matches: [{ advisory: { id: 'N-1' } }], gaps: [{ code: 'no-advisories' }] });
});

test('answers the same where several expectations are met at a time', async () => {
  const names = Array.from({ length: 400 }, (_, at) => `p${at}`);
  put(
    'npm',
    names.map((name, at) => record(`N-${at}`, 'npm', name, { details: String.fromCharCode(97 + (at % 26)).repeat(20_000) })),
  );
  const packages = names.map((name) => packageOf('npm', name, '1.0.0'));
  await using source = openAdvisoryDirectory(folder);
  for (let at = 0; at < packages.length; at += 7) source.expect(packages.slice(at, at + 11));
  const answer = await source.match(packages);
  expect(answer).toEqual(await match(...packages));
  expect(answer.matches).toHaveLength(packages.length);
});

test('what is damaged, and was expected in vain, spoils no answer about something else', async () => {
  put('npm', [record('N-1', 'npm', 'p'), '{"affected":[{"package":{"name":"q"']);
  await using source = openAdvisoryDirectory(folder);
  source.expect([packageOf('npm', 'q', '1.0.0')]);
  expect(await source.match([packageOf('npm', 'p', '1.0.0')])).toMatchObject({ matches: [{ advisory: { id: 'N-1' } }], gaps: [] });
  expect(await source.match([packageOf('npm', 'q', '1.0.0')])).toMatchObject({ matches: [], gaps: [{ code: 'damaged' }] });
});

test('stops at any moment of its reading', async () => {
  put(
    'npm',
    Array.from({ length: 3000 }, (_, at) => record(`N-${at}`, 'npm', `p${at}`, { details: 'x'.repeat(500) })),
  );
  for (let delayMs = 0; delayMs < 100; delayMs += 10) {
    await using source = openAdvisoryDirectory(folder);
    source.expect(Array.from({ length: 3000 }, (_, at) => packageOf('npm', `p${at}`, '1.0.0')));
    await sleep(delayMs);
  }
});

test('an archive that is damaged is told of when it is asked, not when it is expected', async () => {
  mkdirSync(join(folder, 'npm'));
  writeFileSync(join(folder, 'npm', 'all.zip'), 'no archive');
  await using source = openAdvisoryDirectory(folder);
  source.expect([packageOf('npm', 'p', '1.0.0')]);
  expect(await source.match([])).toMatchObject({ matches: [] });
  await expect(source.match([packageOf('npm', 'p', '1.0.0')])).rejects.toMatchObject({ code: 'damaged-archive', origin: 'advisories' });
});

test('a record is found however its JSON is written', async () => {
  const spaced = JSON.stringify(record('N-1', 'npm', '@s/p'), null, 2).replaceAll('": ', '"\n:\t');
  const escaped = JSON.stringify(record('N-2', 'npm', '@s/p')).replace('@s/p', '\\u0040s\\/p');
  put('npm', [spaced, escaped]);
  const { matches } = await match(packageOf('npm', '@s/p', '1.0.0'));
  expect(matches.map(({ advisory }) => advisory.id)).toEqual(['N-1', 'N-2']);
});

test('null stands for none, and withdrawn records say nothing', async () => {
  put('npm', [
    record('N-1', 'npm', 'p', { withdrawn: '2026-02-01T00:00:00Z' }),
    record('N-2', 'npm', 'p', { withdrawn: null, aliases: null, severity: null }),
    { id: 'N-3', affected: null },
  ]);
  const { matches, gaps } = await match(packageOf('npm', 'p', '1.0.0'));
  expect(matches.map(({ advisory }) => advisory)).toMatchObject([{ id: 'N-2' }]);
  expect(Object.keys(matches[0]?.advisory ?? {})).not.toContain('aliases');
  expect(gaps).toEqual([]);
});

describe('what the directory cannot answer is a gap', () => {
  const debian = packageOf('Debian:12', 'openssl', '1.0');

  test('an archive that is missing', async () => {
    const { gaps } = await match(
      debian,
      packageOf('Debian:12', 'zlib1g', '1'),
      packageOf('Debian:12', 'a', '1'),
      packageOf('Debian:12', 'b', '1'),
      packageOf('Debian:12', 'c', '1'),
    );
    expect(gaps).toEqual([
      {
        code: 'no-advisories',
        path: debian.path,
        layer: 0,
        reason: `${folder} has no Debian/all.zip: no advisories for openssl, zlib1g, a and 2 more`,
      },
    ]);
  });

  test('a release that the archive does not know', async () => {
    put('Debian', [record('D-1', 'Debian:11', 'openssl')]);
    const { matches, gaps } = await match(debian);
    expect(matches).toEqual([]);
    expect(gaps).toMatchObject([{ code: 'no-advisories', reason: expect.stringContaining('has no record of Debian:12') }]);
  });

  test('an image without a release, and an ecosystem without a version order', async () => {
    const { gaps } = await match(packageOf(undefined, 'openssl', '1.0'), packageOf('Red Hat:9', 'openssl', '1.0'));
    expect(gaps.map(({ code }) => code)).toEqual(['no-release', 'no-advisories']);
  });

  test('a version that cannot be compared, but only where a record names the package', async () => {
    put('npm', [record('N-1', 'npm', 'p')]);
    const { gaps } = await match(packageOf('npm', 'p', 'latest'), packageOf('npm', 'q', 'latest'));
    expect(gaps).toMatchObject([{ code: 'unsupported', reason: 'version "latest" of p cannot be compared with those of N-1' }]);
  });

  test.each([
    ['no JSON', '{"name":"p"'],
    ['no record', '{"id":5,"affected":[{"package":{"ecosystem":"npm","name":"p"}}]}'],
    [
      'a range of an unknown kind',
      JSON.stringify({ id: 'N-2', affected: [{ package: { ecosystem: 'npm', name: 'p' }, ranges: [{ type: 'ODD', events: [] }] }] }),
    ],
  ])('a record that may concern a package and is broken: %s', async (_what, text) => {
    put('npm', [record('N-1', 'npm', 'p'), text]);
    const { matches, gaps } = await match(packageOf('npm', 'p', '1.0.0'));
    expect(matches).toHaveLength(1);
    expect(gaps).toMatchObject([{ code: 'damaged', reason: expect.stringContaining('record 1.json is not in OSV format') }]);
    expect((await match(packageOf('npm', 'q', '1.0.0'))).gaps).toEqual([]);
  });
});

describe('what cannot be read is an error', () => {
  test('a directory that is not there, and a file in its place', async () => {
    await using none = openAdvisoryDirectory(join(folder, 'none'));
    await expect(none.match([])).rejects.toMatchObject({
      code: 'no-directory',
      origin: 'advisories',
      message: expect.stringContaining('none'),
    });
    writeFileSync(join(folder, 'file'), '');
    await using file = openAdvisoryDirectory(join(folder, 'file'));
    await expect(file.match([])).rejects.toMatchObject({ code: 'no-directory' });
  });

  test('an archive that is damaged', async () => {
    put('npm', []);
    writeFileSync(join(folder, 'npm/all.zip'), '<html>');
    await expect(match(packageOf('npm', 'p', '1.0.0'))).rejects.toMatchObject({
      code: 'damaged-archive',
      message: expect.stringContaining('npm/all.zip'),
    });
  });
});

test('only archives of the packages’ ecosystems are opened', async () => {
  put('npm', [record('N-1', 'npm', 'p')]);
  put('PyPI', []);
  writeFileSync(join(folder, 'PyPI/all.zip'), 'damaged');
  expect((await match(packageOf('npm', 'p', '1.0.0'))).matches).toHaveLength(1);
});
