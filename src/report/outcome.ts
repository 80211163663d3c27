import type { Report } from '../model/report.ts';
import { toSummary } from './markdown-report.ts';
import { toCount, toEnd, toRefusals } from './verdict-text.ts';

/** GitHub refuses a check run whose summary is over 65,535 bytes. */
const summaryMaxBytes = 65_000;

/** The outcome of the run as a check shows it; the same shape as the hosts' `RunOutcome`. */
export interface ReportOutcome {
  readonly conclusion: 'success' | 'failure';
  readonly title: string;
  readonly summary: string;
}

/** Undecided and unfinished are failures too: a neutral check would let a required one pass. */
export function toRunOutcome(report: Report): ReportOutcome {
  return {
    conclusion: toEnd(report) === 'pass' ? 'success' : 'failure',
    title: toTitle(report),
    summary: toSummary(report, summaryMaxBytes),
  };
}

function toTitle(report: Report): string {
  const { verdict, findings, gaps } = report;
  switch (toEnd(report)) {
    case 'pass':
      return `Passed: ${toCount(findings.length, 'finding')}, none refused`;
    case 'failed':
      return 'Not published: publishing could not be finished';
    case 'deny':
      return `Denied: ${toCount(toRefusals(verdict.denials).length, 'finding')} refused`;
    case 'undecided':
      return `Undecided: ${toCount(Math.max(verdict.gaps.length, Math.min(gaps.length, 1)), 'thing')} could not be looked at`;
  }
}
