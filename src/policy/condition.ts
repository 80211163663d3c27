import { type Finding, isKnownExploited, type Severity, severities } from '../model/finding.ts';
import type { Package } from '../model/package.ts';
import { type Glob, isGlobMatch } from './glob.ts';
import type { Conditions } from './policy.ts';

/** Whether a finding meets all conditions that are given. A condition that a kind of finding does not know is not met. */
export function isDenied(conditions: Conditions, finding: Finding): boolean {
  const { kind, severity, fixable, type, rule, knownExploited, epss, deletedLater, fromBase } = conditions;
  const item = finding.kind === 'vulnerability' ? finding.package : undefined;
  return (
    (kind === undefined || kind.includes(finding.kind)) &&
    (severity === undefined || severity.some((least) => isAtLeast(finding.severity, least))) &&
    (fixable === undefined || (finding.kind === 'vulnerability' && (finding.fixedVersion !== undefined) === fixable)) &&
    (knownExploited === undefined || (finding.kind === 'vulnerability' && isKnownExploited(finding) === knownExploited)) &&
    (epss === undefined || (finding.kind === 'vulnerability' && (finding.epss?.probability ?? -1) >= epss)) &&
    (type === undefined || (item !== undefined && type.includes(item.type))) &&
    isAnyMatch(conditions.package, packageNames(item)) &&
    isAnyMatch(conditions.id, advisoryIds(finding)) &&
    isAnyMatch(rule, ruleIds(finding)) &&
    isAnyMatch(conditions.path, finding.path === undefined ? [] : [finding.path]) &&
    (deletedLater === undefined || ((finding.kind === 'secret' || finding.kind === 'malware') && finding.deletedLater === deletedLater)) &&
    (fromBase === undefined || finding.fromBase === fromBase)
  );
}

/** Names under which a package may be meant: its own and its source package's. */
export function packageNames(item: Package | undefined): readonly string[] {
  return item === undefined ? [] : [item.name, ...(item.source === undefined ? [] : [item.source.name])];
}

export function advisoryIds(finding: Finding): readonly string[] {
  return finding.kind === 'vulnerability' ? finding.ids : [];
}

export function ruleIds(finding: Finding): readonly string[] {
  return finding.kind === 'vulnerability' ? [] : [finding.rule];
}

function isAtLeast(severity: Severity, least: Severity): boolean {
  if (severity === 'unknown' || least === 'unknown') return severity === least;
  return severities.indexOf(severity) <= severities.indexOf(least);
}

function isAnyMatch(globs: readonly Glob[] | undefined, texts: readonly string[]): boolean {
  return globs === undefined || globs.some((glob) => texts.some((text) => isGlobMatch(glob, text)));
}
