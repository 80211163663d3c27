import { readWhole } from '../lib/http-client.ts';
import type { Digest } from '../model/digest.ts';
import type { Descriptor } from '../model/image.ts';
import type { TaggedLayer } from '../model/signed-document.ts';
import type { KeySigner } from '../model/signer.ts';
import type { Artifact } from '../registry/artifact.ts';
import { isRegistryError } from '../registry/registry-error.ts';
import type { Repository } from '../registry/repository.ts';
import {
  bundleMediaType,
  envelopeMediaType,
  keyAnnotation,
  layerTypeAnnotation,
  predicateTypeAnnotation,
  signatureAnnotation,
} from '../sign/cosign/attestation.ts';
import { maxEnvelopeBytes } from '../sign/cosign/bundle.ts';
import { toHint } from '../sign/cosign/key-signature.ts';
import { openOwnBundle, openOwnEnvelope } from '../sign/cosign/own-signature.ts';
import { type AttachedDocument, fetchAttached, isReadable, newestFirst, toKeptArtifact } from './attached-document.ts';
import type { Attestation } from './attestations.ts';

/** Anybody may have put many there that claim to be by this key: so many are looked into, newest first. */
const maxCandidates = 20;

/** A Sigstore bundle by this run's key, with the statement that it holds. */
export interface OwnBundle {
  readonly document: AttachedDocument;
  readonly statement: Buffer;
}

export interface ListedBundles {
  /** Those that are labelled as ours. */
  readonly labelled: readonly Descriptor[];
  /** Those that other programs wrote, or whose labels the registry hands not on: they may be by any key. */
  readonly others: readonly Descriptor[];
}

/** The bundles of a manifest that may be by a key and hold a statement of a type, newest first. Nothing of them is verified. */
export async function listBundles(
  repository: Repository,
  subject: Pick<Descriptor, 'digest'>,
  predicateType: string,
  signer: Pick<KeySigner, 'publicKey'>,
): Promise<ListedBundles> {
  const hint = toHint(signer);
  const isWanted = (bundle: Descriptor) => {
    const { annotations = {} } = bundle;
    const isLikely =
      (annotations[keyAnnotation] ?? hint) === hint && (annotations[predicateTypeAnnotation] ?? predicateType) === predicateType;
    return isLikely && isReadable(bundle);
  };
  const listed = newestFirst(await repository.findReferrers(subject.digest, { artifactType: bundleMediaType, isWanted }));
  const isLabelled = ({ annotations = {} }: Descriptor) => keyAnnotation in annotations && predicateTypeAnnotation in annotations;
  return { labelled: listed.filter(isLabelled), others: listed.filter((bundle) => !isLabelled(bundle)) };
}

/** The bundles of a manifest by this key with statements of one type, those that claim to be; each is verified. One by one, for a bill of materials may be large. */
export async function* readOwnBundles(
  repository: Repository,
  subject: Pick<Descriptor, 'digest'>,
  predicateType: string,
  signer: KeySigner,
  maxBundles: number = maxCandidates,
): AsyncGenerator<OwnBundle> {
  const { labelled } = await listBundles(repository, subject, predicateType, signer);
  for (const { digest } of labelled.slice(0, maxBundles)) {
    const document = await fetchAttached(repository, digest, maxEnvelopeBytes);
    const statement = document && openOwnBundle(document.bytes, signer);
    if (document !== undefined && statement !== undefined) yield { document, statement };
  }
}

/** The bundle with the same statement to the byte; of those that tell a time, which is another one in each run, there is none. */
export async function findOwnAttestation(
  repository: Repository,
  { kind, subject, predicateType, statement }: Attestation,
  signer: KeySigner,
): Promise<Artifact | undefined> {
  if (kind !== 'provenance') return undefined;
  for await (const { document, statement: other } of readOwnBundles(repository, subject, predicateType, signer)) {
    const artifact = toKeptArtifact(document, subject);
    if (artifact !== undefined && other.equals(statement)) return artifact;
  }
  return undefined;
}

/** A layer at the tag of cosign 2 by this run's key, with the statement that it holds. */
export interface OwnLayer {
  readonly digest: Digest;
  readonly bytes: Buffer;
  readonly statement: Buffer;
}

/** The layers at a tag by this key with statements of one type; each is verified. One by one, too. */
export async function* readOwnLayers(
  repository: Repository,
  tag: string,
  predicateType: string,
  signer: KeySigner,
  maxLayers: number = maxCandidates,
): AsyncGenerator<OwnLayer> {
  const candidates = (await repository.listTaggedLayers(tag)).filter(
    ({ mediaType, size, annotations }) =>
      mediaType === envelopeMediaType && size <= maxEnvelopeBytes && annotations?.[layerTypeAnnotation] === predicateType,
  );
  // Those that were added last.
  for (const layer of candidates.slice(-maxLayers)) {
    const bytes = await fetchLayer(repository, layer);
    const statement = bytes && openOwnEnvelope(bytes, signer);
    if (bytes !== undefined && statement !== undefined) yield { digest: layer.digest, bytes, statement };
  }
}

/** Anybody may list what is not there, or damaged. */
async function fetchLayer(repository: Repository, layer: Descriptor): Promise<Buffer | undefined> {
  try {
    return await repository.fetchBlob(layer, readWhole);
  } catch (error) {
    if (isRegistryError(error, 'not-found', 'digest-mismatch', 'blob-unknown')) return undefined;
    throw error;
  }
}

/** As `findOwnAttestation`, for a layer at the tag of cosign 2. */
export async function findOwnAttestationLayer(
  repository: Repository,
  tag: string,
  { kind, predicateType, statement }: Attestation,
  signer: KeySigner,
): Promise<TaggedLayer | undefined> {
  if (kind !== 'provenance') return undefined;
  const annotations = { [signatureAnnotation]: '', [layerTypeAnnotation]: predicateType };
  for await (const { bytes, statement: other } of readOwnLayers(repository, tag, predicateType, signer))
    if (other.equals(statement)) return { mediaType: envelopeMediaType, bytes, annotations };
  return undefined;
}
