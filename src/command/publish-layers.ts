import { type PublishedImage, publishedManifests } from '../layer/manifest.ts';
import { forEachParallel } from '../lib/parallel.ts';
import { StepError } from '../lib/step-error.ts';
import type { Digest } from '../model/digest.ts';
import type { Descriptor } from '../model/image.ts';
import type { SourceLayer } from '../model/source.ts';
import type { LayerKeeper, LayerKeeping } from '../reading/image-thread.ts';
import { throwIfCancelled } from './cancellation.ts';
import type { Destination } from './destinations.ts';
import type { HeldLayers } from './held-layers.ts';
import type { ThreadImage } from './image.ts';
import type { World } from './world.ts';

export interface LayersRequest {
  readonly image: PublishedImage;
  readonly source: ThreadImage;
  readonly held: HeldLayers;
  readonly destinations: readonly Destination[];
}

/** How the layers came to be in all destinations. */
export interface LayersReceipt {
  /** Bytes of blobs that were not sent, for the registry had them. */
  readonly reusedBytes: number;
  /** Layers that were read and sent a second time. */
  readonly resent: number;
}

interface PublishedLayer {
  readonly layer: SourceLayer;
  readonly descriptor: Descriptor;
}

const commitsAtOnce = 4;

/**
 * Makes blobs of everything that is held, several at once; what a registry no longer has, or did not take, is read and sent once more, one after
 * the other. Destinations at one registry have their turn in order, for the later ones take over what the first was sent.
 */
export async function publishLayers(request: LayersRequest, world: World): Promise<LayersReceipt> {
  const { held, destinations } = request;
  const lost: (PublishedLayer & { readonly destination: Destination })[] = [];
  let reusedBytes = 0;
  await forEachParallel(distinctLayers(request.image), commitsAtOnce, async ({ layer, descriptor }) => {
    await forEachParallel(byRegistry(destinations), destinations.length, async (neighbours) => {
      for (const destination of neighbours) {
        throwIfCancelled(world);
        if (!(await held.commit(destination, layer, descriptor.digest))) lost.push({ layer, descriptor, destination });
        else if (!held.isSent(destination, layer)) reusedBytes += descriptor.size;
      }
    });
  });
  for (const { layer, descriptor, destination } of lost) {
    throwIfCancelled(world);
    await sendAgain(request, destination, { layer, descriptor });
  }
  return { reusedBytes, resent: lost.length };
}

/**
 * Sends what `destination` turns out to lack although it said that it has it: all that was not sent in this run, whatever it says now, and what it has
 * lost since. Gives the number of layers.
 */
export async function publishMissing(request: LayersRequest, destination: Destination, world: World): Promise<number> {
  let resent = 0;
  for (const item of distinctLayers(request.image)) {
    throwIfCancelled(world);
    const isSent = request.held.isSent(destination, item.layer);
    if (isSent && (await destination.repository.headBlob(item.descriptor.digest)) !== undefined) continue;
    await sendAgain(request, destination, item);
    resent += 1;
  }
  return resent;
}

async function sendAgain(request: LayersRequest, { repository }: Destination, { layer, descriptor }: PublishedLayer): Promise<void> {
  const { source, held, destinations } = request;
  if (held.isReused(layer)) {
    // What this run would make of the layer may have another digest than the blob that the manifest names.
    for (const { repository: other } of destinations) {
      if (other === repository || (await other.headBlob(descriptor.digest)) === undefined) continue;
      return repository.pushBlob(descriptor, (write) => other.fetchBlob(descriptor, (content) => writeAll(content, write)));
    }
  }
  await repository.pushBlob(descriptor, async (write) => {
    const { digest } = await source.reread(layer, writeTo(write));
    if (digest === descriptor.digest) return;
    throw held.isReused(layer) ? gone(repository.name, digest) : changed(source.name, layer, descriptor.digest, digest);
  });
}

function writeTo(write: LayerKeeping['write']): LayerKeeper {
  return { begin: async () => ({ wantsBytes: true, write, async end() {} }), plan() {}, progress() {} };
}

async function writeAll(content: AsyncIterable<Uint8Array>, write: (bytes: Uint8Array) => Promise<void>): Promise<void> {
  for await (const chunk of content) await write(chunk);
}

function distinctLayers(image: PublishedImage): readonly PublishedLayer[] {
  const layers = publishedManifests(image).flatMap((manifest) => manifest.layers);
  return [...new Map(layers.toReversed().map((item) => [item.descriptor.digest, item])).values()].toReversed();
}

function byRegistry(destinations: readonly Destination[]): readonly (readonly Destination[])[] {
  const registries = new Set(destinations.map(({ repository }) => repository.registry));
  return [...registries].map((registry) => destinations.filter(({ repository }) => repository.registry === registry));
}

function changed(source: string, layer: SourceLayer, first: Digest, second: Digest): StepError {
  return new StepError({
    code: 'source-changed',
    origin: 'source',
    message: `cannot publish ${source}: layer ${layer.key} was ${first} when it was scanned and is ${second} now`,
    hint: 'Something changes the image while the step runs. Nothing was tagged; let nothing write to it and run the step again.',
  });
}

function gone(repository: string, digest: Digest): StepError {
  return new StepError({
    code: 'blob-unknown',
    origin: 'registry',
    message: `cannot publish to ${repository}: it had ${digest} when the run looked, and no longer has it`,
    hint: 'Something deletes blobs of this repository while the step runs. Nothing was tagged; run the step again.',
  });
}
