import { createReadStream } from 'node:fs';
import { snapshotArtifactType, snapshotMediaType } from '../advisory/snapshot/format.ts';
import type { WrittenSnapshot } from '../advisory/snapshot/snapshot-writer.ts';
import { forEachParallel } from '../lib/parallel.ts';
import type { Digest } from '../model/digest.ts';
import { createdAnnotation } from '../model/image.ts';
import { digestOf, emptyConfig, toBlobManifest } from '../registry/artifact.ts';
import type { Repository } from '../registry/repository.ts';
import { throwIfCancelled } from './cancellation.ts';
import type { Destination } from './destinations.ts';
import { attachEvidence, digestOfEvidence, signManifest } from './evidence.ts';
import { verifyEvidence } from './read-back.ts';
import type { Signing } from './signing.ts';
import type { World } from './world.ts';

export interface SnapshotPublication {
  readonly path: string;
  readonly snapshot: WrittenSnapshot;
  readonly destinations: readonly Destination[];
  /** Undefined: it is not signed. */
  readonly signing: Signing | undefined;
}

export interface SnapshotReceipt {
  /** Of the manifest. */
  readonly digest: Digest;
  readonly references: readonly string[];
  readonly signatures: readonly Digest[];
}

/** Blob, manifest by digest, signature, all read back, then the tags: no tag points at a snapshot that is incomplete or unsigned. */
export async function publishSnapshot(
  { path, snapshot, destinations, signing }: SnapshotPublication,
  world: World,
): Promise<SnapshotReceipt> {
  const blob = {
    mediaType: snapshotMediaType,
    digest: snapshot.digest,
    size: snapshot.sizeBytes,
    // The name under which `oras pull` writes it (image-spec annotations.md).
    annotations: { 'org.opencontainers.image.title': 'advisories.snapshot' },
  };
  const manifest = toBlobManifest({ artifactType: snapshotArtifactType, blob, annotations: toAnnotations(snapshot) });
  const { mediaType, digest } = manifest.descriptor;
  const repositories = destinations.map(({ repository }) => repository);
  const signatures = signing === undefined ? [] : await signManifest(manifest.descriptor, signing, repositories, world);
  await forEachParallel(destinations, destinations.length, async ({ repository }) => {
    throwIfCancelled(world);
    await repository.putBlob(digestOf(emptyConfig), emptyConfig);
    if ((await repository.headBlob(blob.digest)) === undefined) await repository.pushBlob(blob, (write) => produce(path, write));
    await repository.putManifest(mediaType, manifest.bytes);
    await attachEvidence(repository, signatures);
    await readBack(repository, digest, blob);
    await verifyEvidence(repository, signatures, signing, world.now);
  });
  throwIfCancelled(world);
  for (const { repository, tags, seen } of destinations) {
    for (const tag of tags) await repository.putTag(tag, mediaType, manifest.bytes, seen.get(tag));
  }
  return {
    digest,
    references: destinations.flatMap(({ repository, tags }) => tags.map((tag) => `${repository.name}:${tag}@${digest}`)),
    signatures: signatures.map(digestOfEvidence),
  };
}

function toAnnotations({ header }: WrittenSnapshot): Readonly<Record<string, string>> {
  return {
    [createdAnnotation]: header.created,
    'io.github.image-custody.advisories.source': header.source,
    ...(header.asOf === undefined ? {} : { 'io.github.image-custody.advisories.as-of': header.asOf }),
  };
}

async function produce(path: string, write: (bytes: Uint8Array) => Promise<void>): Promise<void> {
  for await (const chunk of createReadStream(path)) await write(chunk as Buffer);
}

/** Manifest and blob have to be there with their digests. */
async function readBack(repository: Repository, digest: Digest, blob: { readonly digest: Digest; readonly size: number }): Promise<void> {
  await repository.fetchManifest(digest);
  await repository.fetchBlob(blob, async (content) => {
    for await (const _ of content);
  });
}
