import { toFindings } from '../inspect/findings.ts';
import { databasePaths, isDatabasePath } from '../inspect/inspectors.ts';
import { toInventory } from '../inspect/inventory/inventory.ts';
import { toEndOfLifeFindings } from '../inspect/misconfig/end-of-life.ts';
import { foreignGaps } from '../layer/foreign-layer.ts';
import { emptyTree } from '../layer/layer-tree.ts';
import { overlay } from '../layer/overlay.ts';
import type { LayerResult } from '../layer/pass.ts';
import { platformText } from '../model/image.ts';
import type { PlatformLayers, PlatformReading } from './image-job.ts';

/** Lays the layers of a platform over each other. Nothing was seen of a layer that is not among `results`. */
export function readPlatform({ layers, config }: PlatformLayers, results: ReadonlyMap<string, LayerResult>, now: Date): PlatformReading {
  const read = layers.map(({ key }) => {
    const result = results.get(key);
    return result?.kind === 'layer' ? result : { observations: [], tree: emptyTree };
  });
  const { placed } = overlay(read, { databases: databasePaths, isDatabase: isDatabasePath });
  const { inventory, gaps } = toInventory(placed);
  return {
    inventory,
    gaps: [...foreignGaps(layers), ...gaps],
    findings: [...toFindings(placed, config), ...toEndOfLifeFindings(placed, [platformText(config.platform)], now)],
  };
}
