import type { CoverageGap, Finding } from './finding.ts';

/** What a policy says of an image. `undecided`: nothing denies it, but something could not be looked at and the policy does not accept that. */
export interface Verdict {
  readonly kind: 'pass' | 'deny' | 'undecided';
  readonly denials: readonly Denial[];
  /** Findings that a rule would deny, but for an exception. */
  readonly excepted: readonly Excepted[];
  /** Those that the policy does not accept. */
  readonly gaps: readonly CoverageGap[];
  /** Those that it accepts for a time. */
  readonly acceptedGaps: readonly AcceptedGap[];
  /** What the author of the policy should know: an exception that has expired or matches nothing. One line each. */
  readonly notices: readonly string[];
  /** Where the policy comes from: `builtin`, or the file's path; and its SHA-256 (hex) as it was read. */
  readonly policy: { readonly name: string; readonly digest: string };
}

/** One finding that one rule refuses. */
export interface Denial {
  readonly rule: string;
  readonly finding: Finding;
  /** What the rule's author says of it. */
  readonly message?: string;
  /** How to except it: lines of YAML for `.image-custody.yml`. */
  readonly exception: string;
}

export interface Excepted {
  readonly rule: string;
  readonly finding: Finding;
  readonly reason: string;
  /** ISO date, the last day on which it holds. */
  readonly expires: string;
}

/** What could not be looked at, and need not be. */
export interface AcceptedGap {
  readonly gap: CoverageGap;
  readonly reason: string;
  /** ISO date, the last day on which it is accepted. */
  readonly expires: string;
}
