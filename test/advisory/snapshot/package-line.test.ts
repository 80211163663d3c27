import { expect, test } from 'vitest';
import { toAdvisory } from '../../../src/advisory/advisory-record.ts';
import { PackageLine, readBriefAdvisory, readPackageLine, readStoredAdvisory } from '../../../src/advisory/snapshot/package-line.ts';
import type { Advisory } from '../../../src/model/advisory.ts';

function advisory(id: string, versions: readonly string[]): Advisory {
  return toAdvisory({ id, affected: [{ package: { ecosystem: 'npm', name: 'p' }, versions }] }) as Advisory;
}

function lineOf(...advisories: readonly Advisory[]): string {
  const line = new PackageLine();
  for (const one of advisories) line.add(one, () => true);
  return line.toText();
}

test('versions that records list again and again are numbers of one list', () => {
  const text = lineOf(advisory('A-1', ['1', '2', '3']), advisory('A-2', ['2', '3', '9', '1']), advisory('A-3', []));
  const { versions, records } = readPackageLine(text) ?? { versions: [], records: [] };
  expect(versions).toEqual(['1', '2', '3', '9']);
  expect(records.map((record) => JSON.parse(record).affected[0].versions)).toEqual([[0, 2], [1, 3, 0, 0], []]);
  const listed = (chosen?: ReadonlySet<number>) =>
    records.map((record) => {
      const read = chosen === undefined ? readStoredAdvisory(record, versions) : readBriefAdvisory(record, versions, chosen);
      return read?.affected?.[0]?.versions;
    });
  expect(listed()).toEqual([['1', '2', '3'], ['2', '3', '9', '1'], []]);
  expect(listed(new Set([2]))).toEqual([['3'], ['3'], []]);
  // None of those that are looked up, and yet a list that is not empty.
  expect(listed(new Set())).toEqual([['1'], ['2'], []]);
});

test.each([
  ['a number that no version has', [0, 2]],
  ['a run that ends before it begins', [1, 0]],
  ['half a run', [0]],
  ['more versions than any record lists', Array.from({ length: 1_200_000 }, (_, at) => at % 2)],
  ['what is no number', ['1']],
  ['a negative number', [-1, 0]],
])('a record with %s is none', (_, versions) => {
  const record = JSON.stringify({ id: 'A-1', affected: [{ package: { ecosystem: 'npm', name: 'p' }, versions }] });
  expect(readStoredAdvisory(record, ['1', '2'])).toBeUndefined();
  expect(readBriefAdvisory(record, ['1', '2'], new Set([0]))).toBeUndefined();
});

test.each<[string, object]>([
  ['no id', { id: undefined }],
  ['no entries', { affected: undefined }],
  ['an entry that is none', { affected: [null] }],
  ['an entry of no package', { affected: [{}] }],
  ['a package without a name', { affected: [{ package: { ecosystem: 'npm' } }] }],
  ['ranges that are none', { affected: [{ package: { ecosystem: 'npm', name: 'p' }, ranges: {} }] }],
  ['events that are none', { affected: [{ package: { ecosystem: 'npm', name: 'p' }, ranges: [{ type: 'SEMVER', events: [1] }] }] }],
  ['an event that is no version', { affected: [{ package: { ecosystem: 'npm', name: 'p' }, ranges: [{ events: [{ fixed: {} }] }] }] }],
])('a record with %s says nothing', (_, change) => {
  const record = { id: 'A-1', affected: [{ package: { ecosystem: 'npm', name: 'p' } }] };
  expect(readBriefAdvisory(JSON.stringify(record), [], new Set())).toEqual(record);
  expect(readBriefAdvisory(JSON.stringify({ ...record, ...change }), [], new Set())).toBeUndefined();
});

test.each(['', '{}', 'null', '[1]', '["1"', '["1"] []'])('%s is no line', (text) => {
  expect(readPackageLine(text)).toBeUndefined();
});

test.each(['', '[]', 'null', '{"id":"A-1"', '1'])('the record %s is none', (record) => {
  const { versions, records } = readPackageLine(`["1"]\t${record}`) ?? { versions: [], records: [] };
  expect(records).toEqual([record]);
  expect(readStoredAdvisory(record, versions)).toBeUndefined();
});

test('what a record says in tabs and line ends stays in its place', () => {
  const text = lineOf({ ...advisory('A-1', ['1\t2']), summary: 'a\tb\nc' });
  const { versions, records } = readPackageLine(text) ?? { versions: [], records: [] };
  expect(text).not.toContain('\n');
  expect(records.map((record) => readStoredAdvisory(record, versions))).toMatchObject([{ id: 'A-1', affected: [{ versions: ['1\t2'] }] }]);
});
