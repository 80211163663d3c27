import type { NamedImage } from '../evidence/sbom.ts';
import type { Settings } from '../inputs/settings.ts';
import type { Digest } from '../model/digest.ts';
import type { Platform } from '../model/image.ts';
import type { Destination } from './destinations.ts';

/**
 * How evidence names an image. It names the repository where there is one only: the same bytes are attached in all of them, so that of several it has the last part of
 * the path, and tells nobody of the other ones. What the image is called on this machine, which may be the path of a file, is told only where nothing is published.
 */
export function toNamedImage(
  { image }: Pick<Settings, 'image'>,
  destinations: readonly Destination[],
  digest: Digest,
  platform: Platform | undefined,
): NamedImage {
  const [only, ...others] = destinations;
  const repository = others.length === 0 ? only?.repository.name : undefined;
  const last = only?.repository.name.split('/').at(-1);
  const tag = others.length === 0 && only?.tags.length === 1 ? only.tags[0] : undefined;
  return { name: repository ?? last ?? image, repository, tag, digest, platform };
}
