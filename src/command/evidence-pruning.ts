import { predicateTypeAnnotation } from '../evidence/predicate-type.ts';
import { maxStatementBytes } from '../evidence/statement.ts';
import type { Host } from '../host/host.ts';
import { forEachParallel, mapParallel } from '../lib/parallel.ts';
import { StepError } from '../lib/step-error.ts';
import type { Digest } from '../model/digest.ts';
import type { Descriptor } from '../model/image.ts';
import { toReferrersTag } from '../registry/referrers-tag.ts';
import type { Repository } from '../registry/repository.ts';
import { statementMediaType } from '../sign/cosign/dsse.ts';
import { parseEnvelope } from '../sign/notary/envelope.ts';
import { thumbprintAnnotation, toThumbprint } from '../sign/notary/signature.ts';
import { verifyNotary } from '../sign/notary/verification.ts';
import { createdAt, fetchAttached, newestFirst } from './attached-document.ts';
import type { Attestation } from './attestations.ts';
import type { Destination } from './destinations.ts';
import { readOwnBundles, readOwnLayers } from './own-attestations.ts';
import { listSignatures } from './signatures.ts';
import type { Signing } from './signing.ts';

/** What is said anew. */
export interface Pruning {
  readonly destinations: readonly Destination[];
  readonly attestations: readonly Attestation[];
  /** Undefined: nothing is signed, and there is nothing to delete. */
  readonly signing: Signing | undefined;
  /** What was signed after that may be by a run that goes on beside this one, and stays. */
  readonly startedAt: Date;
}

/** Anybody may have put many there: of each kind so many are looked into. The next run looks into others. */
const maxCandidates = 50;

/**
 * Looks at what stands at tags, which does not tell its time, before this run adds to it. What it gives, called when what is new is in place, deletes what earlier runs
 * with this key have attached of the same kinds to the same manifests, with its signatures. What others have signed stays. That never rejects for what cannot be
 * deleted, which is a warning.
 */
export async function beginPruning({ destinations, attestations, signing, startedAt }: Pruning): Promise<(host: Host) => Promise<void>> {
  if (signing === undefined) return async () => undefined;
  // Signatures tell their time in seconds.
  const before = new Date(Math.floor(startedAt.getTime() / 1000) * 1000);
  const layers = await mapParallel(destinations, destinations.length, ({ repository }) =>
    findLayers(repository, attestations, signing).catch(toStepError),
  );
  return (host) =>
    forEachParallel([...destinations.entries()], destinations.length, async ([at, { repository }]) => {
      try {
        const atTags = layers[at] ?? new Map();
        if (atTags instanceof StepError) throw atTags;
        const old = await findOld(repository, attestations, signing, before);
        await deleteOld(repository, old, atTags);
        const images = new Set(attestations.map(({ subject }) => subject.digest));
        const count = countOf([...old].filter(([subject]) => images.has(subject))) + countOf([...atTags]);
        if (count > 0) host.log('info', toDeleted(count, repository.name));
      } catch (error) {
        const { message, hint } = toStepError(error);
        const needs = 'Deleting takes a right of its own at most registries, and some offer none.';
        host.log('warning', `Older attestations stay in ${repository.name} (input prune-evidence): ${message}. ${needs} ${hint}`);
      }
    });
}

/** All side by side, for where there is no referrers API, and at tags, each one waits until its tag stands still. */
async function deleteOld(
  repository: Repository,
  old: ReadonlyMap<Digest, readonly Digest[]>,
  layers: ReadonlyMap<string, readonly Digest[]>,
): Promise<void> {
  const deletions = [
    ...[...old].map(
      ([subject, digests]) =>
        () =>
          repository.deleteReferrers(subject, digests),
    ),
    ...[...layers].map(
      ([tag, digests]) =>
        () =>
          repository.removeTaggedLayers(tag, digests),
    ),
  ];
  await forEachParallel(deletions, deletions.length, (act) => act());
}

function countOf(groups: readonly (readonly [unknown, readonly Digest[]])[]): number {
  return groups.reduce((sum, [, { length }]) => sum + length, 0);
}

function toDeleted(count: number, name: string): string {
  return `Deleted ${count} older ${count === 1 ? 'attestation' : 'attestations'} in ${name} (input prune-evidence).`;
}

function toStepError(error: unknown): StepError {
  if (error instanceof StepError) return error;
  throw error;
}

/** Layers at the tags of cosign 2 that say something else than this run will, by tag. */
async function findLayers(
  repository: Repository,
  attestations: readonly Attestation[],
  { signer, systems, cosignFormat }: Signing,
): Promise<ReadonlyMap<string, readonly Digest[]>> {
  const found = new Map<string, readonly Digest[]>();
  if (!systems.includes('cosign') || cosignFormat === 'bundle') return found;
  for (const { subject, predicateType, statement } of attestations) {
    const tag = `${toReferrersTag(subject.digest)}.att`;
    for await (const layer of readOwnLayers(repository, tag, predicateType, signer, maxCandidates))
      if (!layer.statement.equals(statement)) found.set(tag, [...(found.get(tag) ?? []), layer.digest]);
  }
  return found;
}

/** What is to be deleted, by what it refers to: the images, or statements that go with their signatures. */
async function findOld(
  repository: Repository,
  attestations: readonly Attestation[],
  signing: Signing,
  before: Date,
): Promise<ReadonlyMap<Digest, readonly Digest[]>> {
  const old = new Map<Digest, readonly Digest[]>();
  for (const attestation of attestations) {
    const bundles = signing.systems.includes('cosign') ? await findBundles(repository, attestation, signing, before) : [];
    const documents = signing.systems.includes('notation') ? await findDocuments(repository, attestation, signing, before) : [];
    const found = [...bundles, ...documents.map(({ digest }) => digest)];
    const { digest: subject } = attestation.subject;
    if (found.length > 0) old.set(subject, [...(old.get(subject) ?? []), ...found]);
    for (const { digest, signatures } of documents) old.set(digest, signatures);
  }
  return old;
}

async function findBundles(
  repository: Repository,
  { subject, predicateType, statement }: Attestation,
  { signer }: Signing,
  before: Date,
): Promise<readonly Digest[]> {
  const old: Digest[] = [];
  for await (const { document, statement: other } of readOwnBundles(repository, subject, predicateType, signer, maxCandidates)) {
    if (Date.parse(createdAt(document)) < before.getTime() && !other.equals(statement)) old.push(document.digest);
  }
  return old;
}

interface SignedDocument {
  readonly digest: Digest;
  readonly signatures: readonly Digest[];
}

/** Artifacts with a statement, or with a bill of materials, that this key and nobody else has signed. */
async function findDocuments(
  repository: Repository,
  { subject, predicateType, statement, sbom }: Attestation,
  signing: Signing,
  before: Date,
): Promise<readonly SignedDocument[]> {
  const artifactType = sbom?.mediaType ?? statementMediaType;
  const [leaf = new Uint8Array()] = signing.signer.certificateChain;
  const isWanted = ({ annotations = {} }: Descriptor) =>
    annotations[thumbprintAnnotation]?.includes(toThumbprint(leaf)) === true &&
    (sbom !== undefined || annotations[predicateTypeAnnotation] === predicateType);
  const listed = await repository.findReferrers(subject.digest, { artifactType, isWanted });
  const found: SignedDocument[] = [];
  for (const descriptor of newestFirst(listed).slice(0, maxCandidates)) {
    const signatures = await signedBefore(repository, descriptor, signing, before);
    if (signatures.length === 0) continue;
    const document = await fetchAttached(repository, descriptor.digest, maxStatementBytes);
    const current = sbom?.bytes ?? statement;
    if (document !== undefined && !document.bytes.equals(current)) found.push({ digest: descriptor.digest, signatures });
  }
  return found;
}

/** The signatures of an artifact where all of them are by this key, hold, and are older; none otherwise. */
async function signedBefore(
  repository: Repository,
  { mediaType, digest, size }: Descriptor,
  { signer }: Signing,
  before: Date,
): Promise<readonly Digest[]> {
  const [leaf = new Uint8Array()] = signer.certificateChain;
  const { ours, total } = await listSignatures(repository, { mediaType, digest, size }, [leaf]);
  if (ours.length !== total || total > maxCandidates) return [];
  for (const signature of ours) {
    const document = await fetchAttached(repository, signature);
    if (document === undefined || !(await isOlder(document, { mediaType, digest, size }, leaf, before))) return [];
  }
  return ours;
}

/** One that has expired since was made by this key as well. */
async function isOlder(
  envelope: { readonly bytes: Uint8Array; readonly mediaType: string },
  subject: Descriptor,
  leaf: Uint8Array,
  before: Date,
): Promise<boolean> {
  try {
    const { signingTime } = parseEnvelope(envelope.bytes, envelope.mediaType);
    await verifyNotary(envelope, subject, { now: () => signingTime, trusted: [leaf] });
    return signingTime < before;
  } catch (error) {
    if (error instanceof StepError && error.origin === 'signature') return false;
    throw error;
  }
}
