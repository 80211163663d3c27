import { readWhole } from '../lib/http-client.ts';
import type { Digest } from '../model/digest.ts';
import type { Descriptor } from '../model/image.ts';
import type { ConfirmedKind } from '../model/verification.ts';
import { digestOf } from '../registry/artifact.ts';
import type { FetchedManifest } from '../registry/manifest-exchange.ts';
import { toReferrersTag } from '../registry/referrers-tag.ts';
import { isRegistryError } from '../registry/registry-error.ts';
import {
  bundleMediaType,
  envelopeMediaType,
  keyAnnotation,
  layerTypeAnnotation,
  predicateTypeAnnotation,
} from '../sign/cosign/attestation.ts';
import { maxEnvelopeBytes } from '../sign/cosign/bundle.ts';
import { toHint } from '../sign/cosign/key-signature.ts';
import { simpleSigningMediaType, toSimpleSigning } from '../sign/cosign/signature.ts';
import type { CosignTrust } from '../sign/cosign/trust.ts';
import { type CosignSubject, type VerifiedStatement, verifyCosignBundle, verifyCosignLayer } from '../sign/cosign/verification.ts';
import { fetchAttached, maxDocumentBytes, type ReadableRepository } from './attached-document.ts';
import { documentsLimit, HearingList } from './hearing-list.ts';
import { toStatementKind } from './statement-kind.ts';
import { hearInOrder, type SignedStatement, type Witness } from './testimony.ts';

/** Of a referrer that has the signatures of cosign 2 (`--registry-referrers-mode oci-1-1`): internal/pkg/oci/remote of cosign. */
const signaturesArtifactType = 'application/vnd.dev.cosign.artifact.sig.v1+json';

/** Signers of cosign: keys, and identities that certificates are for. What `receipts` name is looked at first. */
export function createCosignWitness(receipts: ReadonlySet<Digest>, trust: CosignTrust): Witness {
  const hints = trust.keys.map(({ key }) => toHint({ publicKey: key.export({ format: 'der', type: 'spki' }) }));
  return {
    async ask(repository, image, kinds) {
      const { digest } = image.descriptor;
      // What this step signs without metadata is known before it is fetched.
      const known = digestOf(toSimpleSigning({ subject: { digest }, metadata: new Map() }, repository.name));
      const isLikely = (listed: Descriptor) => listed.digest === known || hints.includes(listed.annotations?.[keyAnnotation] ?? '');
      const lists = new Map<ConfirmedKind, HearingList>([
        ['signature', new HearingList(receipts, isLikely)],
        ...kinds.map((kind) => [kind, new HearingList(receipts, isLikely, documentsLimit)] as const),
      ]);
      const hear = (candidates: readonly Descriptor[], kind: ConfirmedKind, until: 'first' | 'end', atOnce: number) =>
        hearInOrder(candidates, (candidate) => hearCandidate(repository, image, candidate, kind, trust), { until, atOnce });
      const orderOf = (kind: ConfirmedKind) => lists.get(kind)?.toOrder() ?? [];
      return {
        offer: (referrer) => offerReferrer(lists, referrer),
        async hear() {
          await offerLayers(lists, repository, digest);
          const signed = await hear(orderOf('signature'), 'signature', 'first', 8);
          const statements: SignedStatement[] = [];
          for (const kind of kinds) {
            // The newest is told by what it says itself.
            const until = kind === 'scan' || kind === 'verdict' ? 'end' : 'first';
            statements.push(...(await hear(orderOf(kind).slice(0, documentsLimit), kind, until, 2)).answers);
          }
          return {
            system: 'cosign',
            policy: toPolicy(trust),
            isSkipped: false,
            signatures: signed.answers.map(({ confirmation }) => confirmation),
            statements,
            warnings: [],
            refusals: signed.refusals,
            left: signed.left + (lists.get('signature')?.dropped ?? 0),
          };
        },
      };
    },
  };
}

function toPolicy({ keys, identities }: CosignTrust): string {
  return identities.length === 0 ? 'cosign-key' : keys.length === 0 ? 'cosign-identity' : 'cosign-key, cosign-identity';
}

/** By the kind of what is looked for. */
type Lists = ReadonlyMap<ConfirmedKind, HearingList>;

/** What is not labelled may be of any kind. That it is what its label says has to be shown yet. */
function offer(lists: Lists, candidate: Descriptor, predicateType: string | undefined): void {
  if (predicateType !== undefined) lists.get(toStatementKind(predicateType))?.offer(candidate);
  else for (const list of lists.values()) list.offer(candidate);
}

function offerReferrer(lists: Lists, referrer: Descriptor): void {
  if (referrer.artifactType === bundleMediaType) offer(lists, referrer, referrer.annotations?.[predicateTypeAnnotation]);
  if (referrer.artifactType === signaturesArtifactType) lists.get('signature')?.offer(referrer);
}

/** Those at the tags of cosign 2. The last one was added last. */
async function offerLayers(lists: Lists, repository: ReadableRepository, image: Digest): Promise<void> {
  const tag = toReferrersTag(image);
  for (const layer of (await repository.listTaggedLayers(`${tag}.sig`)).toReversed())
    if (layer.mediaType === simpleSigningMediaType) lists.get('signature')?.offer(layer);
  if (lists.size === 1) return;
  for (const layer of (await repository.listTaggedLayers(`${tag}.att`)).toReversed())
    if (layer.mediaType === envelopeMediaType) offer(lists, layer, layer.annotations?.[layerTypeAnnotation]);
}

async function hearCandidate(
  repository: ReadableRepository,
  image: FetchedManifest,
  candidate: Descriptor,
  kind: ConfirmedKind,
  trust: CosignTrust,
): Promise<SignedStatement | undefined> {
  // A signature of an image says little.
  const verified = await verifyCandidate(repository, image, candidate, trust, kind === 'signature' ? maxDocumentBytes : maxEnvelopeBytes);
  if (verified === undefined || toStatementKind(verified.predicateType) !== kind) return undefined;
  const { predicateType, predicate, signedBy, time } = verified;
  const policy = trust.keys.some(({ name }) => name === signedBy) ? 'cosign-key' : 'cosign-identity';
  return {
    predicateType,
    predicate,
    confirmation: { kind, signedBy, policy, digest: candidate.digest, time: time?.toISOString() },
  };
}

async function verifyCandidate(
  repository: ReadableRepository,
  { descriptor, bytes }: FetchedManifest,
  candidate: Descriptor,
  trust: CosignTrust,
  maxBytes: number,
): Promise<VerifiedStatement | undefined> {
  const subject = { digest: descriptor.digest, bytes };
  if (candidate.artifactType === bundleMediaType) {
    const document = await fetchAttached(repository, candidate.digest, maxBytes);
    return document && (await verifyCosignBundle(document.bytes, subject, trust));
  }
  if (candidate.artifactType !== signaturesArtifactType) return verifyLayer(repository, subject, candidate, trust, maxBytes);
  const found = await ifSound(repository.fetchManifest(candidate.digest));
  const layers = found?.manifest.kind === 'image' ? found.manifest.layers : [];
  const hear = (layer: Descriptor) => verifyLayer(repository, subject, layer, trust, maxBytes);
  const { answers, refusals } = await hearInOrder(layers.slice(-documentsLimit), hear, { until: 'first', atOnce: 8 });
  if (answers.length === 0 && refusals[0] !== undefined) throw refusals[0];
  return answers[0];
}

async function verifyLayer(
  repository: ReadableRepository,
  subject: CosignSubject,
  layer: Descriptor,
  trust: CosignTrust,
  maxBytes: number,
): Promise<VerifiedStatement | undefined> {
  const { mediaType, size, annotations = {} } = layer;
  const bytes = size > maxBytes ? undefined : await ifSound(repository.fetchBlob(layer, readWhole));
  return bytes && verifyCosignLayer({ mediaType, bytes, annotations }, subject, trust);
}

/** Anybody may list what is not there, or damaged: that says nothing. */
async function ifSound<Value>(fetched: Promise<Value>): Promise<Value | undefined> {
  try {
    return await fetched;
  } catch (error) {
    if (isRegistryError(error, 'not-found', 'manifest-invalid', 'digest-mismatch', 'blob-unknown')) return undefined;
    throw error;
  }
}
