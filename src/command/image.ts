import type { Host } from '../host/host.ts';
import type { Settings } from '../inputs/settings.ts';
import type { LayerFacts } from '../layer/pass.ts';
import type { ImageSource, RepositoryName, SourceImage, SourceLayer } from '../model/source.ts';
import { ImageThread, type LayerKeeper } from '../reading/image-thread.ts';
import { findSource } from '../source/find-source.ts';
import type { LocalImage } from '../source/found-image.ts';
import { type LocalSourceText, parseImageSource } from '../source/image-source-text.ts';
import { openRegistrySource } from '../source/registry-source.ts';
import { toCancellable } from './cancellation.ts';
import type { Credentials } from './credentials.ts';
import { openRemote } from './destinations.ts';
import type { World } from './world.ts';

/** An image that is read in the thread: what holds credentials fetches its bytes, and looks into none of them but manifests and configurations. */
export interface ThreadImage {
  /** As the user named it. */
  readonly name: string;
  /** As `ImageSource.repository`. */
  readonly repository: RepositoryName | undefined;
  /** As `ImageSource.read`. */
  read(keeper: LayerKeeper): Promise<SourceImage>;
  /** Reads a layer that was read a second time, as it is published. */
  reread(layer: SourceLayer, keeper: LayerKeeper): Promise<LayerFacts>;
}

/** Starts the thread. Nobody gets the compressed bytes of an image that is only looked at. */
export function openImageThread({ push, compression }: Settings, { cancelled }: World): ImageThread {
  return new ImageThread({ compression: push.length > 0 && compression !== 'keep' ? compression : undefined, cancelled });
}

/** Layers read at once: each has a window, a whole file and two pieces of its upload in memory. */
const layersAtOnce = 2;

/**
 * Finds the image of the input `image`. One of this machine is found here, so that what is wrong with it is told before anything is signed in
 * to; one in a registry once there is a credential for it.
 */
export async function findImage(
  settings: Settings,
  thread: ImageThread,
  host: Host,
  world: World,
): Promise<(credentials: Credentials) => Promise<ThreadImage>> {
  const image = parseImageSource(settings.image);
  const { platforms } = settings;
  if (image.kind === 'registry') {
    return async (credentials) => {
      const repository = await openRemote(image.reference, 'read', settings, credentials, world);
      return fromRegistry(await openRegistrySource(image, repository, platforms), thread);
    };
  }
  const local = await findLocalImage(image, settings, host, world);
  return async () => fromMachine(local, thread);
}

/** As `findSource`, with what the process has. */
export function findLocalImage(
  image: LocalSourceText,
  { platforms }: Pick<Settings, 'platforms'>,
  host: Host,
  { http, cancelled, environment: { docker, standardInput } }: World,
): Promise<LocalImage> {
  const { stream } = toCancellable(http, cancelled);
  return findSource(image, { workspace: host.workspace, docker, standardInput, stream, platforms });
}

function fromMachine(local: LocalImage, thread: ImageThread): ThreadImage {
  return {
    name: local.found.name,
    repository: undefined,
    read: (keeper) => thread.read(local, keeper, layersAtOnce),
    reread: (layer, keeper) => thread.reread(local, layer, keeper),
  };
}

function fromRegistry(source: ImageSource, thread: ImageThread): ThreadImage {
  return {
    name: source.name,
    repository: source.repository,
    read: (keeper) =>
      source.read(async (layer, content) => void (await thread.readLayer(layer, content, { kind: 'inspect' }, keeper)), {
        parallel: layersAtOnce,
        onPlan: ({ layers, sizeBytes }) => keeper.plan({ layers, sizeBytes }),
      }),
    async reread(layer, keeper) {
      let facts: LayerFacts | undefined;
      await source.reread(layer, async (again, content) => {
        facts = await thread.readLayer(again, content, { kind: 'publish' }, keeper);
      });
      if (facts === undefined) throw new Error('the layer was not read');
      return facts;
    },
  };
}
