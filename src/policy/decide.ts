import type { CoverageGap, Finding } from '../model/finding.ts';
import type { Denial, Excepted, Verdict } from '../model/verdict.ts';
import { isDenied } from './condition.ts';
import { ExceptionBook } from './exception.ts';
import { toExceptionText } from './exception-text.ts';
import { isGlobMatch } from './glob.ts';
import type { AcceptedGap, Policy } from './policy.ts';

export interface DecideOptions {
  readonly policy: Policy;
  readonly findings: readonly Finding[];
  readonly gaps: readonly CoverageGap[];
  readonly now: Date;
}

/**
 * Holds findings against a policy. A finding that a rule denies and no valid exception covers makes the verdict `deny`; else a gap that the
 * policy does not accept makes it `undecided`. `gaps` of the verdict are those that are not accepted.
 */
export function decide({ policy, findings, gaps, now }: DecideOptions): Verdict {
  const today = now.toISOString().slice(0, 10);
  const book = new ExceptionBook(policy.exceptions, today);
  const denials: Denial[] = [];
  const excepted: Excepted[] = [];
  for (const finding of findings) {
    const rules = policy.rules.filter((rule) => isDenied(rule.deny, finding));
    const valid = book.match(finding, rules.length > 0);
    for (const { name: rule, message } of rules) {
      if (valid !== undefined) excepted.push({ rule, finding, reason: valid.reason, expires: valid.expires });
      else denials.push({ rule, finding, exception: toExceptionText(finding, policy, now), ...(message === undefined ? {} : { message }) });
    }
  }
  const valid = policy.acceptedGaps.filter(({ expires }) => expires >= today);
  const acceptances = gaps.map((gap) => ({ gap, accepted: valid.find((accepted) => isAcceptedBy(accepted, gap)) }));
  const open = acceptances.filter(({ accepted }) => accepted === undefined).map(({ gap }) => gap);
  return {
    kind: denials.length > 0 ? 'deny' : open.length > 0 ? 'undecided' : 'pass',
    denials,
    excepted,
    gaps: open,
    acceptedGaps: acceptances.flatMap(({ gap, accepted }) =>
      accepted === undefined ? [] : [{ gap, reason: accepted.reason, expires: accepted.expires }],
    ),
    notices: [...book.notices(), ...policy.acceptedGaps.flatMap((accepted) => toGapNotice(accepted, gaps, today))],
    policy: { name: policy.name, digest: policy.digest },
  };
}

function isAcceptedBy({ code, path }: AcceptedGap, gap: CoverageGap): boolean {
  return code === gap.code && (path === undefined || (gap.path !== undefined && isGlobMatch(path, gap.path)));
}

function toGapNotice(accepted: AcceptedGap, gaps: readonly CoverageGap[], today: string): string[] {
  const isUsed = gaps.some((gap) => isAcceptedBy(accepted, gap));
  const subject = `${accepted.place}: the accepted gap ${accepted.code}`;
  if (accepted.expires < today) {
    const effect = isUsed ? 'such gaps leave the run undecided again' : 'there is no such gap any more, remove it';
    return [`${subject} has expired on ${accepted.expires}: ${effect}`];
  }
  return isUsed ? [] : [`${subject} matches nothing: remove it`];
}
