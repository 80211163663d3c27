import { toCycloneDx } from '../evidence/cyclonedx.ts';
import type { Settings } from '../inputs/settings.ts';
import { type PublishedImage, publishedManifests } from '../layer/manifest.ts';
import type { Digest } from '../model/digest.ts';
import type { Destination } from './destinations.ts';
import type { Inspection } from './inspection.ts';
import type { World } from './world.ts';

/**
 * A bill of materials for each platform, by the digest of its manifest. It names the repository where there is one only: the same bytes are attached
 * in all of them.
 */
export function toSboms(
  settings: Settings,
  image: PublishedImage,
  inspection: Inspection,
  destinations: readonly Destination[],
  world: World,
): ReadonlyMap<Digest, Uint8Array> {
  if (settings.sbom === 'none') return new Map();
  const [only, ...others] = destinations;
  const repository = others.length === 0 ? only?.repository.name : undefined;
  const tag = others.length === 0 && only?.tags.length === 1 ? only.tags[0] : undefined;
  const timestamp = world.now();
  const sboms = inspection.platforms.flatMap(({ image: source, inventory, layers }) => {
    const manifest = publishedManifests(image).find((candidate) => candidate.image === source)?.manifest;
    if (manifest === undefined) return [];
    const { digest } = manifest.descriptor;
    const subject = { name: repository ?? settings.image, repository, tag, digest, platform: source.config.platform, layers };
    return [[digest, toCycloneDx({ subject, inventory, version: world.version, timestamp })] as const];
  });
  return new Map(sboms);
}
