import type { Descriptor } from '../model/image.ts';

/** What the documents of an image name, by its descriptors: in a layout, or in a repository of a registry. */
export interface OciContent {
  /** Bytes of a manifest or index, held against its descriptor; undefined where it is not there. */
  findManifest(descriptor: Descriptor): Promise<Buffer | undefined>;
  /** Bytes of a configuration, held against its descriptor. */
  readConfig(descriptor: Descriptor): Promise<Buffer>;
  /** Whether a blob is there, of those that need not be. */
  hasBlob(descriptor: Descriptor): Promise<boolean>;
  /** Throws where any of these blobs is seen not to be there whole; none is read. */
  verifyBlobs(descriptors: readonly Descriptor[]): Promise<void>;
}
