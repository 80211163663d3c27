import type { CoverageGap } from '../../model/finding.ts';
import type { Observation, OsReleaseObservation, PackagesObservation, PlacedObservation } from '../../model/observation.ts';
import {
  type Inventory,
  isSystemPackage,
  type OperatingSystem,
  type Package,
  type PackageRecord,
  type ReleasedPackage,
  systemPackageTypes,
} from '../../model/package.ts';
import { debianLicences } from './debian-licences.ts';
import { findLastDay } from './end-of-life.ts';
import { installedProjects } from './lock/installed-projects.ts';
import { lockedType } from './lock/lock-file.ts';
import { osReleasePaths } from './os-release.ts';
import { withoutOwned } from './ownership.ts';
import { toPurl } from './purl.ts';
import { type Release, toEcosystem, toRelease } from './release.ts';
import { rpmDatabasePaths } from './rpm/rpm-database.ts';
import { withInstaller } from './rpm/rpm-installer.ts';

/**
 * The packages of an image's final file system, from what the inspectors saw in all its layers, with the gaps in that: each database that
 * survives and could not be read or that a later layer deletes, and OS packages whose release is not known to OSV. Sorted by type, name, version and path. A language package that
 * is installed at several paths in one version is one package, at the path of the lowest layer, with the rest in `otherPaths`.
 */
export function toInventory(placed: readonly PlacedObservation[]): {
  readonly inventory: Inventory;
  readonly gaps: readonly CoverageGap[];
} {
  const release = survivingRelease(placed);
  const notes = ofKind(placed, 'package-note').filter(({ survives }) => survives);
  const surviving = survivingPackages(placed);
  const licenceOf = debianLicences(
    surviving.map(({ record }) => record),
    notes,
  );
  const stated = surviving.map(({ record, path, layer }): Package => {
    const licence = record.licence ?? licenceOf(record);
    const ecosystem = ecosystemOf(record, release);
    return { ...record, ...(licence === undefined ? {} : { licence }), purl: toPurl(record, release), ecosystem, path, layer };
  });
  const unowned = withoutOwned(stated, notes);
  const uncounted = installedProjects(stated, survivingLocks(placed));
  const packages = withInstaller(withoutDoubles(unowned.filter(({ path }) => !uncounted.has(path))));
  return {
    inventory: {
      operatingSystem: release && toOperatingSystem(release),
      packages,
    },
    gaps: [...databaseGaps(placed, uncounted), ...deletedDatabaseGaps(placed), ...releaseGaps(packages, release)],
  };
}

/** The packages in one layer, as far as the layer alone tells: which of them survive, and in which release, is seen later. */
export function likelyPackages(observations: readonly Observation[]): readonly ReleasedPackage[] {
  const best = bestRelease(observations.filter((observation) => observation.kind === 'os-release'));
  const release = best && toRelease(best.fields);
  const packages = observations.flatMap((observation) => (observation.kind === 'packages' ? observation.packages : []));
  return packages.map((record) => ({ ...record, ecosystem: ecosystemOf(record, release) }));
}

function ecosystemOf(record: PackageRecord, release: Release | undefined): string | undefined {
  return 'ecosystem' in record ? record.ecosystem : toEcosystem(record.type, release);
}

type OfKind<K extends Observation['kind']> = PlacedObservation<Extract<Observation, { kind: K }>>;

function ofKind<K extends Observation['kind']>(placed: readonly PlacedObservation[], kind: K): readonly OfKind<K>[] {
  return placed.filter((item): item is OfKind<K> => item.observation.kind === kind);
}

function survivingRelease(placed: readonly PlacedObservation[]): Release | undefined {
  const file = findReleaseFile(placed);
  return file && toRelease(file.observation.fields);
}

/** The file that says which release the image is: of the best path, of the uppermost layer. */
export function findReleaseFile(placed: readonly PlacedObservation[]): PlacedObservation<OsReleaseObservation> | undefined {
  const surviving = ofKind(placed, 'os-release').filter(({ survives }) => survives);
  const byLayer = [...surviving].sort((a, b) => b.layer - a.layer);
  const best = bestRelease(byLayer.map(({ observation }) => observation));
  return byLayer.find(({ observation }) => observation === best);
}

function toOperatingSystem(release: Release): OperatingSystem {
  const { id, versionId, prettyName } = release;
  const supportedUntil = findLastDay(release);
  return { id, versionId, prettyName, ...(supportedUntil === undefined ? {} : { supportedUntil }) };
}

/** Of the best path; the first where several have it. */
function bestRelease(observations: readonly OsReleaseObservation[]): OsReleaseObservation | undefined {
  const rank = ({ path }: OsReleaseObservation): number => (osReleasePaths as readonly string[]).indexOf(path);
  return [...observations].sort((a, b) => rank(a) - rank(b))[0];
}

interface StatedPackage {
  readonly record: PackageRecord;
  readonly path: string;
  readonly layer: number;
}

/** Every package of every surviving database, with the layer that brought it: the lowest from which on the database has it unchanged. */
function survivingPackages(placed: readonly PlacedObservation[]): readonly StatedPackage[] {
  const versions = new Map<string, PlacedObservation<PackagesObservation>[]>();
  for (const item of ofKind(placed, 'packages')) {
    const place = databasePlace(item.observation.path);
    versions.set(place, [...(versions.get(place) ?? []), item]);
  }
  return [...versions.values()].flatMap((history) => {
    const newestFirst = [...history].sort((a, b) => b.layer - a.layer);
    return newestFirst.filter(({ survives }) => survives).flatMap((survivor) => placePackages(survivor, newestFirst));
  });
}

function placePackages(
  survivor: PlacedObservation<PackagesObservation>,
  newestFirst: readonly PlacedObservation<PackagesObservation>[],
): StatedPackage[] {
  const layers = new Map(survivor.observation.packages.map((record) => [recordKey(record), survivor.layer]));
  let unchanged = new Set(layers.keys());
  for (const older of newestFirst) {
    if (older.layer >= survivor.layer) continue;
    const had = new Set(older.observation.packages.map(recordKey));
    unchanged = new Set([...unchanged].filter((key) => had.has(key)));
    if (unchanged.size === 0) break;
    for (const key of unchanged) layers.set(key, older.layer);
  }
  const { packages, path } = survivor.observation;
  return packages.map((record) => ({ record, path, layer: layers.get(recordKey(record)) ?? survivor.layer }));
}

/** apk's database has moved to /usr with the merge of the folders, and rpm's changes place and format; what it lists has not changed by that. */
function databasePlace(path: string): string {
  if (rpmDatabasePaths.includes(path)) return 'rpm';
  return path.startsWith('usr/lib/apk/') ? path.slice('usr/'.length) : path;
}

function recordKey({ type, name, version, architecture }: PackageRecord): string {
  return JSON.stringify([type, type === 'nuget' ? name.toLowerCase() : name, version, architecture ?? '']);
}

function withoutDoubles(packages: readonly Package[]): readonly Package[] {
  const byPlace = [...packages].sort((a, b) => a.layer - b.layer || a.path.length - b.path.length || compareText(a.path, b.path));
  const kept = new Map<string, { readonly first: Package; readonly otherPaths: Set<string> }>();
  for (const item of byPlace) {
    const known = kept.get(recordKey(item));
    if (known === undefined) kept.set(recordKey(item), { first: item, otherPaths: new Set() });
    else if (item.path !== known.first.path && !isSystemPackage(item)) known.otherPaths.add(item.path);
  }
  const unique = [...kept.values()].map(({ first, otherPaths }) =>
    otherPaths.size === 0 ? first : { ...first, otherPaths: [...otherPaths] },
  );
  return unique.sort((a, b) => compareText(a.type, b.type) || compareText(a.name, b.name) || compareText(a.version, b.version));
}

function survivingLocks(placed: readonly PlacedObservation[]): readonly string[] {
  return placed
    .filter(({ survives, observation }) => survives && lockedType(observation.path) !== undefined)
    .map(({ observation }) => observation.path);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Lock files that are not counted need not be readable. */
function databaseGaps(placed: readonly PlacedObservation[], uncounted: ReadonlySet<string>): readonly CoverageGap[] {
  return ofKind(placed, 'gap')
    .filter(({ survives, observation }) => (survives && !uncounted.has(observation.path)) || observation.ofLayer)
    .map(({ layer, observation: { code, path, reason } }) => ({ code, path, layer, reason }));
}

/** One for each kind of OS package whose advisories cannot be asked for. */
function releaseGaps(packages: readonly Package[], release: Release | undefined): readonly CoverageGap[] {
  const system =
    release === undefined ? 'the image has no os-release' : `OSV has no ecosystem for ${release.prettyName} (ID=${release.id})`;
  return systemPackageTypes.flatMap((type) => {
    const unmatched = packages.filter((item) => item.type === type && item.ecosystem === undefined);
    const reason = `${unmatched.length} ${type} packages cannot be matched with advisories: ${system}`;
    return unmatched.length === 0 ? [] : [{ code: 'no-release', path: unmatched[0]?.path, layer: undefined, reason }];
  });
}

/** A database that a later layer deletes says nothing of the final file system, though the files of its packages may well be there. */
function deletedDatabaseGaps(placed: readonly PlacedObservation[]): readonly CoverageGap[] {
  const databases = ofKind(placed, 'packages').filter(({ observation }) => observation.packages.some(isSystemPackage));
  return systemPackageTypes.flatMap((type) => {
    const ofType = databases.filter(({ observation }) => observation.packages[0]?.type === type);
    const last = ofType.at(-1);
    if (last === undefined || ofType.some(({ survives }) => survives)) return [];
    const reason = `a later layer deletes this database of ${last.observation.packages.length} packages, so what is left of them is not known`;
    return [{ code: 'damaged', path: last.observation.path, layer: last.layer, reason }];
  });
}
