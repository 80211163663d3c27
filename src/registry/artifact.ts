import { createHash } from 'node:crypto';
import type { Digest } from '../model/digest.ts';
import { type Descriptor, mediaTypes } from '../model/image.ts';

/** What is attached to a manifest. */
export interface Artifact {
  readonly subject: Descriptor;
  readonly artifactType: string;
  readonly layers: readonly ArtifactLayer[];
  readonly annotations?: Readonly<Record<string, string>>;
  /** The manifest as another program wrote it of the same, with the empty configuration: handed on to the byte. */
  readonly manifest?: Uint8Array;
}

export interface ArtifactLayer {
  readonly mediaType: string;
  readonly bytes: Uint8Array;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface ArtifactManifest {
  readonly bytes: Buffer;
  /** As a referrers list has it: with artifact type and annotations. */
  readonly descriptor: Descriptor;
  readonly blobs: readonly { readonly digest: Digest; readonly bytes: Uint8Array }[];
}

/** A manifest of its own for one blob, which need not be in memory. */
export interface BlobArtifact {
  readonly artifactType: string;
  readonly blob: Descriptor;
  readonly annotations: Readonly<Record<string, string>>;
}

export const emptyConfig = Buffer.from('{}');

/**
 * The OCI 1.1 manifest of an artifact with the empty configuration. Equal artifacts give equal bytes.
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md#guidelines-for-artifact-usage
 */
export function toArtifactManifest(artifact: Artifact): ArtifactManifest {
  const layers = artifact.layers.map(({ mediaType, bytes, annotations }) => ({
    ...describe(mediaType, bytes),
    ...(annotations === undefined ? {} : { annotations }),
  }));
  const { mediaType, digest, size } = artifact.subject;
  const manifest =
    artifact.manifest === undefined
      ? toManifest(artifact, layers, { mediaType, digest, size })
      : describeManifest(artifact, Buffer.from(artifact.manifest));
  return {
    ...manifest,
    blobs: [emptyConfig, ...artifact.layers.map((layer) => layer.bytes)].map((blob) => ({ digest: digestOf(blob), bytes: blob })),
  };
}

/** The same form without a subject. Its configuration is `emptyConfig`. */
export function toBlobManifest(artifact: BlobArtifact): Omit<ArtifactManifest, 'blobs'> {
  return toManifest(artifact, [artifact.blob]);
}

function toManifest(
  { artifactType, annotations }: Pick<Artifact, 'artifactType' | 'annotations'>,
  layers: readonly Descriptor[],
  subject?: Descriptor,
): Omit<ArtifactManifest, 'blobs'> {
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    artifactType,
    config: describe(mediaTypes.ociEmpty, emptyConfig),
    layers,
    ...(subject === undefined ? {} : { subject }),
    ...(annotations === undefined ? {} : { annotations }),
  };
  return describeManifest({ artifactType, annotations }, Buffer.from(JSON.stringify(manifest)));
}

function describeManifest(
  { artifactType, annotations }: { readonly artifactType: string; readonly annotations?: Readonly<Record<string, string>> | undefined },
  bytes: Buffer,
): Omit<ArtifactManifest, 'blobs'> {
  return {
    bytes,
    descriptor: { ...describe(mediaTypes.ociManifest, bytes), artifactType, ...(annotations === undefined ? {} : { annotations }) },
  };
}

/** Of bytes that nobody changes any more. */
export function digestOf(bytes: Uint8Array): Digest {
  const known = digests.get(bytes);
  if (known !== undefined) return known;
  const digest: Digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  digests.set(bytes, digest);
  return digest;
}

/** A statement is asked for its digest at each step of its way, and a bill of materials may have a hundred MB. */
const digests = new WeakMap<Uint8Array, Digest>();

function describe(mediaType: string, bytes: Uint8Array): Descriptor {
  return { mediaType, digest: digestOf(bytes), size: bytes.length };
}
