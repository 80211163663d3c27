import { describe, expect, test } from 'vitest';
import { parseScanReport, type ScanReport, toScanReport } from '../../src/evidence/scan-report.ts';
import { toStatementBytes } from '../../src/evidence/statement.ts';
import { gapCodes } from '../../src/model/finding.ts';
import { gap, malware, misconfiguration, secret, vulnerability } from '../policy/findings.ts';

const report: ScanReport = {
  findings: [
    malware({ fromBase: true }),
    secret({ attribution: { instruction: 'COPY . .', file: 'Dockerfile', line: 3 } }),
    vulnerability({
      knownExploited: '2026-01-02',
      epss: { probability: 0.5, percentile: 0.99 },
      cvss: { vector: 'CVSS:3.1/AV:N', score: 7.5 },
    }),
    vulnerability(
      { fixedVersion: undefined },
      {
        ecosystem: undefined,
        licence: ['MIT', 'Apache-2.0'],
        architecture: 'amd64',
        maintainer: 'Debian',
        module: 'nodejs:18',
        cpe: 'cpe:2.3:a:x',
        member: 'a.jar!/b',
        otherPaths: ['srv/b'],
        installer: 'dnf',
        fromBase: false,
      },
    ),
    misconfiguration(),
  ],
  gaps: [...gapCodes.map((code) => gap({ code })), gap({ path: undefined, layer: undefined })],
  platforms: ['linux/amd64', 'linux/arm64'],
  packages: 212,
  scannedAt: '2026-11-29T08:00:00.000Z',
  version: '1.0.0',
  advisories: {
    source: 'osv.dev',
    digest: `sha256:${'a'.repeat(64)}`,
    newest: '2026-11-28T00:00:00Z',
    created: undefined,
    asOf: '2026-11-29T00:00:00Z',
  },
  exploitation: { knownExploited: '2026-11-28T00:00:00Z', epss: undefined },
};

/** As it comes out of a registry. */
function sent(value: object): unknown {
  const bytes = toStatementBytes({ name: 'shop', digest: `sha256:${'b'.repeat(64)}` }, 'https://example.com/scan', value);
  return JSON.parse(bytes.toString()).predicate;
}

/** The predicate with another value at a path. */
function changed(path: readonly (string | number)[], value: unknown): unknown {
  const predicate = sent(toScanReport(report)) as Record<string | number, unknown>;
  let place = predicate;
  for (const step of path.slice(0, -1)) place = place[step] as Record<string | number, unknown>;
  const last = path.at(-1) ?? '';
  if (value === undefined) delete place[last];
  else place[last] = value;
  return predicate;
}

describe('a scan report', () => {
  test('is read as it was written, with every field of each kind of finding', () => {
    expect(parseScanReport(sent(toScanReport(report)))).toStrictEqual(report);
  });

  test('of an image in which nothing was found is one as well', () => {
    const empty = { ...report, findings: [], gaps: [], packages: 0 };
    expect(parseScanReport(sent(toScanReport(empty)))).toStrictEqual(empty);
  });

  test('may have fields that a later version adds', () => {
    expect(parseScanReport(changed(['findings', 0, 'reachable'], true))).toStrictEqual(report);
  });

  test.each<readonly [string, readonly (string | number)[], unknown]>([
    ['a kind of finding that is not known', ['findings', 0, 'kind'], 'dangling-pointer'],
    ['a severity that is not known', ['findings', 0, 'severity'], 'CRITICAL'],
    ['no severity', ['findings', 0, 'severity'], undefined],
    ['a finding that is none', ['findings', 1], null],
    ['no list of findings', ['findings'], undefined],
    ['findings by name', ['findings'], {}],
    ['a gap that is not known', ['gaps', 0, 'code'], 'asleep'],
    ['no gaps', ['gaps'], undefined],
    ['a gap without a path', ['gaps', 0, 'path'], undefined],
    ['no fixed version, not even null', ['findings', 2, 'fixedVersion'], undefined],
    ['a fingerprint that is none', ['findings', 2, 'fingerprint'], '0123'],
    ['a package of a type that is not known', ['findings', 2, 'package', 'type'], 'floppy'],
    ['a probability above 1', ['findings', 2, 'epss', 'probability'], 7],
    ['a layer below 0', ['findings', 2, 'layer'], -1],
    ['another scanner', ['scanner', 'name'], 'trivy'],
    ['no time', ['scannedAt'], 'yesterday'],
    ['advisories of nowhere', ['advisories', 'source'], null],
  ])('with %s is refused', (_name, path, value) => {
    const place = path.length === 0 ? '' : path.join('.');
    expect(() => parseScanReport(changed(path, value))).toThrow(
      expect.objectContaining({ code: 'evidence-unreadable', message: expect.stringContaining(place) }),
    );
  });

  test.each([null, 3, [], 'text', {}])('is not %j', (predicate) => {
    expect(() => parseScanReport(predicate)).toThrow(expect.objectContaining({ code: 'evidence-unreadable' }));
  });
});
