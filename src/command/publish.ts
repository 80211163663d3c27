import { type PublishedImage, publishedManifests } from '../layer/manifest.ts';
import { forEachParallel } from '../lib/parallel.ts';
import type { Digest } from '../model/digest.ts';
import type { AttachedStatement, Publication } from '../model/report.ts';
import { isRegistryError } from '../registry/registry-error.ts';
import { throwIfCancelled } from './cancellation.ts';
import type { Destination } from './destinations.ts';
import {
  attachEvidence,
  blobsOfEvidence,
  digestOfEvidence,
  type Evidence,
  type EvidenceRequest,
  evidenceFor,
  toEvidence,
} from './evidence.ts';
import { explainForeignLayers } from './foreign-layers.ts';
import { type LayersReceipt, type LayersRequest, publishLayers, publishMissing } from './publish-layers.ts';
import { verifyEvidence } from './read-back.ts';
import type { World } from './world.ts';

/** That everything is in place: only a publication which was read back has one. */
export type Receipt = Extract<Publication, { kind: 'published' }>;

export type PublicationRequest = EvidenceRequest & LayersRequest;

const requestsAtOnce = 4;

/**
 * Blobs, then manifests by digest, then signatures and evidence, read back and verified, and only then the tags: whenever the process dies, no
 * tag points at something incomplete or unsigned. Destinations are served side by side, and no tag is moved before all of them are ready.
 */
export async function publish(request: PublicationRequest, world: World): Promise<Receipt> {
  const { image, destinations } = request;
  // First, for a key that does not sign leaves nothing in a registry.
  const evidence = await toEvidence(
    request,
    destinations.map(({ repository }) => repository),
    world,
  );
  const { reusedBytes, resent } = await publishBlobs(request, evidence, world);
  let missing = 0;
  await forEachParallel(destinations, destinations.length, async (destination) => {
    throwIfCancelled(world);
    const sent = await putImage(request, destination, world);
    missing += sent;
    throwIfCancelled(world);
    const { repository } = destination;
    const own = evidenceFor(repository, evidence);
    await attachEvidence(repository, own);
    await verifyEvidence(repository, own, request.signing, world.now);
  });
  const root = image.manifest;
  // From here on nothing is given up: the tags are moved in all destinations, or it is an error that some were not.
  throwIfCancelled(world);
  for (const { repository, tags, seen } of destinations) {
    for (const tag of tags) await repository.putTag(tag, root.descriptor.mediaType, root.bytes, seen.get(tag));
  }
  return {
    kind: 'published',
    references: destinations.flatMap(({ repository, tags }) => tags.map((tag) => `${repository.name}:${tag}@${root.descriptor.digest}`)),
    signatures: digestsOf(evidence, 'signature'),
    sboms: digestsOf(evidence, 'sbom'),
    attestations: evidence.flatMap(toAttachedStatement),
    bytesSent: destinations.reduce((sum, { repository }) => sum + repository.sentBytes, 0),
    bytesReused: reusedBytes,
    resent: resent + missing,
  };
}

/** Layers, and beside them all that is small: a far registry takes three answers for each blob. */
async function publishBlobs(request: PublicationRequest, evidence: readonly Evidence[], world: World): Promise<LayersReceipt> {
  let receipt: LayersReceipt = { reusedBytes: 0, resent: 0 };
  const sendLayers = async () => {
    receipt = await publishLayers(request, world);
  };
  const putDocuments = request.destinations.map((destination) => () => {
    const attached = evidenceFor(destination.repository, evidence).flatMap(blobsOfEvidence);
    const documents = new Map([...configsOf(request.image), ...attached].map((blob) => [blob.digest, blob]));
    return putBlobs(destination, [...documents.values()], world);
  });
  await forEachParallel([sendLayers, ...putDocuments], 1 + putDocuments.length, (job) => job());
  return receipt;
}

/** Gives the number of layers that had to be sent again, for the registry does not have what it said that it has. */
async function putImage(request: PublicationRequest, destination: Destination, world: World): Promise<number> {
  try {
    await putManifests(destination, request.image);
    return 0;
  } catch (error) {
    if (!isRegistryError(error, 'blob-unknown')) throw error;
    const resent = await publishMissing(request, destination, world);
    await putBlobs(destination, configsOf(request.image), world);
    await putManifests(destination, request.image);
    return resent;
  }
}

interface Blob {
  readonly digest: Digest;
  readonly bytes: Uint8Array;
}

function configsOf(image: PublishedImage): readonly Blob[] {
  return publishedManifests(image).map(({ config: { descriptor, bytes } }) => ({ digest: descriptor.digest, bytes }));
}

async function putBlobs({ repository }: Destination, blobs: readonly Blob[], world: World): Promise<void> {
  await forEachParallel(blobs, requestsAtOnce, async ({ digest, bytes }) => {
    throwIfCancelled(world);
    await repository.putBlob(digest, bytes);
  });
}

async function putManifests({ repository }: Destination, image: PublishedImage): Promise<void> {
  await forEachParallel(publishedManifests(image), requestsAtOnce, async (published) => {
    const { descriptor, bytes } = published.manifest;
    await repository.putManifest(descriptor.mediaType, bytes).catch((error: unknown) => {
      throw explainForeignLayers(error, published);
    });
  });
  await putIndex(repository, image);
}

async function putIndex(repository: Destination['repository'], image: PublishedImage): Promise<void> {
  if (image.kind !== 'index') return;
  for (const child of image.children) await putIndex(repository, child);
  await repository.putManifest(image.manifest.descriptor.mediaType, image.manifest.bytes);
}

function digestsOf(evidence: readonly Evidence[], kind: 'signature' | 'sbom'): readonly Digest[] {
  return evidence.filter(({ role }) => role.kind === kind).map(digestOfEvidence);
}

/** By the Notary Project it is not the signature that has the statement, but what is signed. */
function toAttachedStatement(item: Evidence): readonly AttachedStatement[] {
  if (item.role.kind !== 'attestation') return [];
  const { of } = item.role;
  const digest = of.system === 'notation' && item.form === 'referrer' ? item.artifact.subject.digest : digestOfEvidence(item);
  return [{ ...of, digest }];
}
