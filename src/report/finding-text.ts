import { type CoverageGap, type Finding, isKnownExploited } from '../model/finding.ts';
import { isSystemPackage } from '../model/package.ts';

/** Plain texts of a finding, not yet escaped for any place. */

/** `CVE-2021-44228 in log4j-core 2.14.1`, `AWS access key AKIA…`. */
export function toSubject(finding: Finding): string {
  switch (finding.kind) {
    case 'vulnerability':
      return `${finding.advisory} in ${finding.package.name} ${finding.package.version}`;
    case 'secret':
      return `${finding.title} ${finding.preview}`;
    default:
      return finding.title;
  }
}

/** What the advisory says in one line, which is in the title behind what `toSubject` says. */
export function toAdvisorySummary(finding: Finding): string | undefined {
  const subject = `${toSubject(finding)}: `;
  return finding.title.startsWith(subject) ? finding.title.slice(subject.length) : undefined;
}

/** `known to be exploited since 2021-12-10, EPSS 94.4 %`: what lists of exploited vulnerabilities say. */
export function toExploitation(finding: Finding): string | undefined {
  const known = isKnownExploited(finding) ? [`known to be exploited since ${finding.knownExploited}`] : [];
  const texts = [...known, ...toProbability(finding)];
  return texts.length === 0 ? undefined : texts.join(', ');
}

/** `exploited, EPSS 94.4 %`: the same where there is little room. */
export function toExploitationMark(finding: Finding): string {
  return [...(isKnownExploited(finding) ? ['exploited'] : []), ...toProbability(finding)].join(', ');
}

function toProbability(finding: Finding): readonly string[] {
  const epss = finding.kind === 'vulnerability' ? finding.epss : undefined;
  return epss === undefined ? [] : [`EPSS ${Math.round(epss.probability * 1_000) / 10} %`];
}

/** What to do, in a few words. */
export function toFix(finding: Finding): string {
  if (finding.kind !== 'vulnerability') return finding.remedy;
  return finding.fixedVersion === undefined
    ? finding.remedy || 'no fixed version yet'
    : `upgrade ${finding.package.name} to ${finding.fixedVersion}`;
}

/** The file in the image; none for packages of the distribution, whose database says nothing of where they are. */
export function toImagePath(finding: Finding): string | undefined {
  if (finding.path === undefined) return undefined;
  if (finding.kind === 'vulnerability') return isSystemPackage(finding.package) ? undefined : finding.path;
  return finding.kind === 'secret' && finding.line !== undefined ? `${finding.path}:${finding.line}` : finding.path;
}

/** `Dockerfile:3`; undefined where the finding has no line in the repository. */
export function toSourceLine(finding: Finding): string | undefined {
  const { file, line } = finding.attribution ?? {};
  if (file === undefined) return undefined;
  return line === undefined ? file : `${file}:${line}`;
}

/** Which images of an index have it, where not all have; else undefined. */
export function toPlatforms(finding: Finding, platforms: number): string | undefined {
  return platforms > 1 && finding.platforms.length < platforms ? finding.platforms.join(', ') : undefined;
}

export function isDeletedLater(finding: Finding): boolean {
  return (finding.kind === 'secret' || finding.kind === 'malware') && finding.deletedLater;
}

/** `usr/lib/x.db: larger than 32 MiB`. */
export function toGapText(gap: CoverageGap): string {
  return gap.path === undefined ? gap.reason : `${gap.path}: ${gap.reason}`;
}
