import type { Digest } from './digest.ts';

/** https://github.com/opencontainers/image-spec/blob/v1.1.1/media-types.md and Docker's image manifest version 2, schema 2. */
export const mediaTypes = {
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  ociConfig: 'application/vnd.oci.image.config.v1+json',
  ociEmpty: 'application/vnd.oci.empty.v1+json',
  ociLayer: 'application/vnd.oci.image.layer.v1.tar',
  ociLayerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  ociLayerZstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerIndex: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
  dockerLayer: 'application/vnd.docker.image.rootfs.diff.tar',
  dockerLayerGzip: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
} as const;

/** When something was made. https://github.com/opencontainers/image-spec/blob/v1.1.1/annotations.md#pre-defined-annotation-keys */
export const createdAnnotation = 'org.opencontainers.image.created';

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

/** https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: Platform;
}

/** The parts of an image configuration that the step reads (image-spec config.md). */
export interface ImageConfig {
  readonly platform: Platform;
  readonly diffIds: readonly Digest[];
  readonly history: readonly HistoryEntry[];
  readonly user: string;
  readonly env: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

/** One Dockerfile instruction; those with `emptyLayer` made no layer. */
export interface HistoryEntry {
  readonly createdBy: string;
  /** What its builder notes; buildah the image that it built on. */
  readonly comment?: string;
  readonly emptyLayer: boolean;
}

/** What is known of the image that another one was built on. */
export interface BaseImage {
  /** As the image's annotations or the Dockerfile name it. */
  readonly name: string | undefined;
  /** As the image's annotations give it; nobody has looked whether it is so. */
  readonly digest: Digest | undefined;
  /** Of each layer of the image, bottom first, whether it is the base image's; undefined where that is not sure. */
  readonly layers: readonly (boolean | undefined)[];
}

export function platformText(platform: Platform): string {
  const { os, architecture, variant } = platform;
  return variant === undefined || variant === '' ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`;
}
