import type { CoverageGap, Finding, Severity } from '../model/finding.ts';
import type { PackageType } from '../model/package.ts';
import type { Glob } from './glob.ts';

/** What an image is held against. */
export interface Policy {
  /** `builtin`, or the file's path. */
  readonly name: string;
  /** SHA-256 (hex) of the text that it was read from. */
  readonly digest: string;
  readonly rules: readonly Rule[];
  readonly exceptions: readonly Exception[];
  readonly acceptedGaps: readonly AcceptedGap[];
  /** Oldest advisories that say enough; any where absent. */
  readonly advisories?: { readonly maxAge: MaxAge };
}

export interface MaxAge {
  /** As the file has it, e.g. `7d`. */
  readonly text: string;
  readonly milliseconds: number;
}

/** Denies every finding that meets all of its conditions; of a condition's values, one is enough. */
export interface Rule {
  readonly name: string;
  readonly deny: Conditions;
  readonly message?: string;
}

export interface Conditions {
  readonly kind?: readonly Finding['kind'][];
  /** At least as severe as one of these; `unknown` is itself only. */
  readonly severity?: readonly Severity[];
  /** Whether a vulnerability has a known fixed version. */
  readonly fixable?: boolean;
  readonly type?: readonly PackageType[];
  /** Name of the package or of its source package. */
  readonly package?: readonly Glob[];
  /** Advisory id, any of the aliases. */
  readonly id?: readonly Glob[];
  /** Rule of a secret, malware or misconfiguration. */
  readonly rule?: readonly Glob[];
  readonly path?: readonly Glob[];
  /** Whether CISA's catalogue has a vulnerability. */
  readonly knownExploited?: boolean;
  /** Least probability of exploitation, 0 to 1. */
  readonly epss?: number;
  /** Whether a later layer deletes the file that holds a secret or malware. */
  readonly deletedLater?: boolean;
  /** Whether the layer that brought it is the base image's. */
  readonly fromBase?: boolean;
}

/** Findings that are accepted for a time; all of what is given must hold. */
export interface Exception {
  /** Advisory id or alias, or rule id; compared without regard to case. */
  readonly id?: string;
  readonly fingerprint?: string;
  readonly type?: PackageType;
  readonly package?: Glob;
  readonly path?: Glob;
  readonly reason: string;
  /** ISO date, the last day (UTC) on which it holds. */
  readonly expires: string;
  readonly owner?: string;
  /** For notices: `FILE:LINE`. */
  readonly place: string;
}

/** Coverage gaps that do not make a run undecided, for a time. */
export interface AcceptedGap {
  readonly code: CoverageGap['code'];
  readonly path?: Glob;
  readonly reason: string;
  readonly expires: string;
  readonly owner?: string;
  readonly place: string;
}
