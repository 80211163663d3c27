import type { Digest } from './digest.ts';
import type { EvidenceKind } from './evidence-kind.ts';

/** Everything that one run of `verify` found out: annotations, comment, summary and JSON are rendered from this and nothing else. */
export interface Verification {
  readonly images: readonly CheckedImage[];
  /** What the files of the deployment leave open. */
  readonly remarks: readonly DeploymentRemark[];
  /** `deny` where anything is refused; else `undecided` where anything could not be found out. */
  readonly verdict: 'pass' | 'deny' | 'undecided';
  /** Files that digests were written into, each with how many. */
  readonly pinned: readonly { readonly file: string; readonly digests: number }[];
  readonly startedAt: string;
  readonly durationMs: number;
  readonly version: string;
}

export interface CheckedImage {
  /** As it was named. Hostile text where a file names it. */
  readonly reference: string;
  /** What was looked at; undefined where it did not come to that. */
  readonly digest: Digest | undefined;
  /** Where the deployment names it; none where an input does. */
  readonly uses: readonly ImageUse[];
  readonly failures: readonly Failure[];
  /** What a trust policy only logs, and the like. */
  readonly warnings: readonly string[];
  readonly confirmed: readonly Confirmation[];
}

/** A place in a file of the deployment. */
export interface ImageUse {
  /** E.g. `Deployment web, container app`. */
  readonly user: string;
  /** In the workspace, with `/`; undefined for the standard input. */
  readonly file: string | undefined;
  /** 1-based. */
  readonly line: number;
  readonly column: number;
}

/** Why an image does not pass. */
export interface Failure {
  /** `undecided`: it could not be found out. */
  readonly kind: 'deny' | 'undecided';
  /** Name of the policy, or of the input, that asks for it. */
  readonly policy: string;
  /** Closed set, for programs. */
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  /** The places that it is about; undefined for all. */
  readonly uses?: readonly ImageUse[];
}

/** Something that a trusted signer says of the image. */
export interface Confirmation {
  readonly kind: ConfirmedKind;
  readonly signedBy: string;
  /** Name of the policy or the input by which the signer is trusted. */
  readonly policy: string;
  /** Of the artifact in the registry; undefined for a layer at a tag. */
  readonly digest: Digest | undefined;
  /** ISO 8601: when it was made, where it says so. */
  readonly time: string | undefined;
}

/** `other`: a statement of a type that nothing is asked of. */
export type ConfirmedKind = 'signature' | EvidenceKind | 'other';

export interface DeploymentRemark {
  readonly level: 'error' | 'notice';
  readonly file: string | undefined;
  readonly line: number;
  readonly column: number;
  readonly reason: string;
}
