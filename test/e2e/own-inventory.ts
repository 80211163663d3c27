import { onTestFinished } from 'vitest';
import { toFindings } from '../../src/inspect/findings.ts';
import { allInspectors, databasePaths, isDatabasePath } from '../../src/inspect/inspectors.ts';
import { toInventory } from '../../src/inspect/inventory/inventory.ts';
import { overlay } from '../../src/layer/overlay.ts';
import { type LayerResult, readLayer } from '../../src/layer/pass.ts';
import { createHttp } from '../../src/lib/http-client.ts';
import { platformImages } from '../../src/model/source.ts';
import { localImage } from '../source/local-image.ts';
import { openSource } from '../source/open-source.ts';

/** What we find in each platform of an image, `text` as in the input `image`, relative to `workspace`. */
export async function inspectImage(text: string, workspace = '/') {
  const http = createHttp({ userAgent: 'test' });
  onTestFinished(() => http.close());
  const source = await openSource(localImage(text), { workspace, docker: {}, stream: http.stream, platforms: [] });
  const results = new Map<string, LayerResult>();
  const inspectors = allInspectors();
  const image = await source.read(async (layer, content) => void results.set(layer.key, await readLayer(layer, content, { inspectors })), {
    parallel: 1,
  });
  return platformImages(image).map((platform) => {
    const { layers, config } = platform;
    const read = layers.map(({ key }) => results.get(key)).filter((result) => result?.kind === 'layer');
    const { placed } = overlay(read, { databases: databasePaths, isDatabase: isDatabasePath });
    return { ...toInventory(placed), findings: toFindings(placed, config), layers: read, platform };
  });
}

/** The same of an image of one platform; throws where it has several. */
export async function inspectOnePlatform(text: string, workspace = '/') {
  const [platform, ...others] = await inspectImage(text, workspace);
  if (platform === undefined || others.length > 0) throw new Error(`${text} has ${others.length + 1} platforms`);
  return platform;
}
