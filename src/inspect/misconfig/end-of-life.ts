import type { MisconfigurationFinding } from '../../model/finding.ts';
import type { PlacedObservation } from '../../model/observation.ts';
import { toFingerprint } from '../fingerprint.ts';
import { findLastDay } from '../inventory/end-of-life.ts';
import { findReleaseFile } from '../inventory/inventory.ts';
import { toRelease } from '../inventory/release.ts';

/**
 * A release that gets no security updates any more: what is found in it from then on is not mended, and advisories may not even be written. Its day
 * lasts until midnight in UTC. `platforms` are those of the image.
 */
export function toEndOfLifeFindings(
  placed: readonly PlacedObservation[],
  platforms: readonly string[],
  now: Date,
): readonly MisconfigurationFinding[] {
  const file = findReleaseFile(placed);
  if (file === undefined) return [];
  const release = toRelease(file.observation.fields);
  const lastDay = findLastDay(release);
  if (lastDay === undefined || now.toISOString().slice(0, 10) <= lastDay) return [];
  return [
    {
      kind: 'misconfiguration',
      fingerprint: toFingerprint('misconfiguration', 'end-of-life', release.id, release.versionId),
      severity: 'high',
      title: `${release.prettyName.slice(0, 80)} gets no security updates since ${lastDay}`,
      remedy:
        'Build on a release that is supported: what is found in this one from now on is not mended, and upgrades of single packages do not help.',
      path: file.observation.path,
      layer: file.layer,
      platforms,
      rule: 'end-of-life',
    },
  ];
}
