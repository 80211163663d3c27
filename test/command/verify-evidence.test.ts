import { describe, expect, it } from 'vitest';
import type { SignedStatement } from '../../src/command/testimony.ts';
import { checkEvidence, type EvidenceRules, toSoughtKinds } from '../../src/command/verify-evidence.ts';
import { type ScanReport, toScanReport } from '../../src/evidence/scan-report.ts';
import { toVerdictSummary, type VerdictSummary } from '../../src/evidence/verdict-summary.ts';
import type { ConfirmedKind } from '../../src/model/verification.ts';
import { builtinPolicy } from '../../src/policy/builtin-policy.ts';
import { parsePolicy } from '../../src/policy/policy-file.ts';
import { gap, vulnerability } from '../policy/findings.ts';

const now = new Date('2026-11-29T12:00:00Z');
const policy = builtinPolicy({ failOn: 'high' });
const scan: ScanReport = {
  findings: [],
  gaps: [],
  platforms: ['linux/amd64'],
  packages: 12,
  scannedAt: '2026-11-28T12:00:00.000Z',
  version: '1.0.0',
  advisories: { source: 'osv.dev', digest: undefined, newest: '2026-11-28T00:00:00Z', created: undefined, asOf: '2026-11-28T00:00:00Z' },
  exploitation: { knownExploited: undefined, epss: undefined },
};
const verdict: VerdictSummary = {
  kind: 'pass',
  resource: 'pkg:oci/app',
  policy: { name: policy.name, digest: policy.digest },
  decidedAt: '2026-11-28T12:00:00.000Z',
  expires: undefined,
  exceptions: [],
  version: '1.0.0',
};

function statement(kind: ConfirmedKind, predicate: object): SignedStatement {
  return {
    predicateType: kind,
    predicate: JSON.parse(JSON.stringify(predicate)),
    confirmation: { kind, signedBy: 'release', policy: 'cosign-key', digest: undefined, time: undefined },
  };
}

const scanned = (more: Partial<ScanReport> = {}) => statement('scan', toScanReport({ ...scan, ...more }));
const decided = (more: Partial<VerdictSummary> = {}) => statement('verdict', toVerdictSummary({ ...verdict, ...more }));

function codes(
  required: readonly ConfirmedKind[],
  statements: readonly SignedStatement[],
  rules: Partial<EvidenceRules> = {},
): readonly string[] {
  const { failures } = checkEvidence('app', statements, { required, policy, maxAgeMs: undefined, now, ...rules });
  return failures.map(({ kind, policy: name, code }) => `${kind} ${code} ${name}`);
}

describe('evidence', () => {
  it('has to be there', () => {
    expect(codes(['sbom', 'provenance', 'scan', 'verdict'], [])).toEqual([
      'deny evidence-missing require sbom',
      'deny evidence-missing require provenance',
      'deny evidence-missing require scan',
      'deny evidence-missing require verdict',
    ]);
    expect(codes(['sbom', 'scan', 'verdict'], [statement('sbom', {}), scanned(), decided()])).toEqual([]);
    expect(codes([], [])).toEqual([]);
  });

  it('is read in one form alone', () => {
    expect(codes(['scan', 'verdict'], [statement('scan', {}), statement('verdict', { verificationResult: 'PASSED' })])).toEqual([
      'undecided evidence-unreadable require scan',
      'undecided evidence-unreadable require verdict',
    ]);
  });

  it.each([
    ['scan', scanned()],
    ['verdict', decided()],
  ] as const)('may not be older than asked for: %s', (kind, given) => {
    const hourMs = 3_600_000;
    expect(codes([kind], [given], { maxAgeMs: 24 * hourMs })).toEqual([]);
    expect(codes([kind], [given], { maxAgeMs: 23 * hourMs })).toEqual(['deny evidence-stale evidence-max-age']);
    // What is of tomorrow would be fresh for a day more than asked for.
    const tomorrow = '2026-11-30T00:00:00.000Z';
    const early = [scanned({ scannedAt: tomorrow }), decided({ decidedAt: tomorrow })];
    expect(codes([kind], early, { maxAgeMs: 24 * hourMs })).toEqual(['deny evidence-stale evidence-max-age']);
    expect(codes([kind], early)).toEqual([]);
  });

  it('counts by what it says itself to be the newest, whatever the order', () => {
    const bad = scanned({ findings: [vulnerability({ severity: 'critical' })], scannedAt: '2026-11-29T00:00:00.000Z' });
    const good = scanned();
    for (const statements of [
      [bad, good],
      [good, bad],
    ]) {
      expect(codes(['scan'], statements)).toEqual([`deny policy-denied builtin/fail-on-high (${policy.name})`]);
    }
  });
});

describe("today's policy", () => {
  it('refuses what it let pass yesterday, with the name of each rule', () => {
    const statements = [scanned({ findings: [vulnerability({ severity: 'medium' })] }), decided()];
    expect(codes(['scan', 'verdict'], statements)).toEqual([]);
    const stricter = parsePolicy('version: 1\nrules:\n- name: nothing-medium\n  deny: {severity: [medium]}\n', 'p.yml');
    expect(codes(['scan'], statements, { policy: stricter })).toEqual(['deny policy-denied nothing-medium (p.yml)']);
    // The verdict was by another policy: it holds as far as the scan passes today.
    expect(codes(['verdict'], statements, { policy: stricter })).toEqual(['deny policy-denied nothing-medium (p.yml)']);
    expect(codes(['verdict'], [decided()], { policy: stricter })).toEqual(['deny verdict-outdated p.yml']);
    expect(toSoughtKinds(['verdict'])).toEqual(['verdict', 'scan']);
  });

  it('leaves undecided what could not be looked at, and what was looked at with old advisories', () => {
    expect(codes(['scan'], [scanned({ gaps: [gap()] })])).toEqual([`undecided evidence-gaps ${policy.name}`]);
    const fresh = parsePolicy('version: 1\nextends: builtin\nadvisories: {max-age: 2d}\n', 'p.yml');
    expect(codes(['scan'], [scanned()], { policy: fresh })).toEqual([]);
    expect(codes(['scan'], [scanned()], { policy: fresh, now: new Date('2026-12-05T00:00:00Z') })).toEqual([
      'undecided evidence-gaps p.yml',
    ]);
  });
});

describe('a verdict', () => {
  it.each(['deny', 'undecided'] as const)('has to be one that passes, not %s', (kind) => {
    expect(codes(['verdict'], [decided({ kind })])).toEqual([`deny verdict-denied ${policy.name}`]);
  });

  it('holds as long as the exceptions that it rests on', () => {
    const exception = { rule: 'vulnerability', subject: 'x', reason: 'y', expires: '2026-11-29' };
    expect(codes(['verdict'], [decided({ expires: '2026-11-29', exceptions: [exception] })])).toEqual([]);
    const ended = { ...exception, expires: '2026-11-28' };
    expect(codes(['verdict'], [decided({ expires: '2026-11-28', exceptions: [ended] })])).toEqual([`deny verdict-expired ${policy.name}`]);
  });
});
