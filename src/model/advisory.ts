import type { Digest } from './digest.ts';
import type { CoverageGap } from './finding.ts';
import type { Package, ReleasedPackage } from './package.ts';

/** A record in OSV format: https://ossf.github.io/osv-schema/ (the parts that are read). */
export interface Advisory {
  readonly id: string;
  readonly modified?: string;
  readonly withdrawn?: string;
  readonly aliases?: readonly string[];
  readonly upstream?: readonly string[];
  /** Never the same vulnerability, but what an update of a distribution fixes may stand here (`ALSA-…`, `RHSA-…`). */
  readonly related?: readonly string[];
  readonly summary?: string;
  readonly details?: string;
  readonly severity?: readonly { readonly type: string; readonly score: string }[];
  readonly affected?: readonly Affected[];
  readonly database_specific?: Readonly<Record<string, unknown>>;
}

export interface Affected {
  readonly package?: { readonly ecosystem: string; readonly name: string; readonly purl?: string };
  readonly severity?: readonly { readonly type: string; readonly score: string }[];
  readonly ranges?: readonly AffectedRange[];
  readonly versions?: readonly string[];
  readonly ecosystem_specific?: Readonly<Record<string, unknown>>;
  readonly database_specific?: Readonly<Record<string, unknown>>;
}

export interface AffectedRange {
  readonly type: 'SEMVER' | 'ECOSYSTEM' | 'GIT';
  readonly events: readonly Readonly<Partial<Record<'introduced' | 'fixed' | 'last_affected' | 'limit', string | undefined>>>[];
}

/** One advisory that holds for one package of the image. */
export interface AdvisoryMatch {
  readonly package: Package;
  readonly advisory: Advisory;
  /** The lowest version above the package's own that the advisory calls fixed. */
  readonly fixedVersion: string | undefined;
}

export interface AdvisoryAnswer {
  readonly matches: readonly AdvisoryMatch[];
  /** Packages or ecosystems of which the source can say nothing. */
  readonly gaps: readonly CoverageGap[];
  /** Newest `modified` among the records that were read, ISO 8601. */
  readonly newest: string | undefined;
  /** When the database was put together, where it says so. */
  readonly created?: string | undefined;
  /** Up to when the source knows; by default its newest record. */
  readonly asOf?: string | undefined;
}

/** Where advisories come from. Disposing gives up what is not asked for any more. */
export interface AdvisorySource extends AsyncDisposable {
  readonly name: string;
  /** Of the snapshot that it reads; undefined for a source that is none. */
  fetchDigest(): Promise<Digest | undefined>;
  /** Says which packages will probably be asked about, so that a source can get ready meanwhile. Never throws. */
  expect(packages: readonly ReleasedPackage[]): void;
  /** Rejects with a StepError of origin `advisories` rather than answer in part. */
  match(packages: readonly Package[]): Promise<AdvisoryAnswer>;
}
