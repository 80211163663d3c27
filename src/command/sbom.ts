import { cycloneDxMediaType, toCycloneDx } from '../evidence/cyclonedx.ts';
import type { SbomRequest } from '../evidence/sbom.ts';
import { spdxMediaType, toSpdx } from '../evidence/spdx.ts';
import type { SbomFormat, Settings } from '../inputs/settings.ts';
import { type PublishedImage, publishedManifests } from '../layer/manifest.ts';
import type { Digest } from '../model/digest.ts';
import type { Destination } from './destinations.ts';
import type { Inspection } from './inspection.ts';
import { toNamedImage } from './named-image.ts';
import type { World } from './world.ts';

/** A bill of materials, ready to be attached. */
export interface AttachedSbom {
  /** Also the artifact type. */
  readonly mediaType: string;
  /** Name of the file that it is saved as. */
  readonly title: string;
  readonly bytes: Uint8Array;
}

/** The bills of materials of each platform, one for each format asked for, by the digest of its manifest. */
export function toSboms(
  settings: Settings,
  image: PublishedImage,
  inspection: Inspection,
  destinations: readonly Destination[],
  world: World,
): ReadonlyMap<Digest, readonly AttachedSbom[]> {
  if (settings.sbom.length === 0) return new Map();
  const timestamp = world.now();
  const sboms = inspection.platforms.flatMap(({ image: source, inventory, layers }) => {
    const manifest = publishedManifests(image).find((candidate) => candidate.image === source)?.manifest;
    if (manifest === undefined) return [];
    const { digest } = manifest.descriptor;
    const { platform } = source.config;
    const subject = { ...toNamedImage(settings, destinations, digest, platform), platform, layers };
    const request = { subject, inventory, version: world.version, timestamp };
    return [[digest, settings.sbom.map((format) => toAttached(format, request))] as const];
  });
  return new Map(sboms);
}

function toAttached(format: SbomFormat, request: SbomRequest): AttachedSbom {
  return format === 'cyclonedx'
    ? { mediaType: cycloneDxMediaType, title: 'sbom.cdx.json', bytes: toCycloneDx(request) }
    : { mediaType: spdxMediaType, title: 'sbom.spdx.json', bytes: toSpdx(request) };
}
