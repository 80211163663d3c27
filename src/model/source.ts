import type { Digest } from './digest.ts';
import type { Descriptor, ImageConfig } from './image.ts';

/** One distinct blob of a source that is read in the layer pass. */
export interface SourceLayer {
  /** Unique in its source (a digest, or a path in an archive). */
  readonly key: string;
  /** `layer`: a tar, inspected. `blob`: content of an attestation manifest, published as it is. */
  readonly kind: 'layer' | 'blob';
  /** What the manifest says of it, where the source has one that is kept; the bytes must agree. */
  readonly descriptor: Descriptor | undefined;
  /** Bytes that reading it will give, where known beforehand. */
  readonly sizeBytes: number | undefined;
  /** What the image's configuration says its tar hashes to, where that is known before it is read and there is no descriptor. */
  readonly diffId: Digest | undefined;
  /**
   * Of a foreign layer (Docker's word; `nondistributable` in image-spec layer.md), which is not pushed: whether the source holds it all the
   * same, and it is read like any other, or not, and it is not.
   */
  readonly foreign?: 'held' | 'absent';
}

/**
 * Consumes one layer, start to end; a piece of its content is valid until the next is asked for. `content` starts at the first byte at each call: a source may call again for the same layer after a
 * failure, so a visit makes its state anew.
 */
export type LayerVisit = (layer: SourceLayer, content: AsyncIterable<Uint8Array>) => Promise<void>;

export interface ReadOptions {
  /** Layers visited at once, where the source can be read at several places. */
  readonly parallel: number;
  /** Called as soon as the source knows what it will read. */
  readonly onPlan?: (plan: { readonly layers: number; readonly sizeBytes: number | undefined }) => void;
}

/** A repository of a registry. */
export interface RepositoryName {
  /** Host, and port where it is not the default one. */
  readonly registry: string;
  readonly repository: string;
}

/** Where an image is read from. */
export interface ImageSource {
  /** As the user named it, e.g. `docker-archive:app.tar`. */
  readonly name: string;
  /** Where it is a registry: the repository that a destination at the same registry can take blobs over from. */
  readonly repository: RepositoryName | undefined;
  /**
   * Reads every distinct layer once, calling `visit` for each (in any order, up to `parallel` at once), and resolves to the image's
   * structure. A layer that is visited and not named by the image is not part of it. Rejects with a StepError of origin `source`, or
   * `registry` where that is what does not give it.
   */
  read(visit: LayerVisit, options: ReadOptions): Promise<SourceImage>;
  /** Reads one layer that `read` has visited a second time: for an upload that the registry dropped while it was held. */
  reread(layer: SourceLayer, visit: LayerVisit): Promise<void>;
}

/** One image, or an index of them, as a source holds it. */
export type SourceImage = SourceManifest | SourceIndex;

/** What the input `platform` left of a multi-platform image. */
interface Taken {
  /** Digest of the image that it was taken out of. */
  readonly takenFrom?: Digest;
}

/** An index whose bytes are kept, and with them its digest; or one of the chosen platforms of another index. */
export interface SourceIndex extends Taken {
  readonly kind: 'index';
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
  readonly children: readonly SourceImage[];
}

export type SourceManifest = KeptManifest | MadeManifest | KeptAttachment;

interface PlatformImage {
  readonly config: ImageConfig;
  readonly configBytes: Uint8Array;
  readonly configDigest: Digest;
  /** Bottom layer first; the same length as `config.diffIds`. */
  readonly layers: readonly SourceLayer[];
}

/** An image with a manifest of its own (OCI layout, registry): bytes and digest stay. */
export interface KeptManifest extends PlatformImage, Taken {
  readonly kind: 'kept';
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
  readonly configMediaType: string;
  /** Of the manifest. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** An image without a manifest (docker save): one of Docker's schema 2 is made after the pass. */
export interface MadeManifest extends PlatformImage {
  readonly kind: 'made';
}

/** A manifest of an index that no runtime unpacks, such as BuildKit's attestations: kept, its blobs not inspected. */
export interface KeptAttachment {
  readonly kind: 'attachment';
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
  readonly config: Descriptor;
  readonly configBytes: Uint8Array;
  readonly blobs: readonly SourceLayer[];
}

/** The multi-platform image that `image` was taken out of, where it was. */
export function originOf(image: SourceImage): Digest | undefined {
  return image.kind === 'index' || image.kind === 'kept' ? image.takenFrom : undefined;
}

/** The images in `image` that a runtime could unpack, in the order of the index. */
export function platformImages(image: SourceImage): readonly (KeptManifest | MadeManifest)[] {
  switch (image.kind) {
    case 'index':
      return image.children.flatMap(platformImages);
    case 'attachment':
      return [];
    default:
      return [image];
  }
}
