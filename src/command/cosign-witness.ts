import { readWhole } from '../lib/http-client.ts';
import type { Digest } from '../model/digest.ts';
import type { Descriptor } from '../model/image.ts';
import type { ConfirmedKind } from '../model/verification.ts';
import { digestOf } from '../registry/artifact.ts';
import type { FetchedManifest } from '../registry/manifest-exchange.ts';
import { toReferrersTag } from '../registry/referrers-tag.ts';
import { isRegistryError } from '../registry/registry-error.ts';
import { bundleMediaType, envelopeMediaType, keyAnnotation, predicateTypeAnnotation } from '../sign/cosign/attestation.ts';
import { maxEnvelopeBytes } from '../sign/cosign/bundle.ts';
import { toHint } from '../sign/cosign/key-signature.ts';
import { simpleSigningMediaType, toSimpleSigning } from '../sign/cosign/signature.ts';
import type { CosignTrust } from '../sign/cosign/trust.ts';
import { type VerifiedStatement, verifyCosignBundle, verifyCosignLayer } from '../sign/cosign/verification.ts';
import { fetchAttached, type ReadableRepository } from './attached-document.ts';
import { toHearingOrder } from './receipt.ts';
import { toStatementKind } from './statement-kind.ts';
import { hearInOrder, type SignedStatement, type Testimony, type Witness } from './testimony.ts';

/** Signers of cosign: keys, and identities that certificates are for. What `receipts` name is looked at first. */
export function createCosignWitness(receipts: ReadonlySet<Digest>, trust: CosignTrust): Witness {
  const hints = trust.keys.map(({ key }) => toHint({ publicKey: key.export({ format: 'der', type: 'spki' }) }));
  return {
    async hear(repository, image, kinds) {
      const { digest } = image.descriptor;
      // What this step signs without metadata is known before it is fetched.
      const known = digestOf(toSimpleSigning({ subject: { digest }, metadata: new Map() }, repository.name));
      const isLikely = (listed: Descriptor) => listed.digest === known || hints.includes(listed.annotations?.[keyAnnotation] ?? '');
      const listed = await listCandidates(repository, digest, kinds);
      const byDescriptor = new Map(listed.map((candidate) => [candidate.descriptor, candidate]));
      const candidates = toHearingOrder([...byDescriptor.keys()], receipts, isLikely).flatMap((key) => byDescriptor.get(key) ?? []);
      const ofKind = (kind: ConfirmedKind) => candidates.filter((candidate) => candidate.kind === kind || candidate.kind === 'other');
      const hear = (candidate: Candidate, kind: ConfirmedKind) => hearCandidate(repository, image, candidate, kind, trust);
      const signed = await hearInOrder(ofKind('signature'), (candidate) => hear(candidate, 'signature'), { until: 'first', atOnce: 8 });
      const statements: SignedStatement[] = [];
      for (const kind of kinds) {
        // The newest is told by what it says itself.
        const until = kind === 'scan' || kind === 'verdict' ? 'end' : 'first';
        statements.push(...(await hearInOrder(ofKind(kind), (candidate) => hear(candidate, kind), { until, atOnce: 2 })).answers);
      }
      return {
        system: 'cosign',
        policy: trust.identities.length === 0 ? 'cosign-key' : trust.keys.length === 0 ? 'cosign-identity' : 'cosign-key, cosign-identity',
        isSkipped: false,
        signatures: signed.answers.map(({ confirmation }) => confirmation),
        statements,
        warnings: [],
        refusals: signed.refusals,
        left: signed.left,
      } satisfies Testimony;
    },
  };
}

/** Something that may be a signature or a statement. `kind`: as it is labelled, which has to be shown yet; `other` where it is not. */
interface Candidate {
  readonly form: 'bundle' | 'layer';
  readonly kind: ConfirmedKind;
  /** Of the artifact's manifest, or of the layer at a tag. */
  readonly descriptor: Descriptor;
}

async function listCandidates(
  repository: ReadableRepository,
  image: Digest,
  kinds: readonly ConfirmedKind[],
): Promise<readonly Candidate[]> {
  const wanted: readonly ConfirmedKind[] = ['signature', ...kinds];
  const toKind = (predicateType: string | undefined) => (predicateType === undefined ? 'other' : toStatementKind(predicateType));
  const isWanted = ({ annotations }: Descriptor) => {
    const type = annotations?.[predicateTypeAnnotation];
    return type === undefined || wanted.includes(toKind(type));
  };
  const bundles = await repository.findReferrers(image, { artifactType: bundleMediaType, isWanted });
  const tag = toReferrersTag(image);
  const signatures = await repository.listTaggedLayers(`${tag}.sig`);
  const attestations = kinds.length === 0 ? [] : await repository.listTaggedLayers(`${tag}.att`);
  return [
    ...bundles.map((descriptor) => ({
      descriptor,
      form: 'bundle' as const,
      kind: toKind(descriptor.annotations?.[predicateTypeAnnotation]),
    })),
    // The last one was added last.
    ...signatures
      .toReversed()
      .filter(({ mediaType }) => mediaType === simpleSigningMediaType)
      .map((descriptor) => ({ descriptor, form: 'layer' as const, kind: 'signature' as const })),
    ...attestations
      .toReversed()
      .filter(({ mediaType }) => mediaType === envelopeMediaType)
      .map((descriptor) => ({ descriptor, form: 'layer' as const, kind: toKind(descriptor.annotations?.predicateType) })),
  ];
}

async function hearCandidate(
  repository: ReadableRepository,
  image: FetchedManifest,
  candidate: Candidate,
  kind: ConfirmedKind,
  trust: CosignTrust,
): Promise<SignedStatement | undefined> {
  const verified = await verifyCandidate(repository, image, candidate, trust);
  if (verified === undefined || toStatementKind(verified.predicateType) !== kind) return undefined;
  const { predicateType, predicate, signedBy, time } = verified;
  const policy = trust.keys.some(({ name }) => name === signedBy) ? 'cosign-key' : 'cosign-identity';
  return {
    predicateType,
    predicate,
    confirmation: { kind, signedBy, policy, digest: candidate.descriptor.digest, time: time?.toISOString() },
  };
}

async function verifyCandidate(
  repository: ReadableRepository,
  { descriptor, bytes: manifest }: FetchedManifest,
  candidate: Candidate,
  trust: CosignTrust,
): Promise<VerifiedStatement | undefined> {
  const subject = { digest: descriptor.digest, bytes: manifest };
  if (candidate.form === 'bundle') {
    const document = await fetchAttached(repository, candidate.descriptor.digest, maxEnvelopeBytes);
    return document && (await verifyCosignBundle(document.bytes, subject, trust));
  }
  const { descriptor: layer } = candidate;
  if (layer.size > maxEnvelopeBytes) return undefined;
  try {
    const bytes = await repository.fetchBlob(layer, readWhole);
    return await verifyCosignLayer({ mediaType: layer.mediaType, bytes, annotations: layer.annotations ?? {} }, subject, trust);
  } catch (error) {
    // Anybody may list what is not there, or damaged.
    if (isRegistryError(error, 'not-found', 'digest-mismatch', 'blob-unknown')) return undefined;
    throw error;
  }
}
