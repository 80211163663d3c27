import type { Report } from '../model/report.ts';
import { toSummary } from './markdown-report.ts';
import { toCount, toRefusals } from './verdict-text.ts';

/** GitHub refuses a check run whose summary is over 65,535 bytes. */
const summaryMaxBytes = 65_000;

/** The outcome of the run as a check shows it; the same shape as the hosts' `RunOutcome`. */
export interface ReportOutcome {
  readonly conclusion: 'success' | 'failure';
  readonly title: string;
  readonly summary: string;
}

/** Undecided is a failure too: a neutral check would let a required one pass. */
export function toRunOutcome(report: Report): ReportOutcome {
  return {
    conclusion: report.verdict.kind === 'pass' ? 'success' : 'failure',
    title: toTitle(report),
    summary: toSummary(report, summaryMaxBytes),
  };
}

function toTitle({ verdict, findings, gaps }: Report): string {
  switch (verdict.kind) {
    case 'pass':
      return `Passed: ${toCount(findings.length, 'finding')}, none refused`;
    case 'deny':
      return `Denied: ${toCount(toRefusals(verdict.denials).length, 'finding')} refused`;
    case 'undecided':
      return `Undecided: ${toCount(Math.max(verdict.gaps.length, Math.min(gaps.length, 1)), 'thing')} could not be looked at`;
  }
}
