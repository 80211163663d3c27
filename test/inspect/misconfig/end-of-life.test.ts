import { describe, expect, test } from 'vitest';
import { allInspectors } from '../../../src/inspect/inspectors.ts';
import { findLastDay } from '../../../src/inspect/inventory/end-of-life.ts';
import { toEndOfLifeFindings } from '../../../src/inspect/misconfig/end-of-life.ts';
import { inspectFiles, placeLayers } from '../inspect-files.ts';

function find(now: string, ...releases: readonly string[]) {
  const layers = releases.map((release) => inspectFiles(allInspectors(), { 'etc/os-release': release }));
  return toEndOfLifeFindings(placeLayers(...layers), ['linux/amd64'], new Date(now));
}

const buster = 'ID=debian\nVERSION_ID="10"\nPRETTY_NAME="Debian GNU/Linux 10 (buster)"\n';

describe('the end of a release', () => {
  test('is a finding from the day after its last, at the file that names it', () => {
    expect(find('2024-06-30T23:59:59Z', buster)).toEqual([]);
    expect(find('2024-07-01T00:00:00Z', buster)).toEqual([
      expect.objectContaining({
        rule: 'end-of-life',
        severity: 'high',
        title: 'Debian GNU/Linux 10 (buster) gets no security updates since 2024-06-30',
        path: 'etc/os-release',
        layer: 0,
        platforms: ['linux/amd64'],
      }),
    ]);
  });

  test('is that of the release which the image has in the end', () => {
    expect(find('2026-11-24', buster, 'ID=debian\nVERSION_ID="12"\n')).toEqual([]);
    expect(find('2026-11-24', 'ID=debian\nVERSION_ID="12"\n', buster)).toMatchObject([{ layer: 1 }]);
  });

  test('keeps its identity while the day comes nearer, and differs by release', () => {
    const [one, other] = [find('2025-01-01', buster), find('2026-01-01', buster)];
    expect(one[0]?.fingerprint).toBe(other[0]?.fingerprint);
    expect(find('2026-01-01', buster.replace('10', '9'))[0]?.fingerprint).not.toBe(one[0]?.fingerprint);
  });

  test.each([
    ['debian', '12.5', '', '2028-06-30'],
    ['ubuntu', '22.04', '', '2027-06-01'],
    ['alpine', '3.19.1', '', '2025-11-01'],
    ['alpine', '3.20.0_alpha20240101', '', '2026-04-01'],
    ['rhel', '8.10', '', '2029-05-31'],
    ['centos', '8', 'CentOS Linux 8', '2021-12-31'],
    ['centos', '8', 'CentOS Stream 8', '2024-05-31'],
    ['amzn', '2', '', '2026-06-30'],
    ['sles', '15', '', '2019-12-31'],
    ['sles', '15.5', '', '2024-12-31'],
    ['sles', '15.99', '', undefined],
    ['mariner', '2.0.20240425', '', '2025-07-31'],
    ['photon', '4.0', '', '2027-10-11'],
    ['debian', '', '', undefined],
    ['debian', '99', '', undefined],
    ['debian', 'constructor', '', undefined],
    ['constructor', '1', '', undefined],
    ['wolfi', '20230201', '', undefined],
  ])('of %s %s (%s) is %s', (id, versionId, prettyName, day) => expect(findLastDay({ id, versionId, prettyName })).toBe(day));
});
