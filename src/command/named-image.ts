import type { NamedImage } from '../evidence/sbom.ts';
import type { Settings } from '../inputs/settings.ts';
import type { Digest } from '../model/digest.ts';
import type { Platform } from '../model/image.ts';
import type { Destination } from './destinations.ts';

/** How evidence names an image. It names the repository where there is one only: the same bytes are attached in all of them. */
export function toNamedImage(
  { image }: Pick<Settings, 'image'>,
  destinations: readonly Destination[],
  digest: Digest,
  platform: Platform | undefined,
): NamedImage {
  const [only, ...others] = destinations;
  const repository = others.length === 0 ? only?.repository.name : undefined;
  const tag = others.length === 0 && only?.tags.length === 1 ? only.tags[0] : undefined;
  return { name: repository ?? image, repository, tag, digest, platform };
}
