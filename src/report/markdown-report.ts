import type { CoverageGap, Finding, Severity } from '../model/finding.ts';
import type { Report } from '../model/report.ts';
import type { Excepted } from '../model/verdict.ts';
import { layOut, type Part } from './budget.ts';
import {
  isDeletedLater,
  toAdvisorySummary,
  toExploitation,
  toFix,
  toGapText,
  toImagePath,
  toPlatforms,
  toSourceLine,
} from './finding-text.ts';
import { toAdvisoryLink, toCellCode, toCode, toCodeBlock, toText } from './markdown.ts';
import { toFooterPart, toPublicationPart } from './publication-text.ts';
import { type Refusal, toCount, toEnd, toOthers, toRefusals, toSeverityCounts, toVerdictSentence } from './verdict-text.ts';

/**
 * The comment on the pull request, in at most `maxCharacters` UTF-16 units whatever the image holds: the verdict, what is refused and by which
 * rule, how to fix it and how to except it, and the rest folded away.
 */
export function toComment(report: Report, maxCharacters: number): string {
  return layOut(toParts(report, commentRows), maxCharacters, (text) => text.length);
}

/** The summary of the run, in at most `maxBytes` bytes of UTF-8: the same, with every finding that there is room for. */
export function toSummary(report: Report, maxBytes: number): string {
  return layOut(toParts(report, summaryRows), maxBytes, (text) => Buffer.byteLength(text));
}

interface Rows {
  readonly refused: number;
  readonly others: number;
  readonly exceptions: number;
  readonly elsewhere: string;
}

const commentRows: Rows = {
  refused: 25,
  others: 50,
  exceptions: 10,
  elsewhere: 'the summary of the run and the JSON report have them all',
};
const summaryRows: Rows = { refused: 5000, others: 5000, exceptions: 100, elsewhere: 'the JSON report has them all' };

function toParts(report: Report, rows: Rows): readonly Part[] {
  const { verdict } = report;
  const refusals = toRefusals(verdict.denials);
  const others = toOthers(report);
  return [
    `${headings[toEnd(report)]} ${toCode(report.image, 200)}\n\n**${toVerdictSentence(report)}**${toCounts(report)}\n\n`,
    ...(verdict.notices.length > 0 ? [toNotices(verdict.notices)] : []),
    ...(refusals.length > 0 ? [toRefusedPart(refusals, report, rows), toExceptionPart(refusals, rows)] : []),
    ...(report.gaps.length > 0 ? [toGapPart(report, rows)] : []),
    ...toPublicationPart(report),
    ...(others.length > 0 ? [toOthersPart(others, report, rows)] : []),
    ...(verdict.excepted.length > 0 ? [toExceptedPart(verdict.excepted, rows)] : []),
    toFooterPart(report),
  ];
}

const headings = {
  deny: '## ⛔ Denied:',
  undecided: '## ❔ Undecided:',
  pass: '## ✅ Passed:',
  failed: '## ❌ Not published:',
} as const;

const dots: Readonly<Record<Severity, string>> = { critical: '🔴', high: '🟠', medium: '🟡', low: '🔵', unknown: '⚪' };

function toCounts(report: Report): string {
  const counts = toSeverityCounts(report.findings);
  return counts === '' ? '' : ` ${counts[0]?.toUpperCase()}${counts.slice(1)}.`;
}

function toNotices(notices: readonly string[]): Part {
  return {
    head: '',
    rows: notices.map((notice) => `> Policy: ${toText(notice, 300)}\n`),
    foot: '\n',
    more: (count) => `> Policy: ${toCount(count, 'more notice')}\n`,
    maxRows: 10,
  };
}

function toRefusedPart(refusals: readonly Refusal[], report: Report, rows: Rows): Part {
  return {
    head: '| Severity | Refused | From | What to do | Policy |\n| :-- | :-- | :-- | :-- | :-- |\n',
    rows: refusals.map(({ finding, rules }) => toRow([...toCells(finding, report), rules.map((rule) => toCellCode(rule, 60)).join(' ')])),
    foot: '\n',
    more: (count) => `\n${toCount(count, 'more refused finding')}: ${rows.elsewhere}.\n`,
    maxRows: rows.refused,
  };
}

function toExceptionPart(refusals: readonly Refusal[], rows: Rows): Part {
  const texts = withoutRepeatedHead(refusals.map(({ exception }) => exception.trimEnd()));
  const block = toCodeBlock('yaml', texts.join('\n'));
  return {
    head: `<details><summary>How to except a finding that you accept</summary>\n\nAdd its lines to the policy file, with a reason and a last day.\n\n${block.open}`,
    rows: texts.map((text) => toCodeBlock('', text).body),
    foot: `${block.close}\n</details>\n\n`,
    more: (count) => `# ${count} more: the JSON report has them all\n`,
    maxRows: rows.exceptions,
  };
}

/** Each exception may begin with the keys that its list stands under; one time is enough. */
function withoutRepeatedHead(texts: readonly string[]): readonly string[] {
  const [first = ''] = texts;
  const head = /^(?:(?! *- ).*\n)+/.exec(first)?.[0] ?? '';
  return texts.map((text, index) => (index > 0 && head !== '' && text.startsWith(head) ? text.slice(head.length) : text));
}

function toGapPart(report: Report, rows: Rows): Part {
  const unaccepted = new Set(report.verdict.gaps.map(toGapKey));
  const folded = report.verdict.kind !== 'undecided';
  const title = `${toCount(report.gaps.length, 'thing')} could not be looked at`;
  return {
    head: folded ? `<details><summary>${title}</summary>\n\n` : `### ${title}\n\n`,
    rows: report.gaps.map((gap) => {
      const accepted = unaccepted.has(toGapKey(gap)) ? '' : ' (the policy accepts it)';
      return `- ${gap.code}: ${toText(toGapText(gap), 300)}${accepted}\n`;
    }),
    foot: folded ? '\n</details>\n\n' : '\n',
    more: (count) => `- ${count} more: the JSON report has them all\n`,
    maxRows: rows.others,
  };
}

function toGapKey(gap: CoverageGap): string {
  return [gap.code, gap.path, gap.layer, gap.reason].join('\n');
}

function toOthersPart(findings: readonly Finding[], report: Report, rows: Rows): Part {
  return {
    head: `<details><summary>${toCount(findings.length, 'finding')} that the policy does not refuse: ${toSeverityCounts(findings)}</summary>\n\n| Severity | Finding | From | What to do |\n| :-- | :-- | :-- | :-- |\n`,
    rows: findings.map((finding) => toRow(toCells(finding, report))),
    foot: '\n</details>\n\n',
    more: (count) => `\n${toCount(count, 'more finding')}: ${rows.elsewhere}.\n`,
    maxRows: rows.others,
  };
}

function toExceptedPart(excepted: readonly Excepted[], rows: Rows): Part {
  return {
    head: `<details><summary>${toCount(excepted.length, 'finding')} excepted by the policy</summary>\n\n| Finding | Policy | Reason | Until |\n| :-- | :-- | :-- | :-- |\n`,
    rows: excepted.map(({ finding, rule, reason, expires }) =>
      toRow([toNamed(finding), toCellCode(rule, 60), toText(reason), toText(expires, 30)]),
    ),
    foot: '\n</details>\n\n',
    more: (count) => `\n${count} more: ${rows.elsewhere}.\n`,
    maxRows: rows.others,
  };
}

function toRow(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |\n`;
}

/** Severity, finding, place, remedy. */
function toCells(finding: Finding, report: Report): readonly string[] {
  const platforms = toPlatforms(finding, report.platforms.length);
  const severity = `${dots[finding.severity]} ${finding.severity}`;
  const named = platforms === undefined ? toNamed(finding) : `${toNamed(finding)}<br>${toText(platforms)}`;
  const fix =
    finding.kind === 'vulnerability' && finding.fixedVersion !== undefined
      ? `Upgrade to ${toCellCode(finding.fixedVersion, 60)}`
      : toText(toFix(finding));
  return [severity, named, toPlace(finding), fix];
}

function toNamed(finding: Finding): string {
  if (finding.kind === 'vulnerability') {
    const named = `${toAdvisoryLink(finding.advisory, finding.url)} in ${toCellCode(`${finding.package.name} ${finding.package.version}`)}`;
    const summary = toAdvisorySummary(finding);
    const exploitation = toExploitation(finding);
    const told = exploitation === undefined ? named : `${named}<br>**${toText(exploitation)}**`;
    return summary === undefined ? told : `${told}<br>${toText(summary, 120)}`;
  }
  return finding.kind === 'secret' ? `${toText(finding.title)} ${toCellCode(finding.preview, 20)}` : toText(finding.title);
}

function toPlace(finding: Finding): string {
  const path = toImagePath(finding);
  const line = toSourceLine(finding);
  const instruction = finding.attribution?.instruction;
  const places = [
    ...(line === undefined ? [] : [`**${toCellCode(line)}**`]),
    ...(instruction === undefined ? [] : [toCellCode(instruction, 80)]),
    ...(path === undefined ? [] : [toCellCode(path)]),
    ...(finding.fromBase === true ? ['came with the base image'] : []),
    ...(isDeletedLater(finding) ? ['deleted later, but still in its layer'] : []),
  ];
  return places.join('<br>') || 'the image’s configuration';
}
