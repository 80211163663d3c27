import type { Finding } from '../model/finding.ts';
import type { Denial } from '../model/verdict.ts';
import { advisoryIds, packageNames, ruleIds } from './condition.ts';
import { isGlobMatch } from './glob.ts';
import type { Exception, Policy } from './policy.ts';

/** Whether an exception names a finding, expired or not. */
export function isExcepted(exception: Exception, finding: Finding): boolean {
  const item = finding.kind === 'vulnerability' ? finding.package : undefined;
  const { id, fingerprint, type, path } = exception;
  const name = exception.package;
  const ids = [...advisoryIds(finding), ...ruleIds(finding)].map((text) => text.toLowerCase());
  return (
    (id === undefined || ids.includes(id.toLowerCase())) &&
    (fingerprint === undefined || fingerprint === finding.fingerprint) &&
    (type === undefined || item?.type === type) &&
    (name === undefined || packageNames(item).some((text) => isGlobMatch(name, text))) &&
    (path === undefined || (finding.path !== undefined && isGlobMatch(path, finding.path)))
  );
}

/** What the policy's author should know: an exception that has expired, or that names nothing. */
export function toExceptionNotices(policy: Policy, findings: readonly Finding[], denials: readonly Denial[], today: string): string[] {
  return policy.exceptions.flatMap((exception) => {
    const subject = `${exception.place}: the exception for ${exception.id ?? exception.fingerprint}`;
    if (exception.expires < today) {
      const isNeeded = denials.some(({ finding }) => isExcepted(exception, finding));
      const effect = isNeeded ? 'what it excepted is denied again' : 'nothing needs it any more, remove it';
      return [`${subject} has expired on ${exception.expires}: ${effect}`];
    }
    return findings.some((finding) => isExcepted(exception, finding)) ? [] : [`${subject} matches nothing: remove it`];
  });
}
