import { type PublishedImage, publishedManifests } from '../layer/manifest.ts';
import { readLayer } from '../layer/pass.ts';
import { StepError } from '../lib/step-error.ts';
import type { Digest } from '../model/digest.ts';
import type { Descriptor } from '../model/image.ts';
import type { Publication } from '../model/report.ts';
import type { ImageSource, SourceLayer } from '../model/source.ts';
import { throwIfCancelled } from './cancellation.ts';
import type { Destination } from './destinations.ts';
import { type Evidence, type EvidenceRequest, toEvidence, verifyEvidence } from './evidence.ts';
import type { HeldLayers } from './held-layers.ts';
import type { World } from './world.ts';

/** That everything is in place: only a publication which was read back has one. */
export type Receipt = Extract<Publication, { kind: 'published' }>;

export interface PublicationRequest extends EvidenceRequest {
  readonly source: ImageSource;
  readonly held: HeldLayers;
  readonly destinations: readonly Destination[];
  readonly compression: 'gzip' | 'keep';
}

/**
 * Blobs, then manifests by digest, then signatures and evidence, read back and verified, and only then the tags: whenever the process dies, no
 * tag points at something incomplete or unsigned.
 */
export async function publish(request: PublicationRequest, world: World): Promise<Receipt> {
  const { image, destinations } = request;
  const evidence = await toEvidence(request, world);
  let resent = 0;
  for (const destination of destinations) {
    throwIfCancelled(world);
    resent += await commitLayers(request, destination);
    await putManifests(destination, image);
    await attach(destination, evidence);
    await verifyEvidence(destination.repository, evidence, request.signer, world.now);
  }
  const root = image.manifest;
  // From here on nothing is given up: the tags are moved in all destinations, or it is an error that some were not.
  throwIfCancelled(world);
  for (const { repository, tags } of destinations) {
    for (const tag of tags) await repository.putTag(tag, root.descriptor.mediaType, root.bytes);
  }
  const traffic = destinations.map(({ repository }) => repository.traffic());
  return {
    kind: 'published',
    references: destinations.flatMap(({ repository, tags }) => tags.map((tag) => `${repository.name}:${tag}@${root.descriptor.digest}`)),
    signatures: digestsOf(evidence, 'signature'),
    sboms: digestsOf(evidence, 'sbom'),
    bytesSent: traffic.reduce((sum, { sentBytes }) => sum + sentBytes, 0),
    bytesReused: traffic.reduce((sum, { reusedBytes }) => sum + reusedBytes, 0),
    resent,
  };
}

/** Commits what is held; what the registry no longer has is read and sent once more. Gives the number of those. */
async function commitLayers(request: PublicationRequest, destination: Destination): Promise<number> {
  const committed = new Set<Digest>();
  let resent = 0;
  for (const { layer, descriptor } of publishedManifests(request.image).flatMap(({ layers }) => layers)) {
    if (committed.has(descriptor.digest)) continue;
    committed.add(descriptor.digest);
    if (await request.held.commit(destination, layer, descriptor.digest)) continue;
    await resend(request, destination, layer, descriptor);
    resent += 1;
  }
  return resent;
}

async function resend(request: PublicationRequest, { repository }: Destination, layer: SourceLayer, descriptor: Descriptor): Promise<void> {
  const { source, compression } = request;
  await source.reread(layer, async (again, content) => {
    await using upload = await repository.beginUpload();
    const result = await readLayer(again, content, { inspectors: [], compression, sink: upload });
    if (result.digest !== descriptor.digest) throw changed(source.name, layer, descriptor.digest, result.digest);
    await upload.hold();
    await upload.commit(descriptor.digest);
  });
}

async function putManifests({ repository }: Destination, image: PublishedImage): Promise<void> {
  for (const { config, manifest } of publishedManifests(image)) {
    await repository.putBlob(config.descriptor.digest, config.bytes);
    await repository.putManifest(manifest.descriptor.mediaType, manifest.bytes);
  }
  await putIndex(repository, image);
}

async function putIndex(repository: Destination['repository'], image: PublishedImage): Promise<void> {
  if (image.kind !== 'index') return;
  for (const child of image.children) await putIndex(repository, child);
  await repository.putManifest(image.manifest.descriptor.mediaType, image.manifest.bytes);
}

async function attach({ repository }: Destination, evidence: readonly Evidence[]): Promise<void> {
  for (const { artifact } of evidence) await repository.attachReferrer(artifact);
}

function digestsOf(evidence: readonly Evidence[], kind: Evidence['kind']): readonly Digest[] {
  return evidence.filter((item) => item.kind === kind).map(({ descriptor }) => descriptor.digest);
}

function changed(source: string, layer: SourceLayer, first: Digest, second: Digest): StepError {
  return new StepError({
    code: 'source-changed',
    origin: 'source',
    message: `cannot publish ${source}: layer ${layer.key} was ${first} when it was scanned and is ${second} now`,
    hint: 'Something changes the image while the step runs. Nothing was tagged; let nothing write to it and run the step again.',
  });
}
