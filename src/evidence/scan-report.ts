import * as v from 'valibot';
import type { CoverageGap, Finding } from '../model/finding.ts';
import { evidenceError } from './evidence-error.ts';
import { scanReportShape } from './scan-report-shape.ts';

/** What a scan found out about one image or index, whole: a policy can be held against it again. */
export interface ScanReport {
  /** Sorted by `compareFindings`. */
  readonly findings: readonly Finding[];
  /** What could not be looked at. */
  readonly gaps: readonly CoverageGap[];
  /** `os/architecture[/variant]` of each image that was read. */
  readonly platforms: readonly string[];
  /** Of all platforms together. */
  readonly packages: number;
  /** ISO 8601. */
  readonly scannedAt: string;
  /** Of the program. */
  readonly version: string;
  readonly advisories: ScanAdvisories;
  /** When the lists of exploited vulnerabilities were made, where the scan had them and they say so; ISO 8601. */
  readonly exploitation: { readonly knownExploited: string | undefined; readonly epss: string | undefined };
}

/** What vulnerabilities were looked for in; times are ISO 8601. */
export interface ScanAdvisories {
  /** Name of the service, file or registry. */
  readonly source: string;
  /** Of the snapshot, where it is one. */
  readonly digest: string | undefined;
  /** Newest record that was asked. */
  readonly newest: string | undefined;
  /** When the snapshot was made. */
  readonly created: string | undefined;
  /** Up to when the source knows. */
  readonly asOf: string | undefined;
}

/** The predicate of the scan report (docs/attestations.md). `parseScanReport` gives the same report back. */
export function toScanReport({ version, ...report }: ScanReport): object {
  const predicate = { scanner: { name: 'image-custody', version }, ...report };
  // What is not known stands there as null, which is not the same as a field that another version does not have.
  return JSON.parse(JSON.stringify(predicate, (_key, value: unknown) => (value === undefined ? null : value))) as object;
}

/** Throws a StepError with code `evidence-unreadable` where it is not of this form, and never leaves a finding or a gap out. */
export function parseScanReport(predicate: unknown): ScanReport {
  const result = v.safeParse(scanReportShape, predicate);
  if (!result.success) throw evidenceError('the scan report', result.issues[0]);
  const { scanner, ...report } = result.output;
  return { ...report, version: scanner.version };
}
