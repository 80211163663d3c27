import type { PackageNoteObservation, PlacedObservation } from '../../model/observation.ts';
import type { PackageRecord } from '../../model/package.ts';

type Licence = PackageRecord['licence'];

/**
 * What the copyright files say of each Debian package. A package's folder in `usr/share/doc` may be a link to that of another package of the same
 * source (https://www.debian.org/doc/debian-policy/ch-docs.html, 12.5): so where it has no file of its own, that of one of the same source and version counts.
 */
export function debianLicences(
  records: readonly PackageRecord[],
  notes: readonly PlacedObservation<PackageNoteObservation>[],
): (record: PackageRecord) => Licence {
  const byName = new Map<string, Licence>();
  for (const { observation } of notes) if (observation.licence !== undefined) byName.set(observation.package, observation.licence);
  const bySource = new Map<string, Licence>();
  for (const record of records) {
    const licence = record.type === 'deb' ? byName.get(record.name) : undefined;
    if (licence !== undefined && !bySource.has(sourceKey(record))) bySource.set(sourceKey(record), licence);
  }
  return (record) => (record.type === 'deb' ? (byName.get(record.name) ?? bySource.get(sourceKey(record))) : undefined);
}

function sourceKey({ name, version, source }: PackageRecord): string {
  return `${source?.name ?? name} ${source?.version ?? version}`;
}
