import type { Digest } from '../model/digest.ts';
import type { CoverageGap } from '../model/finding.ts';
import type { SourceLayer } from '../model/source.ts';
import type { TarLayerFacts } from './pass.ts';

/**
 * What stands for a foreign layer that the source does not hold: nothing was seen of it, and of what manifest and configuration say of it
 * nothing was verified.
 */
export function absentLayer({ descriptor, sizeBytes = 0 }: SourceLayer, diffId: Digest): TarLayerFacts {
  const digest = descriptor?.digest ?? diffId;
  return { kind: 'layer', digest, sizeBytes, diffId, compression: 'none', uncompressedSizeBytes: 0 };
}

/** The coverage gap of each such layer. */
export function foreignGaps(layers: readonly SourceLayer[]): readonly CoverageGap[] {
  return layers.flatMap(({ key, foreign }, layer) => {
    if (foreign !== 'absent') return [];
    const reason = `the foreign layer ${key} is not in the source, and is not fetched from where the manifest says that it is`;
    return [{ code: 'foreign', path: undefined, layer, reason }];
  });
}
