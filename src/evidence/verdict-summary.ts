import * as v from 'valibot';
import { evidenceError } from './evidence-error.ts';

/** What a policy said of one image or index, and for how long that holds. */
export interface VerdictSummary {
  readonly kind: 'pass' | 'deny' | 'undecided';
  /** Package URL of the image. */
  readonly resource: string;
  /** `digest`: SHA-256 of the policy as it was read, in hexadecimal digits. */
  readonly policy: { readonly name: string; readonly digest: string };
  /** ISO 8601. */
  readonly decidedAt: string;
  /** ISO date, the last day (UTC) on which all of the exceptions hold that it rests on; undefined where it rests on none. */
  readonly expires: string | undefined;
  readonly exceptions: readonly UsedException[];
  /** Of the program. */
  readonly version: string;
}

/** A finding or a gap that the policy refuses, but for an exception. */
export interface UsedException {
  /** Of the policy; undefined for a gap. */
  readonly rule: string | undefined;
  /** Fingerprint of the finding, or the code of the gap. */
  readonly subject: string;
  readonly reason: string;
  /** ISO date, the last day on which it holds. */
  readonly expires: string;
}

/** What of it is ours stands under one name, which other readers leave out ("Producers MAY add extension fields using field names that are URIs"). */
const ownField = 'https://github.com/image-custody/image-custody/attestations/verdict/v1';
const verifierId = 'https://github.com/image-custody/image-custody';
/** No level of SLSA was looked at. Values of one's own must not begin with `SLSA_`. */
const passedLevel = 'IMAGE_CUSTODY_POLICY';

/** The predicate of a SLSA verification summary, with fields of our own. https://slsa.dev/spec/v1.0/verification_summary */
export function toVerdictSummary({ kind, resource, policy, decidedAt, expires, exceptions, version }: VerdictSummary): object {
  return {
    verifier: { id: verifierId, version: { 'image-custody': version } },
    timeVerified: decidedAt,
    resourceUri: resource,
    policy: { uri: toPolicyUri(policy.name), digest: { sha256: policy.digest } },
    verificationResult: kind === 'pass' ? 'PASSED' : 'FAILED',
    verifiedLevels: [kind === 'pass' ? passedLevel : 'FAILED'],
    slsaVersion: '1.0',
    [ownField]: {
      verdict: kind,
      policy: policy.name,
      expires: expires ?? null,
      exceptions: exceptions.map(({ rule, subject, reason, expires: until }) => ({ rule: rule ?? null, subject, reason, expires: until })),
    },
  };
}

/** The earliest last day of the exceptions. */
export function toExpiry(exceptions: readonly Pick<UsedException, 'expires'>[]): string | undefined {
  return exceptions.map(({ expires }) => expires).toSorted()[0];
}

/**
 * Throws a StepError with code `evidence-unreadable`, also for a verification summary by another program, and for one that contradicts itself. Whether it still
 * holds is for the caller to see.
 */
export function parseVerdictSummary(predicate: unknown): VerdictSummary {
  const result = v.safeParse(summaryShape, predicate);
  if (!result.success) throw evidenceError('the verdict', result.issues[0]);
  const { [ownField]: own, ...summary } = result.output;
  if ((own.verdict === 'pass') !== (summary.verificationResult === 'PASSED'))
    throw evidenceError('the verdict', 'it says both that the image passed and that it did not');
  const expires = own.expires ?? undefined;
  if (expires !== toExpiry(own.exceptions)) throw evidenceError('the verdict', 'its expiry is not that of its exceptions');
  return {
    kind: own.verdict,
    resource: summary.resourceUri,
    policy: { name: own.policy, digest: summary.policy.digest.sha256 },
    decidedAt: summary.timeVerified,
    expires,
    exceptions: own.exceptions.map((exception) => ({ ...exception, rule: exception.rule ?? undefined })),
    version: summary.verifier.version['image-custody'],
  };
}

/** A file of a repository has no URI that is true everywhere. */
function toPolicyUri(name: string): string {
  return `${verifierId}/policies/${name.split('/').map(encodeURIComponent).join('/')}`;
}

const date = v.pipe(v.string(), v.isoDate());
const summaryShape = v.object({
  verifier: v.object({ id: v.literal(verifierId), version: v.object({ 'image-custody': v.string() }) }),
  timeVerified: v.pipe(v.string(), v.isoTimestamp()),
  resourceUri: v.string(),
  policy: v.object({ digest: v.object({ sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)) }) }),
  verificationResult: v.picklist(['PASSED', 'FAILED']),
  [ownField]: v.object({
    verdict: v.picklist(['pass', 'deny', 'undecided']),
    policy: v.string(),
    expires: v.nullable(date),
    exceptions: v.array(v.object({ rule: v.nullable(v.string()), subject: v.string(), reason: v.string(), expires: date })),
  }),
});
