import { createHash } from 'node:crypto';
import type { Digest } from '../model/digest.ts';
import { type Descriptor, mediaTypes } from '../model/image.ts';

/** What is attached to a manifest. */
export interface Artifact {
  readonly subject: Descriptor;
  readonly artifactType: string;
  readonly layers: readonly ArtifactLayer[];
  readonly annotations?: Readonly<Record<string, string>>;
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

const emptyConfig = Buffer.from('{}');

/**
 * The OCI 1.1 manifest of an artifact with the empty configuration. Equal artifacts give equal bytes.
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md#guidelines-for-artifact-usage
 */
export function toArtifactManifest(artifact: Artifact): ArtifactManifest {
  const { artifactType, annotations, subject } = artifact;
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    artifactType,
    config: { mediaType: mediaTypes.ociEmpty, digest: digestOf(emptyConfig), size: emptyConfig.length },
    layers: artifact.layers.map(({ mediaType, bytes, annotations: own }) => ({
      mediaType,
      digest: digestOf(bytes),
      size: bytes.length,
      ...(own === undefined ? {} : { annotations: own }),
    })),
    subject: { mediaType: subject.mediaType, digest: subject.digest, size: subject.size },
    ...(annotations === undefined ? {} : { annotations }),
  };
  const bytes = Buffer.from(JSON.stringify(manifest));
  return {
    bytes,
    descriptor: { ...describe(mediaTypes.ociManifest, bytes), artifactType, ...(annotations === undefined ? {} : { annotations }) },
    blobs: [emptyConfig, ...artifact.layers.map((layer) => layer.bytes)].map((blob) => ({ digest: digestOf(blob), bytes: blob })),
  };
}

export function digestOf(bytes: Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function describe(mediaType: string, bytes: Uint8Array): Descriptor {
  return { mediaType, digest: digestOf(bytes), size: bytes.length };
}
