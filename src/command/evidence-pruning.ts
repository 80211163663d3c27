import { predicateTypeAnnotation } from '../evidence/predicate-type.ts';
import { maxStatementBytes } from '../evidence/statement.ts';
import type { Host } from '../host/host.ts';
import { forEachParallel } from '../lib/parallel.ts';
import { StepError } from '../lib/step-error.ts';
import type { Digest } from '../model/digest.ts';
import type { Descriptor } from '../model/image.ts';
import type { Repository } from '../registry/repository.ts';
import { statementMediaType } from '../sign/cosign/dsse.ts';
import { parseEnvelope } from '../sign/notary/envelope.ts';
import { thumbprintAnnotation, toThumbprint } from '../sign/notary/signature.ts';
import { verifyNotary } from '../sign/notary/verification.ts';
import { fetchAttached, newestFirst } from './attached-document.ts';
import type { Attestation } from './attestations.ts';
import type { Destination } from './destinations.ts';
import { listOwnBundles } from './own-attestations.ts';
import { listSignatures } from './signatures.ts';
import type { Signing } from './signing.ts';

/** What has been said anew. */
export interface Pruning {
  readonly destinations: readonly Destination[];
  readonly attestations: readonly Attestation[];
  readonly signing: Signing;
  /** What was signed after that may be by a run that goes on beside this one, and stays. */
  readonly startedAt: Date;
}

/** Anybody may have put many there: of each kind so many are looked into. The next run looks into others. */
const maxCandidates = 50;

/**
 * Deletes what earlier runs with this key have attached of the same kinds to the same manifests, with its signatures. What others have signed stays, and so do layers at
 * tags. Never rejects for what cannot be deleted, which is a warning: what is new is in place.
 */
export async function pruneEvidence({ destinations, attestations, signing, startedAt }: Pruning, host: Host): Promise<void> {
  // Signatures tell their time in seconds.
  const before = new Date(Math.floor(startedAt.getTime() / 1000) * 1000);
  await forEachParallel(destinations, destinations.length, async ({ repository }) => {
    try {
      const old = await findOld(repository, attestations, signing, before);
      // All side by side, for where there is no referrers API each one waits until its tag stands still.
      await forEachParallel([...old], old.size, ([subject, digests]) => repository.deleteReferrers(subject, digests));
      const images = new Set(attestations.map(({ subject }) => subject.digest));
      const count = [...old].reduce((sum, [subject, { length }]) => sum + (images.has(subject) ? length : 0), 0);
      if (count > 0)
        host.log(
          'info',
          `Deleted ${count} older ${count === 1 ? 'attestation' : 'attestations'} in ${repository.name} (input prune-evidence).`,
        );
    } catch (error) {
      if (!(error instanceof StepError)) throw error;
      const needs = 'Deleting takes a right of its own at most registries, and some offer none.';
      host.log('warning', `Older attestations stay in ${repository.name} (input prune-evidence): ${error.message}. ${needs} ${error.hint}`);
    }
  });
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
  const own = await listOwnBundles(repository, subject, predicateType, signer, maxCandidates);
  return own
    .filter(({ document, statement: other }) => {
      const created = Date.parse(document.annotations['org.opencontainers.image.created'] ?? '');
      return created < before.getTime() && !other.equals(statement);
    })
    .map(({ document }) => document.digest);
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
