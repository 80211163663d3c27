import type { CoverageGap } from '../model/finding.ts';
import type { Policy } from './policy.ts';

/** What a policy's `max-age` is held against. */
export interface AdvisoryAge {
  /** Where advisories came from. */
  readonly source: string;
  /** Up to when they know, ISO 8601; undefined where nobody can tell. */
  readonly asOf: string | undefined;
}

const hourMs = 3_600_000;
/** Clocks of publishers and runners may differ by as much. */
const futureMs = 24 * hourMs;

/** A gap where advisories are older than the policy allows, or where nobody can tell how old they are. */
export function findStaleAdvisories({ advisories }: Policy, { source, asOf }: AdvisoryAge, now: Date): readonly CoverageGap[] {
  if (advisories === undefined) return [];
  const { maxAge } = advisories;
  const ageMs = now.getTime() - Date.parse(asOf ?? '');
  const isKnown = ageMs >= -futureMs;
  if (isKnown && ageMs <= maxAge.milliseconds) return [];
  const age = isKnown ? `they know up to ${asOf}, ${toText(ageMs)} ago` : 'nobody can tell how old they are';
  const reason = `the advisories of ${source} are older than the ${maxAge.text} that the policy allows: ${age}`;
  return [
    { code: 'stale-advisories', path: undefined, layer: undefined, reason: isKnown ? reason : reason.replace('are older', 'may be older') },
  ];
}

function toText(milliseconds: number): string {
  const hours = Math.floor(milliseconds / hourMs);
  return hours < 48 ? `${hours} hours` : `${Math.floor(hours / 24)} days`;
}
