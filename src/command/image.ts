import type { Host } from '../host/host.ts';
import type { Settings } from '../inputs/settings.ts';
import type { ImageSource } from '../model/source.ts';
import { parseImageSource } from '../source/image-source-text.ts';
import { openSource } from '../source/open-source.ts';
import { openRegistrySource } from '../source/registry-source.ts';
import { toCancellable } from './cancellation.ts';
import type { Credentials } from './credentials.ts';
import { openRemote } from './destinations.ts';
import type { World } from './world.ts';

/**
 * Finds the image of the input `image`. One of this machine is opened here, so that what is wrong with it is told before anything is signed in
 * to; one in a registry once there is a credential for it.
 */
export async function findImage(settings: Settings, host: Host, world: World): Promise<(credentials: Credentials) => Promise<ImageSource>> {
  const image = parseImageSource(settings.image);
  const { platforms } = settings;
  if (image.kind === 'registry') {
    return async (credentials) =>
      openRegistrySource(image, await openRemote(image.reference, 'read', settings, credentials, world), platforms);
  }
  const { docker, standardInput } = world.environment;
  const { stream } = toCancellable(world.http, world.cancelled);
  const source = await openSource(image, { workspace: host.workspace, docker, standardInput, stream, platforms });
  return async () => source;
}
