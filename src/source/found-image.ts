import type { Digest } from '../model/digest.ts';
import type { Platform } from '../model/image.ts';
import type { ArchiveCompression } from './archive-compression.ts';

/** An image of this machine that was found and not yet read: plain data, so that another thread can read it. */
export type FoundImage = FoundFile | FoundFolder | FoundPipe | FoundDaemonImage;

/** An image of this machine, and its bytes where they do not lie in files. */
export interface LocalImage {
  readonly found: FoundImage;
  readonly give: GiveBytes | undefined;
}

/** Gives all bytes of an image from their start to `use`; called for each reading. */
export type GiveBytes = (use: (bytes: AsyncIterable<Uint8Array>) => Promise<void>) => Promise<void>;

/** What an archive holds: an image without a manifest, or an OCI layout, whose manifests are kept. */
export type ArchiveFormat = 'docker-archive' | 'oci-archive';

interface Found {
  /** As the user named it. */
  readonly name: string;
  /** Those that are taken of a multi-platform image, and that one of a single platform has to be for; empty for all. */
  readonly platforms: readonly Platform[];
}

export interface FoundFile extends Found {
  readonly kind: 'file';
  readonly format: ArchiveFormat;
  /** Absolute. */
  readonly path: string;
  readonly compression: ArchiveCompression;
  /** Chooses one of several images. */
  readonly tag: string | undefined;
}

/** An OCI layout. */
export interface FoundFolder extends Found {
  readonly kind: 'folder';
  readonly path: string;
  readonly tag: string | undefined;
}

/** An archive whose bytes, compressed or not, come through the standard input. */
export interface FoundPipe extends Found {
  readonly kind: 'pipe';
  readonly format: ArchiveFormat;
  readonly tag: string | undefined;
}

/** An image whose archive a Docker daemon sends. */
export interface FoundDaemonImage extends Found {
  readonly kind: 'daemon';
  readonly image: InspectedImage;
}

/** What the daemon says of an image: https://docs.docker.com/reference/api/engine/version/v1.48/#tag/Image/operation/ImageInspect */
export interface InspectedImage {
  /** Digest of the configuration, or of manifest or index where the daemon keeps images in containerd's store. */
  readonly id: Digest;
  readonly layers: number;
  readonly sizeBytes: number | undefined;
  /** The daemon keeps the image's own manifest and compressed layers (containerd's store, API 1.48 and later). */
  readonly keepsManifest: boolean;
  readonly platform: Platform;
}
