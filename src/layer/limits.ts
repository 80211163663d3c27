import { extensionMaxBytes } from '../lib/tar-entry.ts';

/** What one layer may cost. Above any of these the layer is refused, never cut short. */
export interface LayerLimits {
  /** Tar headers and folders (also those only implied by a path) of one layer. */
  readonly maxEntries: number;
  /** Longest name of an entry or target of a link: Linux' PATH_MAX, above which no runtime could unpack it. */
  readonly maxNameBytes: number;
  /** Longest extended header (PAX, GNU long name) or sparse map, as in Go's archive/tar. */
  readonly maxSpecialBytes: number;
  /** Bytes of holes that sparse files of one layer may expand to. */
  readonly maxHoleBytes: number;
  /** Bytes of tar that one layer may inflate to. */
  readonly maxInflatedBytes: number;
  /** Inflated by compressed bytes, looked at once a layer has given `ratioFreeBytes`. */
  readonly maxInflationRatio: number;
  readonly ratioFreeBytes: number;
  /** Window of a zstd frame: twice what Go's encoder, inside of BuildKit and containers/image, ever needs. It is in memory for each layer that is read. */
  readonly maxWindowBytes: number;
}

export const defaultLayerLimits: LayerLimits = {
  maxEntries: 1_000_000,
  maxNameBytes: 4096,
  maxSpecialBytes: extensionMaxBytes,
  maxHoleBytes: 1024 ** 3,
  maxInflatedBytes: 64 * 1024 ** 3,
  maxInflationRatio: 200,
  ratioFreeBytes: 512 * 1024 ** 2,
  maxWindowBytes: 64 * 1024 ** 2,
};
