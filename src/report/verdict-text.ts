import { type Finding, type Severity, severities } from '../model/finding.ts';
import type { Report } from '../model/report.ts';
import type { Denial } from '../model/verdict.ts';

/** One refused finding with every rule that refuses it. */
export interface Refusal {
  readonly finding: Finding;
  readonly rules: readonly string[];
  readonly exception: string;
}

/** Denials by finding, in the order of the report. */
export function toRefusals(denials: readonly Denial[]): readonly Refusal[] {
  const refusals = new Map<string, { finding: Finding; rules: string[]; exception: string }>();
  for (const { rule, finding, exception } of denials) {
    const refusal = refusals.get(finding.fingerprint);
    if (refusal === undefined) refusals.set(finding.fingerprint, { finding, rules: [rule], exception });
    else if (!refusal.rules.includes(rule)) refusal.rules.push(rule);
  }
  return [...refusals.values()];
}

/** Findings that no rule refuses and no exception covers. */
export function toOthers(report: Report): readonly Finding[] {
  const named = new Set([...report.verdict.denials, ...report.verdict.excepted].map(({ finding }) => finding.fingerprint));
  return report.findings.filter((finding) => !named.has(finding.fingerprint));
}

/** How the run ended: as its verdict says, or `failed` where the verdict let the image pass and it could not be published. */
export function toEnd({ verdict, publication }: Report): Report['verdict']['kind'] | 'failed' {
  return verdict.kind === 'pass' && publication.kind === 'none' && publication.reason === 'failed' ? 'failed' : verdict.kind;
}

/** What the verdict means, in one sentence of plain text that quotes nothing of the image. */
export function toVerdictSentence(report: Report): string {
  const { verdict, findings, publication } = report;
  const refused = toRefusals(verdict.denials).length;
  switch (verdict.kind) {
    case 'deny':
      return `${refused} of ${toCount(findings.length, 'finding')} ${refused === 1 ? 'is' : 'are'} refused, and nothing was published.`;
    case 'undecided': {
      const gaps = toCount(verdict.gaps.length, 'thing');
      return `Nothing is refused, but ${gaps} could not be looked at, so nothing was published.`;
    }
    case 'pass': {
      const found = findings.length === 0 ? 'Nothing was found' : `None of ${toCount(findings.length, 'finding')} is refused`;
      return `${found}${toPublished(publication)}`;
    }
  }
}

function toPublished(publication: Report['publication']): string {
  if (publication.kind === 'published')
    return `, and the image is published${publication.signatures.length > 0 ? ' and signed' : ', unsigned'}.`;
  if (publication.reason === 'failed') return ', but the image could not be published; no tag was moved.';
  return publication.reason === 'scan-only' ? '. Nothing was to be published.' : '. Nothing was published.';
}

/** `3 critical, 10 high`; empty where there are none. */
export function toSeverityCounts(findings: readonly Finding[]): string {
  return severities
    .flatMap((severity) => {
      const count = countSeverity(findings, severity);
      return count === 0 ? [] : [`${count} ${severity}`];
    })
    .join(', ');
}

export function countSeverity(findings: readonly Finding[], severity: Severity): number {
  return findings.filter((finding) => finding.severity === severity).length;
}

/** `1 finding`, `2 findings`. */
export function toCount(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
