import type { Digest } from '../model/digest.ts';
import { type Descriptor, mediaTypes } from '../model/image.ts';
import type { SourceLayer } from '../model/source.ts';
import type { ImageThread, LayerKeeper } from '../reading/image-thread.ts';
import type { Destination } from './destinations.ts';
import { type Pairing, type PairingReader, readPairings } from './previous-images.ts';

export type ReusableBlob = Pick<Descriptor, 'digest' | 'size'>;

export interface ReuseOptions extends PairingReader {
  readonly destinations: readonly Destination[];
}

/** An optimisation is not waited for longer than this. */
const lookUpMs = 15_000;
const proofMs = 300_000;
/** Smaller layers are compressed and sent in the time that it takes to look. */
const leastProofBytes = 1024 * 1024;
/** What does not compress grows by its framing: a blob that is larger still is not worth reading. */
const mostGrowth = 1.01;

/**
 * Blobs that the destinations have already for layers which arrive uncompressed. A registry's word is not taken for what a blob unpacks to: either
 * this run's own key has signed the image that says it, or the blob is read here and unpacks to that.
 */
export class ReusableBlobs {
  readonly #options: ReuseOptions;
  readonly #thread: ImageThread;
  #pairings: Promise<ReadonlyMap<Digest, Pairing>> | undefined;

  constructor(options: ReuseOptions, thread: ImageThread) {
    this.#options = options;
    this.#thread = thread;
  }

  /** A blob that unpacks to `layer.diffId` and is compressed as asked for. Never rejects. */
  async find({ kind, descriptor, diffId, sizeBytes }: SourceLayer): Promise<ReusableBlob | undefined> {
    if (kind !== 'layer' || descriptor !== undefined || diffId === undefined || this.#options.destinations.length === 0) return undefined;
    // Uncompressed, the tar is the blob.
    if (this.#thread.compression === 'none') return sizeBytes === undefined ? undefined : { digest: diffId, size: sizeBytes };
    this.#pairings ??= this.#lookUp();
    const pairing = (await this.#pairings).get(diffId);
    if (pairing === undefined) return undefined;
    return pairing.isSigned || (sizeBytes !== undefined && (await this.#isProven(pairing, sizeBytes))) ? pairing.blob : undefined;
  }

  async #lookUp(): Promise<ReadonlyMap<Digest, Pairing>> {
    const { destinations } = this.#options;
    const { compression } = this.#thread;
    const signal = AbortSignal.timeout(lookUpMs);
    const found = destinations.map(({ repository, seen }) => {
      const digests = [...seen.values()].filter((digest) => digest !== 'absent');
      return readPairings(repository.spare(signal), digests, this.#options);
    });
    const usable = (await Promise.all(found)).flat().filter(({ blob }) => mediaTypesOf[compression].includes(blob.mediaType));
    // Of several the last one stays: one that is signed, and the first of these.
    return new Map(
      usable
        .toReversed()
        .toSorted((a, b) => Number(a.isSigned) - Number(b.isSigned))
        .map((pairing) => [pairing.diffId, pairing]),
    );
  }

  async #isProven({ blob, diffId, repository }: Pairing, sizeBytes: number): Promise<boolean> {
    if (sizeBytes < leastProofBytes || blob.size > sizeBytes * mostGrowth) return false;
    const layer: SourceLayer = { key: blob.digest, kind: 'layer', descriptor: undefined, sizeBytes: blob.size, diffId: undefined };
    const use = { kind: 'prove', maxInflatedBytes: sizeBytes } as const;
    try {
      const read = await repository
        .spare(AbortSignal.timeout(proofMs))
        .fetchBlob(blob, (content) => this.#thread.readLayer(layer, content, use, nothingToKeep), 'size');
      const isBlob = read.digest === blob.digest && read.kind === 'layer';
      if (isBlob && read.diffId === diffId && read.compression === this.#thread.compression) return true;
      this.#options.log(`Did not reuse ${blob.digest} of ${repository.name}: it does not unpack to ${diffId}, as an image there says`);
    } catch (error) {
      this.#options.log(`Did not reuse ${blob.digest} of ${repository.name}: ${(error as Error).message}`);
    }
    return false;
  }
}

/** What the setting would make of a layer: only such a blob is reused, so that a change of the setting takes effect on all of them. */
const mediaTypesOf: Readonly<Record<ImageThread['compression'], readonly string[]>> = {
  gzip: [mediaTypes.dockerLayerGzip, mediaTypes.ociLayerGzip],
  zstd: [mediaTypes.ociLayerZstd],
  none: [mediaTypes.dockerLayer, mediaTypes.ociLayer],
};

const nothingToKeep: LayerKeeper = {
  begin: async () => ({ wantsBytes: false, async write() {}, async end() {} }),
  plan() {},
  progress() {},
};
