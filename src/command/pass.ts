import type { Host } from '../host/host.ts';
import { absentLayer } from '../layer/foreign-layer.ts';
import type { LayerFacts } from '../layer/pass.ts';
import { StepError } from '../lib/step-error.ts';
import type { AdvisorySource } from '../model/advisory.ts';
import type { Digest } from '../model/digest.ts';
import { platformImages, type SourceImage, type SourceLayer } from '../model/source.ts';
import type { LayerKeeping } from '../reading/image-thread.ts';
import { throwIfCancelled } from './cancellation.ts';
import type { HeldLayers } from './held-layers.ts';
import type { ThreadImage } from './image.ts';
import type { ReusableBlobs } from './reusable-blobs.ts';
import type { World } from './world.ts';

/** What the one read of an image gave. */
export interface Pass {
  readonly image: SourceImage;
  /** By the source's key. */
  readonly layers: ReadonlyMap<string, LayerFacts>;
}

/** Reads every layer once: while it is read, it is hashed, inspected, compressed and sent to be held, the last two where the registry lacks it. `advisories` hears early what it will be asked. */
export async function readImage(
  source: ThreadImage,
  held: HeldLayers,
  reusable: ReusableBlobs,
  advisories: AdvisorySource,
  host: Host,
  world: World,
): Promise<Pass> {
  const layers = new Map<string, LayerFacts>();
  const meter = new Meter(host, world, 'reading layers');
  const image = await source.read({
    async begin(layer: SourceLayer): Promise<LayerKeeping> {
      throwIfCancelled(world);
      // A foreign layer is inspected where the source holds it, and not sent.
      const writer = layer.foreign === undefined ? await held.begin(layer, await reusable.find(layer)) : undefined;
      const blob = writer?.blob;
      return {
        wantsBytes: writer?.wantsBytes ?? false,
        ...(blob && { reuse: { digest: blob.digest, sizeBytes: blob.size } }),
        async write(bytes) {
          throwIfCancelled(world);
          await writer?.write(bytes);
        },
        async end(facts, packages) {
          layers.set(layer.key, facts);
          if (facts.kind === 'layer') advisories.expect(packages);
          await writer?.hold();
          meter.finishOne();
        },
      };
    },
    plan: (plan) => meter.expect(plan.layers),
    progress: (bytes) => meter.count(bytes),
  });
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

  count(bytes: number): void {
    this.#bytes += bytes;
    this.#tell(false);
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
