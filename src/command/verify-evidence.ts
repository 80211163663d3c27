import { parseScanReport, type ScanReport } from '../evidence/scan-report.ts';
import { parseVerdictSummary, type VerdictSummary } from '../evidence/verdict-summary.ts';
import { firstFew } from '../lib/first-few.ts';
import { StepError } from '../lib/step-error.ts';
import { toTimeText } from '../lib/time-text.ts';
import type { Finding } from '../model/finding.ts';
import type { Verdict } from '../model/verdict.ts';
import type { ConfirmedKind, Failure } from '../model/verification.ts';
import { findStaleAdvisories } from '../policy/advisory-age.ts';
import { decide } from '../policy/decide.ts';
import type { Policy } from '../policy/policy.ts';
import type { SignedStatement } from './testimony.ts';

/** What evidence is held against. */
export interface EvidenceRules {
  /** Kinds that an image has to have. */
  readonly required: readonly ConfirmedKind[];
  /** Today's. */
  readonly policy: Policy;
  /** How old a scan and a verdict may be; undefined: any age. */
  readonly maxAgeMs: number | undefined;
  readonly now: Date;
}

export interface EvidenceAnswer {
  readonly failures: readonly Failure[];
  readonly warnings: readonly string[];
}

/** How far the clocks of who attached evidence and of this machine may be apart. */
const clockToleranceMs = 5 * 60_000;

/** Kinds that have to be looked for: a verdict under another policy than today's is held against the scan. */
export function toSoughtKinds(required: readonly ConfirmedKind[]): readonly ConfirmedKind[] {
  return required.includes('verdict') && !required.includes('scan') ? [...required, 'scan'] : required;
}

/**
 * Holds what trusted signers said of an image against what is asked for: that it is there, not too old, that today's policy would let what was found pass, and that the verdict
 * has not expired.
 */
export function checkEvidence(image: string, statements: readonly SignedStatement[], rules: EvidenceRules): EvidenceAnswer {
  const { required } = rules;
  const ofKind = (kind: ConfirmedKind) => statements.filter(({ confirmation }) => confirmation.kind === kind);
  const missing = required.filter((kind) => ofKind(kind).length === 0);
  const [scan, scanFaults] = readNewest(ofKind('scan'), parseScanReport, ({ scannedAt }) => scannedAt);
  const [verdict, verdictFaults] = readNewest(ofKind('verdict'), parseVerdictSummary, ({ decidedAt }) => decidedAt);
  const isScanAsked = required.includes('scan') || (verdict !== undefined && verdict.policy.digest !== rules.policy.digest);
  const today = scan === undefined || !isScanAsked ? undefined : decideToday(scan, rules);
  return {
    failures: [
      ...missing.map((kind) => toMissing(image, kind)),
      ...(required.includes('scan') && scan === undefined ? scanFaults : []),
      ...(required.includes('verdict') && verdict === undefined ? verdictFaults : []),
      ...(required.includes('scan') && scan !== undefined ? toStale(image, 'scan', scan.scannedAt, rules) : []),
      ...(required.includes('verdict') && verdict !== undefined ? checkVerdict(image, verdict, scan, rules) : []),
      ...(today === undefined ? [] : toRefused(image, today)),
    ],
    warnings: today?.notices.map((notice) => `${rules.policy.name}: ${notice}`) ?? [],
  };
}

/** The newest by what it says itself, of those that can be read. */
function readNewest<T>(
  statements: readonly SignedStatement[],
  parse: (predicate: unknown) => T,
  timeOf: (value: T) => string,
): readonly [T | undefined, readonly Failure[]] {
  const faults: Failure[] = [];
  const values = statements.flatMap(({ predicate, confirmation: { kind } }) => {
    try {
      return [parse(predicate)];
    } catch (error) {
      if (!(error instanceof StepError)) throw error;
      faults.push({ kind: 'undecided', policy: `require ${kind}`, code: error.code, message: error.message, hint: error.hint });
      return [];
    }
  });
  const [newest] = values.toSorted((a, b) => Date.parse(timeOf(b)) - Date.parse(timeOf(a)));
  return [newest, faults.slice(0, 1)];
}

function decideToday(scan: ScanReport, { policy, now }: EvidenceRules): Verdict {
  const { source, asOf, newest } = scan.advisories;
  const stale = scan.packages === 0 ? [] : findStaleAdvisories(policy, { source, asOf: asOf ?? newest }, now);
  return decide({ policy, findings: scan.findings, gaps: [...scan.gaps, ...stale], now });
}

/** One failure for each rule that refuses, so that the line shows its name. */
function toRefused(image: string, { kind, denials, gaps, policy }: Verdict): readonly Failure[] {
  const rules = [...new Set(denials.map(({ rule }) => rule))];
  const refused = rules.map((rule): Failure => {
    const findings = denials.filter((denial) => denial.rule === rule).map(({ finding }) => finding);
    return {
      kind: 'deny',
      policy: `${rule} (${policy.name})`,
      code: 'policy-denied',
      message: `${image} was scanned, and today's policy refuses ${findings.length} of what was found: ${firstFew(findings.map(toName), 5)}`,
      hint: 'Build the image anew with what remedies it, or except it in the policy with a reason and a date.',
    };
  });
  if (kind !== 'undecided') return refused;
  const reasons = gaps.map(({ code, reason }) => `${code}: ${reason}`);
  return [
    {
      kind: 'undecided',
      policy: policy.name,
      code: 'evidence-gaps',
      message: `${image} was scanned, and not all of it could be looked at: ${firstFew(reasons, 3, '; ')}`,
      hint: 'Scan the image again (secure), or accept the gap in the policy.',
    },
  ];
}

function toName(finding: Finding): string {
  return finding.kind === 'vulnerability' ? `${finding.advisory} in ${finding.package.name} ${finding.package.version}` : finding.title;
}

function checkVerdict(image: string, verdict: VerdictSummary, scan: ScanReport | undefined, rules: EvidenceRules): readonly Failure[] {
  const { policy, now } = rules;
  const deny = (code: string, message: string): Failure => ({
    kind: 'deny',
    policy: policy.name,
    code,
    message: `the verdict on ${image} ${message}`,
    hint: 'Let a run of secure look at the image again.',
  });
  if (verdict.kind !== 'pass') return [deny('verdict-denied', `is ${JSON.stringify(verdict.kind)}`)];
  const isExpired = verdict.expires !== undefined && verdict.expires < now.toISOString().slice(0, 10);
  const isOther = verdict.policy.digest !== policy.digest;
  return [
    ...(isExpired ? [deny('verdict-expired', `held until ${verdict.expires}, for an exception of the policy did`)] : []),
    ...(isOther && scan === undefined
      ? [
          deny(
            'verdict-outdated',
            `is by another policy than today's (${verdict.policy.name}), and there is no scan to hold against today's`,
          ),
        ]
      : []),
    ...toStale(image, 'verdict', verdict.decidedAt, rules),
  ];
}

function toStale(image: string, kind: ConfirmedKind, time: string, { maxAgeMs, now }: EvidenceRules): readonly Failure[] {
  const ageMs = now.getTime() - Date.parse(time);
  if (maxAgeMs === undefined || (ageMs <= maxAgeMs && ageMs >= -clockToleranceMs)) return [];
  const wrong = ageMs > 0 ? `and may be ${Math.round(maxAgeMs / 3_600_000)} hours old` : 'which is yet to come: a clock was wrong';
  return [
    {
      kind: 'deny',
      policy: 'evidence-max-age',
      code: 'evidence-stale',
      message: `the ${kind} of ${image} is of ${toTimeText(new Date(time))}, ${wrong}`,
      hint: 'Let a run of secure look at the image again.',
    },
  ];
}

function toMissing(image: string, kind: ConfirmedKind): Failure {
  return {
    kind: 'deny',
    policy: `require ${kind}`,
    code: 'evidence-missing',
    message: `${image} has no ${kind} by anybody who is trusted`,
    hint: 'Let secure attach it and sign it (attest), or leave it out of require.',
  };
}
