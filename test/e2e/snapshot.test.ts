import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { matchCommand, prepareAdvisories } from '../../bench/advisory-rows.ts';
import { measure } from '../../bench/measure.ts';
import { toAdvisoryFindings } from '../../src/advisory/advisory-finding.ts';
import { openAdvisoryDirectory } from '../../src/advisory/advisory-thread.ts';
import { toSubject } from '../../src/advisory/ecosystem.ts';
import { openDirectoryFeeds } from '../../src/advisory/snapshot/directory-feed.ts';
import { openSnapshotFile } from '../../src/advisory/snapshot/snapshot-source.ts';
import { type WrittenSnapshot, writeSnapshot } from '../../src/advisory/snapshot/snapshot-writer.ts';
import type { AdvisoryAnswer } from '../../src/model/advisory.ts';
import type { Package } from '../../src/model/package.ts';
import { boundaryPackages, recordedQueries } from './advisory-packages.ts';
import { shared } from './peers.ts';
import { expectProgram } from './step.ts';

const database = shared('testdata/osv');
const folder = mkdtempSync(join(tmpdir(), 'snapshot-'));
const file = join(folder, 'all.snapshot');
let written: WrittenSnapshot;

beforeAll(async () => {
  const origin = { created: new Date('2026-11-01T00:00:00Z'), source: 'directory', isCurrent: false, program: 'image-custody/test' };
  written = await writeSnapshot(file, origin, openDirectoryFeeds(database, []));
});
afterAll(() => rmSync(folder, { recursive: true }));

function snapshot(path = file) {
  return openSnapshotFile(path);
}

test('of 49,988 records it is at most half as large as their archives', () => {
  const zips = readdirSync(database, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const zippedBytes = zips.reduce((sum, { name }) => sum + statSync(join(database, name, 'all.zip')).size, 0);
  expect(written.sizeBytes).toBe(statSync(file).size);
  expect(written.sizeBytes).toBeLessThan(zippedBytes / 2);
  // Left out are those withdrawn, and those that name no package: of commits alone, or of another ecosystem.
  expect(written.header.ecosystems.reduce((sum, { records }) => sum + records, 0)).toBeGreaterThan(49_700);
  expect(written.header.ecosystems.flatMap(({ damaged }) => damaged)).toEqual([]);
});

test('it answers as the directory does for every package of the recorded queries', async () => {
  const packages = recordedQueries().map(({ item }) => item);
  expect(packages.length).toBeGreaterThan(900);
  await expectEqualAnswers(packages, 400);
});

test('it answers as the directory does for packages at and beside the boundaries of the records of every ecosystem', async () => {
  const names = readdirSync(database, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
  const wanted: Package[] = [];
  for (const name of names) wanted.push(...(await boundaryPackages(name, 150)));
  const packages = wanted.filter((item) => toSubject(item) !== undefined);
  expect(packages.length).toBeGreaterThan(1_000);
  await expectEqualAnswers(packages, 1_000);
});

test('1,000 packages are matched with less than 100 MB more than a process that is asked nothing takes', async () => {
  const work = await prepareAdvisories(folder);
  const empty = join(folder, 'empty.json');
  writeFileSync(empty, '[]');
  const idle = await measure(matchCommand({ ...work, packages: empty }, 'snapshot', process.execPath));
  const { program, args } = matchCommand(work, 'snapshot', process.execPath);
  const answer = JSON.parse(await expectProgram(program, args));
  expect(answer).toMatchObject({ gaps: 0 });
  expect(answer.matches).toBeGreaterThan(1_000);
  const peaks: number[] = [];
  for (let round = 0; round < 3; round += 1) peaks.push((await measure({ program, args })).peakBytes);
  expect(Math.max(...peaks) - idle.peakBytes).toBeLessThan(100e6);
});

async function expectEqualAnswers(wanted: readonly Package[], leastMatches: number): Promise<void> {
  // Findings of one path and name are one finding.
  const packages = wanted.map((item, at) => ({ ...item, path: `opt/${at}/${item.path}` }));
  const [ours, theirs] = [await snapshot().match(packages), await openAdvisoryDirectory(database).match(packages)];
  expect(theirs.matches.length).toBeGreaterThan(leastMatches);
  expectEqualLines(toMatchLines(ours), toMatchLines(theirs));
  expectEqualLines(toGapLines(ours, file), toGapLines(theirs, database));
  expectEqualLines(toFindingLines(ours), toFindingLines(theirs));
}

/** Shows what differs, and not ten thousands of lines. */
function expectEqualLines(ours: readonly string[], theirs: readonly string[]): void {
  const [inOurs, inTheirs] = [new Set(ours), new Set(theirs)];
  expect(ours.filter((line) => !inTheirs.has(line)).slice(0, 5)).toEqual([]);
  expect(theirs.filter((line) => !inOurs.has(line)).slice(0, 5)).toEqual([]);
  expect(ours.length).toBe(theirs.length);
}

function toMatchLines({ matches }: AdvisoryAnswer): string[] {
  return matches
    .map(
      ({ package: { ecosystem, name, version }, advisory, fixedVersion }) =>
        `${ecosystem} ${name} ${version} ${advisory.id} ${fixedVersion}`,
    )
    .sort();
}

/** Without the names of source and archive, which are others. */
function toGapLines({ gaps }: AdvisoryAnswer, source: string): string[] {
  return gaps.map(({ code, path, reason }) => `${code} ${path} ${reason.replaceAll(source, '').replace(/^\S*all\.zip /, ' ')}`).sort();
}

/** All that is reported of a finding. */
function toFindingLines(answer: AdvisoryAnswer): string[] {
  return toAdvisoryFindings(answer, ['linux/amd64'])
    .map((finding) => JSON.stringify(finding))
    .sort();
}
