import type { Host } from '../host/host.ts';
import { allInspectors } from '../inspect/inspectors.ts';
import { likelyPackages } from '../inspect/inventory/inventory.ts';
import type { Compressor } from '../layer/compressor.ts';
import { absentLayer } from '../layer/foreign-layer.ts';
import { HashThread } from '../layer/layer-hash.ts';
import { entryBudget } from '../layer/layer-tree.ts';
import { type LayerResult, readLayer } from '../layer/pass.ts';
import { StepError } from '../lib/step-error.ts';
import type { AdvisorySource } from '../model/advisory.ts';
import type { Digest } from '../model/digest.ts';
import { type ImageSource, platformImages, type SourceImage } from '../model/source.ts';
import { throwIfCancelled } from './cancellation.ts';
import type { HeldLayers } from './held-layers.ts';
import type { ReusableBlobs } from './reusable-blobs.ts';
import type { World } from './world.ts';

/** Layers read at once: each has a window, a whole file and two pieces of its upload in memory. */
const layersAtOnce = 2;

/** What the one read of an image gave. */
export interface Pass {
  readonly image: SourceImage;
  /** By the source's key. */
  readonly layers: ReadonlyMap<string, LayerResult>;
}

/** Reads every layer once: while it is read, it is hashed, inspected, compressed and sent to be held, the last two where the registry lacks it. `advisories` hears early what it will be asked. */
export async function readImage(
  source: ImageSource,
  held: HeldLayers,
  reusable: ReusableBlobs,
  compressor: Compressor | undefined,
  advisories: AdvisorySource,
  host: Host,
  world: World,
): Promise<Pass> {
  using hashes = new HashThread();
  const layers = new Map<string, LayerResult>();
  const budget = entryBudget();
  const inspectors = allInspectors();
  const meter = new Meter(host, world, 'reading layers');
  const image = await source.read(
    async (layer, content) => {
      // A foreign layer is inspected where the source holds it, and not sent.
      const writer = layer.foreign === undefined ? await held.begin(layer, await reusable.find(layer)) : undefined;
      const sink = {
        async write(bytes: Uint8Array) {
          throwIfCancelled(world);
          await writer?.write(bytes);
        },
      };
      const blob = writer?.blob;
      const reuse = blob && { digest: blob.digest, sizeBytes: blob.size };
      const options = { inspectors, compressor, hashes, sink, budget, ...(reuse && { reuse }) };
      const result = await readLayer(layer, meter.count(content), options);
      layers.set(layer.key, result);
      if (result.kind === 'layer') advisories.expect(likelyPackages(result.observations));
      await writer?.hold();
      meter.finishOne();
    },
    {
      parallel: layersAtOnce,
      onPlan({ layers: layerCount, sizeBytes = 0 }) {
        meter.expect(layerCount);
        hashes.expect(sizeBytes);
      },
    },
  );
  meter.finish();
  const images = platformImages(image);
  if (images.length === 0) throw nothingToRun(source.name);
  for (const { layers: named, config } of images) {
    named.forEach((layer, at) => {
      if (layer.foreign === 'absent') layers.set(layer.key, absentLayer(layer, config.diffIds[at] as Digest));
    });
  }
  return { image, layers };
}

function nothingToRun(name: string): StepError {
  return new StepError({
    code: 'source-unsupported',
    origin: 'source',
    message: `cannot take ${name} into custody: it holds no image that a runtime could unpack`,
    hint: 'Give the image itself, not its attestations or another artifact.',
  });
}

/** Tells the host how far the pass is. */
class Meter {
  readonly #host: Host;
  readonly #world: World;
  readonly #step: string;
  readonly #startedMs: number;
  #total: number | undefined;
  #done = 0;
  #bytes = 0;

  constructor(host: Host, world: World, step: string) {
    this.#host = host;
    this.#world = world;
    this.#step = step;
    this.#startedMs = world.elapsedMs();
  }

  expect(total: number): void {
    this.#total = total;
  }

  async *count(content: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    for await (const chunk of content) {
      this.#bytes += chunk.length;
      this.#tell(false);
      yield chunk;
    }
  }

  finishOne(): void {
    this.#done += 1;
  }

  finish(): void {
    this.#tell(true);
  }

  #tell(finished: boolean): void {
    const elapsedMs = this.#world.elapsedMs() - this.#startedMs;
    this.#host.progress({ step: this.#step, done: this.#done, total: this.#total, bytes: this.#bytes, elapsedMs, finished });
  }
}
