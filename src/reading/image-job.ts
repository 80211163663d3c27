import type { LayerFacts, PublishedBytes } from '../layer/pass.ts';
import type { CoverageGap, Finding } from '../model/finding.ts';
import type { ImageConfig } from '../model/image.ts';
import type { Inventory, ReleasedPackage } from '../model/package.ts';
import type { SourceImage, SourceLayer } from '../model/source.ts';
import type { FoundImage } from '../source/found-image.ts';

/** What the thread that reads images is asked for. */
export type ImageJob =
  /** The whole of an image of this machine. */
  | { readonly kind: 'read'; readonly image: FoundImage; readonly parallel: number }
  /** One layer of it once more, as it is published. */
  | { readonly kind: 'reread'; readonly image: FoundImage; readonly layer: SourceLayer }
  /** A layer whose bytes the main thread has. */
  | { readonly kind: 'layer'; readonly layer: SourceLayer; readonly use: LayerUse }
  /** What all layers together give, once they are read. */
  | { readonly kind: 'inspect'; readonly platforms: readonly PlatformLayers[]; readonly now: Date };

/** `inspect`: it is of the image. `publish`: only what is published of it. `prove`: only what it unpacks to, of these many bytes at the most. */
export type LayerUse = { readonly kind: 'inspect' | 'publish' } | { readonly kind: 'prove'; readonly maxInflatedBytes: number };

/** One platform of an image, for the job `inspect`. */
export interface PlatformLayers {
  readonly layers: readonly SourceLayer[];
  readonly config: ImageConfig;
}

/** What was found in one platform. */
export interface PlatformReading {
  readonly inventory: Inventory;
  readonly gaps: readonly CoverageGap[];
  readonly findings: readonly Finding[];
}

export type ImageJobResult = SourceImage | LayerFacts | readonly PlatformReading[];

/** What the thread asks while it does a job; `visit` is the number of a layer that is being read. */
export type ImageQuestion =
  /** The next bytes of the layer or archive; `spare` is memory that came before and is of no more use. */
  | { readonly kind: 'pull'; readonly spare: ArrayBuffer | undefined }
  | { readonly kind: 'begin'; readonly visit: number; readonly layer: SourceLayer }
  | { readonly kind: 'write'; readonly visit: number; readonly bytes: SharedBytes }
  | { readonly kind: 'end'; readonly visit: number; readonly facts: LayerFacts; readonly packages: readonly ReleasedPackage[] };

export type ImageAnswer =
  /** Without memory: there are no more. */
  | { readonly kind: 'piece'; readonly memory: ArrayBuffer | undefined; readonly sizeBytes: number }
  | { readonly kind: 'begun'; readonly wantsBytes: boolean; readonly reuse: PublishedBytes | undefined }
  | { readonly kind: 'done' };

export type ImageNote =
  | { readonly kind: 'plan'; readonly layers: number; readonly sizeBytes: number | undefined }
  | { readonly kind: 'progress'; readonly bytes: number };

/** A part of memory that the threads share, valid until the question is answered. The memory itself comes with the first part of it. */
export interface SharedBytes {
  readonly memory: number;
  readonly shared: SharedArrayBuffer | undefined;
  readonly offset: number;
  readonly sizeBytes: number;
}
