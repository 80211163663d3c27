import type { Epss } from './exploitation.ts';
import type { Package } from './package.ts';

export const severities = ['critical', 'high', 'medium', 'low', 'unknown'] as const;
/** `unknown` is never treated as low: it sorts last and is reported as what it is. */
export type Severity = (typeof severities)[number];

/** One thing to act on. */
export type Finding = VulnerabilityFinding | SecretFinding | MalwareFinding | MisconfigurationFinding;

interface FindingBase {
  /** Stable over runs and rebuilds: 16 hexadecimal digits over kind, rule or advisory, package and path; never over line numbers or digests. */
  readonly fingerprint: string;
  readonly severity: Severity;
  /** One line of plain text; may quote the image, so every renderer escapes it. */
  readonly title: string;
  /** What to do about it, one line of plain text. */
  readonly remedy: string;
  /** Path in the image without a leading slash; undefined for the image's configuration. */
  readonly path: string | undefined;
  /** Index of the layer in its image; undefined for the configuration. */
  readonly layer: number | undefined;
  /** `os/architecture[/variant]` of each image of an index that has it. */
  readonly platforms: readonly string[];
  readonly attribution?: Attribution;
  /** Whether `layer` is one of the base image's; absent where that is not known. */
  readonly fromBase?: boolean;
}

/** Where in the repository a finding comes from. */
export interface Attribution {
  /** The Dockerfile instruction that made the layer, as the image's history tells it. */
  readonly instruction: string;
  /** Path in the workspace, with `/`, and the 1-based line, where the instruction was found in a Dockerfile. */
  readonly file?: string;
  readonly line?: number;
}

export interface VulnerabilityFinding extends FindingBase {
  readonly kind: 'vulnerability';
  /** The id to show: CVE where there is one. */
  readonly advisory: string;
  /** Every id of the same vulnerability, `advisory` among them. */
  readonly ids: readonly string[];
  readonly url: string;
  readonly package: Package;
  readonly fixedVersion: string | undefined;
  readonly cvss: { readonly vector: string; readonly score: number } | undefined;
  /** Day on which CISA added it to its catalogue of known exploited vulnerabilities, ISO 8601; only where the user has given that. */
  readonly knownExploited?: string;
  /** Only where the user has given the scores. */
  readonly epss?: Epss;
}

export interface SecretFinding extends FindingBase {
  readonly kind: 'secret';
  readonly rule: string;
  readonly preview: string;
  readonly line: number | undefined;
  /** A later layer deletes the file; the secret is still in its layer. */
  readonly deletedLater: boolean;
}

export interface MalwareFinding extends FindingBase {
  readonly kind: 'malware';
  readonly rule: string;
  readonly deletedLater: boolean;
}

export interface MisconfigurationFinding extends FindingBase {
  readonly kind: 'misconfiguration';
  readonly rule: string;
}

export const gapCodes = [
  'too-large',
  'damaged',
  'unsupported',
  'linked',
  'foreign',
  'no-release',
  'no-advisories',
  'stale-advisories',
] as const;

/** Something that could not be looked at; the policy decides whether that is accepted. */
export interface CoverageGap {
  readonly code: (typeof gapCodes)[number];
  readonly path: string | undefined;
  readonly layer: number | undefined;
  /** One line of plain text; may quote the image. */
  readonly reason: string;
}

/** Most severe first; within one severity by kind, what is known to be exploited first, then by title. */
export function compareFindings(a: Finding, b: Finding): number {
  return (
    severities.indexOf(a.severity) - severities.indexOf(b.severity) ||
    kindOrder.indexOf(a.kind) - kindOrder.indexOf(b.kind) ||
    Number(isKnownExploited(b)) - Number(isKnownExploited(a)) ||
    (a.title < b.title ? -1 : a.title > b.title ? 1 : 0)
  );
}

export function isKnownExploited(finding: Finding): finding is VulnerabilityFinding & { readonly knownExploited: string } {
  return finding.kind === 'vulnerability' && finding.knownExploited !== undefined;
}

const kindOrder: readonly Finding['kind'][] = ['malware', 'secret', 'vulnerability', 'misconfiguration'];
