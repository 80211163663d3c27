import type { Digest } from './digest.ts';
import type { EvidenceKind } from './evidence-kind.ts';
import type { CoverageGap, Finding } from './finding.ts';
import type { BaseImage, HistoryEntry } from './image.ts';
import type { OperatingSystem } from './package.ts';
import type { Verdict } from './verdict.ts';

/** Everything one run found out and did: annotations, comment, summary and JSON are rendered from this and nothing else. */
export interface Report {
  /** As the user named it. */
  readonly image: string;
  /** Of the image or index; undefined for one that has no manifest (docker save) and is not to be published. */
  readonly digest: Digest | undefined;
  /** Of the multi-platform image of which the input `platform` took this part. */
  readonly takenFrom: Digest | undefined;
  readonly platforms: readonly PlatformReport[];
  /** Sorted by `compareFindings`. */
  readonly findings: readonly Finding[];
  readonly gaps: readonly CoverageGap[];
  readonly verdict: Verdict;
  readonly advisories: {
    readonly source: string;
    readonly asked: number;
    /** Newest record that they were asked among. */
    readonly newest: string | undefined;
    /** When a snapshot was made. */
    readonly created?: string | undefined;
  };
  /** When the lists of exploited vulnerabilities were made, where the run had them and they say so. */
  readonly exploitation?: { readonly knownExploited: string | undefined; readonly epss: string | undefined };
  readonly publication: Publication;
  readonly startedAt: string;
  readonly durationMs: number;
  readonly version: string;
}

export interface PlatformReport {
  readonly platform: string;
  readonly operatingSystem: OperatingSystem | undefined;
  readonly packages: number;
  readonly base: BaseImage;
  readonly layers: readonly LayerReport[];
}

export interface LayerReport {
  readonly diffId: Digest;
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly instruction: HistoryEntry | undefined;
}

export type Publication =
  /** `failed`: the verdict let it pass, and it could not be finished; no tag was moved. */
  | { readonly kind: 'none'; readonly reason: 'scan-only' | 'denied' | 'undecided' | 'failed' }
  | {
      readonly kind: 'published';
      /** What was asked for, each with the digest, as `registry/repository:tag@sha256:…`. */
      readonly references: readonly string[];
      readonly signatures: readonly Digest[];
      readonly sboms: readonly Digest[];
      readonly attestations: readonly AttachedStatement[];
      readonly bytesSent: number;
      readonly bytesReused: number;
      /** Held uploads that the registry dropped and that were sent a second time. */
      readonly resent: number;
    };

/** A signed statement about a published manifest. */
export interface AttachedStatement {
  readonly kind: EvidenceKind;
  /** The image or index that it is about. */
  readonly subject: Digest;
  readonly system: 'notation' | 'cosign';
  /** Of the artifact that has it, or of the layer at a tag. */
  readonly digest: Digest;
}
