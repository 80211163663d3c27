import { toClipped, toVisibleLine } from '../lib/visible-text.ts';
import type { Finding, Severity } from '../model/finding.ts';
import type { Report } from '../model/report.ts';
import { isDeletedLater, toExploitationMark, toFix, toGapText, toImagePath, toPlatforms, toSourceLine, toSubject } from './finding-text.ts';
import { statementNames, unsignedSboms } from './publication-text.ts';
import { toColumns, toPainter } from './terminal.ts';
import { toCount, toEnd, toOthers, toRefusals, toSeverityCounts, toVerdictSentence } from './verdict-text.ts';

export interface TableOptions {
  readonly colour: boolean;
  /** Of the terminal. */
  readonly columns: number;
}

/** Beyond, a terminal is no place to read them. */
const maxRefused = 200;
const maxOthers = 20;
const maxGaps = 20;

/** The report for a terminal: lines of at most `columns` columns (60 at least), control characters of the image written out. */
export function toTable(report: Report, { colour, columns }: TableOptions): string {
  const width = Math.max(60, Math.min(columns, 200));
  const paint = toPainter(colour);
  const refusals = toRefusals(report.verdict.denials);
  const others = toOthers(report);
  const styles = { deny: 'red', undecided: 'yellow', pass: 'green', failed: 'red' } as const;
  const words = { deny: 'DENIED', undecided: 'UNDECIDED', pass: 'PASSED', failed: 'NOT PUBLISHED' } as const;
  const end = toEnd(report);
  const refusedRows = refusals.slice(0, maxRefused).map(({ finding, rules }) => [...toCells(finding, report), rules.join(', ')]);
  const otherRows = others.slice(0, maxOthers).map((finding) => toCells(finding, report));
  return [
    `${paint(words[end], styles[end])}  ${toClipped(toVisibleLine(report.image), width - 16)}`,
    ...wrap(toVerdictSentence(report), width),
    ...(report.findings.length > 0 ? [`${toSeverityCounts(report.findings)}.`] : []),
    ...report.verdict.notices.flatMap((notice) => wrap(`Policy: ${toVisibleLine(notice)}`, width)),
    ...toSection('Refused', refusedRows, refusals.length, width, paint),
    ...toSection('Not refused', otherRows, others.length, width, paint),
    ...toGapLines(report, width, paint),
    ...toExcepted(report, width, paint),
    ...toHowToExcept(refusals[0]?.exception, width, paint),
    ...toPublished(report, paint),
  ].join('\n');
}

type Paint = ReturnType<typeof toPainter>;

const severityStyles: Readonly<Record<Severity, 'red' | 'yellow' | 'cyan' | 'plain'>> = {
  critical: 'red',
  high: 'red',
  medium: 'yellow',
  low: 'cyan',
  unknown: 'plain',
};

function toCells(finding: Finding, report: Report): string[] {
  const place = [toSourceLine(finding), toImagePath(finding)].filter((text) => text !== undefined).join('  ');
  const platforms = toPlatforms(finding, report.platforms.length);
  const subject = platforms === undefined ? toSubject(finding) : `${toSubject(finding)} (${platforms})`;
  // A column of its own, which is narrow: what is known to be exploited is not to be cut off.
  const marks = report.findings.some((other) => toExploitationMark(other) !== '') ? [toExploitationMark(finding)] : [];
  return [finding.severity, ...marks, subject, toFix(finding), [place, ...toPlaceNotes(finding)].filter((text) => text !== '').join('  ')];
}

function toPlaceNotes(finding: Finding): string[] {
  return [...(finding.fromBase === true ? ['(base image)'] : []), ...(isDeletedLater(finding) ? ['(deleted later)'] : [])];
}

function toSection(title: string, rows: readonly (readonly string[])[], count: number, width: number, paint: Paint): string[] {
  if (count === 0) return [];
  const lines = toColumns(rows, width - 2).map((line, index) => {
    const severity = (rows[index]?.[0] ?? 'unknown') as Severity;
    return `  ${paint(line.slice(0, severity.length), severityStyles[severity])}${line.slice(severity.length)}`;
  });
  const left = count - rows.length;
  return ['', paint(`${title} (${count})`, 'bold'), ...lines, ...(left > 0 ? [`  and ${left} more in the JSON report`] : [])];
}

function toGapLines(report: Report, width: number, paint: Paint): string[] {
  if (report.gaps.length === 0) return [];
  const shown = report.gaps.slice(0, maxGaps).map((gap) => `  ${toClipped(toVisibleLine(`${gap.code}: ${toGapText(gap)}`), width - 2)}`);
  const left = report.gaps.length - shown.length;
  return [
    '',
    paint(`Could not be looked at (${report.gaps.length})`, 'bold'),
    ...shown,
    ...(left > 0 ? [`  and ${left} more in the JSON report`] : []),
  ];
}

function toExcepted(report: Report, width: number, paint: Paint): string[] {
  const { excepted } = report.verdict;
  if (excepted.length === 0) return [];
  const rows = excepted.slice(0, maxOthers).map(({ finding, reason, expires }) => [toSubject(finding), reason, `until ${expires}`]);
  const left = excepted.length - rows.length;
  const lines = toColumns(rows, width - 2).map((line) => `  ${line}`);
  return [
    '',
    paint(`Excepted by the policy (${excepted.length})`, 'bold'),
    ...lines,
    ...(left > 0 ? [`  and ${left} more in the JSON report`] : []),
  ];
}

function toHowToExcept(exception: string | undefined, width: number, paint: Paint): string[] {
  if (exception === undefined) return [];
  const lines = exception.trimEnd().split('\n').slice(0, 20);
  return [
    '',
    paint('To except a finding, e.g. the first, add to the policy file', 'bold'),
    ...lines.map((line) => `  ${toClipped(toVisibleLine(line), width - 2)}`),
  ];
}

function toPublished(report: Report, paint: Paint): string[] {
  const { publication, digest, takenFrom } = report;
  const origin = takenFrom === undefined ? [] : [`taken from ${takenFrom}`];
  const scanned = [...(digest === undefined ? [] : [`digest     ${digest}`]), ...origin];
  if (publication.kind === 'none') return scanned.length === 0 ? [] : ['', ...scanned];
  const lines = [
    ...publication.references.map((reference) => `  ${toVisibleLine(reference)}`),
    ...publication.signatures.map((signature) => `  signature  ${signature}`),
    ...unsignedSboms(publication).map((sbom) => `  SBOM       ${sbom}`),
    ...publication.attestations.map(({ kind, system, digest: attested }) => `  attested   ${attested} ${statementNames[kind]} (${system})`),
  ];
  return [
    '',
    paint(`Published (${toCount(publication.references.length, 'reference')})`, 'bold'),
    ...lines,
    ...origin.map((line) => `  ${line}`),
  ];
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? toClipped(word, width) : `${line} ${word}`;
  }
  return [...lines, line];
}
