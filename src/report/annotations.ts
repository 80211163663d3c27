import { toClipped, toVisibleLine } from '../lib/visible-text.ts';
import type { Annotation } from '../model/annotation.ts';
import { compareFindings, type Finding } from '../model/finding.ts';
import type { Report } from '../model/report.ts';
import { isDeletedLater, toAdvisorySummary, toExploitation, toFix, toGapText, toImagePath, toSubject } from './finding-text.ts';
import { toCount, toOthers, toRefusals } from './verdict-text.ts';

/** Both hosts cut a message at 4,096 characters. */
const messageMaxCharacters = 4000;

/**
 * What to show on the lines of the repository, most severe first: what is refused as errors, what else is critical or high as warnings, the rest as
 * notices. The vulnerabilities of one line are one annotation, for a base image brings hundreds; secrets, malware and misconfigurations each have
 * their own.
 */
export function toAnnotations(report: Report): readonly Annotation[] {
  const refusals = toRefusals(report.verdict.denials);
  const rules = new Map(refusals.map(({ finding, rules: names }) => [finding.fingerprint, names]));
  const others = toOthers(report);
  const grave = others.filter(({ severity }) => severity === 'critical' || severity === 'high');
  const slight = others.filter(({ severity }) => severity !== 'critical' && severity !== 'high');
  return [
    ...toLevel(
      'error',
      refusals.map(({ finding }) => finding),
      rules,
    ),
    ...toGaps(report),
    ...toLevel('warning', grave, rules),
    ...report.verdict.notices.map((notice) => toNotice(notice, report)),
    ...toLevel('notice', slight, rules),
  ];
}

function toLevel(
  level: Annotation['level'],
  findings: readonly Finding[],
  rules: ReadonlyMap<string, readonly string[]>,
): readonly Annotation[] {
  const groups = new Map<string, Finding[]>();
  for (const finding of [...findings].sort(compareFindings)) {
    const { file, line } = finding.attribution ?? {};
    const key = finding.kind === 'vulnerability' ? JSON.stringify([file, line]) : finding.fingerprint;
    groups.set(key, [...(groups.get(key) ?? []), finding]);
  }
  return [...groups.values()].map((group) => toAnnotation(level, group, rules));
}

function toAnnotation(level: Annotation['level'], group: readonly Finding[], rules: ReadonlyMap<string, readonly string[]>): Annotation {
  const [first] = group;
  const names = [...new Set(group.flatMap(({ fingerprint }) => rules.get(fingerprint) ?? []))].map((name) =>
    toClipped(toVisibleLine(name), 60),
  );
  const refused = names.length === 0 ? '' : `, refused by ${names.slice(0, 3).join(', ')}`;
  const title = group.length === 1 && first ? toClipped(toVisibleLine(toSubject(first)), 120) : `${group.length} vulnerabilities`;
  return {
    level,
    title: `${title}${refused}`,
    message: toMessage(group),
    file: first?.attribution?.file,
    line: first?.attribution?.line,
  };
}

/** One line a finding, as many as there is room for. */
function toMessage(group: readonly Finding[]): string {
  const lines: string[] = [];
  let size = 0;
  for (const finding of group) {
    const line = toClipped(toVisibleLine(toLine(finding)), 500);
    size += line.length + 1;
    if (size > messageMaxCharacters) break;
    lines.push(line);
  }
  const left = group.length - lines.length;
  return [...lines, ...(left > 0 ? [`${left} more in the report.`] : [])].join('\n');
}

function toLine(finding: Finding): string {
  const path = toImagePath(finding);
  const where = path === undefined ? '' : ` (${path}${isDeletedLater(finding) ? ', deleted later but still in its layer' : ''})`;
  const summary = toAdvisorySummary(finding);
  const exploitation = toExploitation(finding);
  const told = exploitation === undefined ? '' : `, ${exploitation}`;
  return `${finding.severity}: ${toSubject(finding)}${where}${told}: ${toFix(finding)}${summary === undefined ? '' : ` (${toClipped(summary, 100)})`}`;
}

function toGaps({ verdict }: Report): readonly Annotation[] {
  if (verdict.kind !== 'undecided' || verdict.gaps.length === 0) return [];
  const shown = verdict.gaps.slice(0, 10).map((gap) => toClipped(toVisibleLine(`${gap.code}: ${toGapText(gap)}`), 300));
  const left = verdict.gaps.length - shown.length;
  const message = [...shown, ...(left > 0 ? [`${left} more in the report.`] : [])].join('\n');
  return [
    {
      level: 'error',
      title: `Undecided: ${toCount(verdict.gaps.length, 'thing')} could not be looked at`,
      message,
      file: undefined,
      line: undefined,
    },
  ];
}

function toNotice(notice: string, { verdict }: Report): Annotation {
  const file = verdict.policy.name === 'builtin' ? undefined : verdict.policy.name;
  return { level: 'warning', title: 'Policy', message: toClipped(toVisibleLine(notice), 1000), file, line: undefined };
}
