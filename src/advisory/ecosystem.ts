import type { ReleasedPackage } from '../model/package.ts';
import { alpineVersionOrder } from './alpine-version.ts';
import { debianVersionOrder } from './debian-version.ts';
import { goVersionOrder, toRecordedVersion } from './go-version.ts';
import { mavenVersionOrder } from './maven-version.ts';
import { npmVersionOrder } from './npm-version.ts';
import { nugetVersionOrder } from './nuget-version.ts';
import { packagistVersionOrder } from './packagist-version.ts';
import { pypiVersionOrder } from './pypi-version.ts';
import { isSameProduct } from './rpm-product.ts';
import { rpmVersionOrder } from './rpm-version.ts';
import { rubygemsVersionOrder } from './rubygems-version.ts';
import { semverVersionOrder } from './semver-version.ts';
import type { VersionOrder } from './version-order.ts';

/** A package as advisories name it: distributions publish theirs under the source package. */
export interface Subject {
  /** With release suffix. */
  readonly ecosystem: string;
  /** Without; the folder of the database. */
  readonly base: string;
  readonly name: string;
  readonly version: string;
  readonly order: VersionOrder;
  /** Module that an rpm was built in, `NAME:STREAM:VERSION:CONTEXT`. */
  readonly module?: string;
}

/** The ecosystems whose versions can be ordered (https://ossf.github.io/osv-schema/#defined-ecosystems). */
const versionOrders: Readonly<Record<string, VersionOrder>> = {
  AlmaLinux: rpmVersionOrder,
  Alpaquita: alpineVersionOrder,
  Alpine: alpineVersionOrder,
  'Azure Linux': rpmVersionOrder,
  'BellSoft Hardened Containers': alpineVersionOrder,
  Bitnami: semverVersionOrder,
  Chainguard: alpineVersionOrder,
  CleanStart: alpineVersionOrder,
  'crates.io': semverVersionOrder,
  Debian: debianVersionOrder,
  Echo: debianVersionOrder,
  Go: goVersionOrder,
  Mageia: rpmVersionOrder,
  Maven: mavenVersionOrder,
  MinimOS: alpineVersionOrder,
  npm: npmVersionOrder,
  NuGet: nugetVersionOrder,
  openEuler: rpmVersionOrder,
  openSUSE: rpmVersionOrder,
  Packagist: packagistVersionOrder,
  'Photon OS': rpmVersionOrder,
  PyPI: pypiVersionOrder,
  'Red Hat': rpmVersionOrder,
  'Rocky Linux': rpmVersionOrder,
  RubyGems: rubygemsVersionOrder,
  SUSE: rpmVersionOrder,
  SwiftURL: semverVersionOrder,
  Ubuntu: debianVersionOrder,
  Wolfi: alpineVersionOrder,
};

/** Those whose advisories are of use here. */
export const supportedEcosystems: readonly string[] = Object.keys(versionOrders);

/** Those whose records name binary packages; all other distributions' name sources. AlmaLinux's do, whatever the schema says of them. */
const namesBinaries: ReadonlySet<string> = new Set(['AlmaLinux', 'Photon OS', 'Red Hat']);

/** How advisories name `item`; undefined where its ecosystem is not known or not supported. */
export function toSubject(item: ReleasedPackage): Subject | undefined {
  if (item.ecosystem === undefined) {
    return undefined;
  }
  const base = toBase(item.ecosystem);
  const order = Object.hasOwn(versionOrders, base) ? versionOrders[base] : undefined;
  const { name, version } = namesBinaries.has(base) ? item : (item.source ?? item);
  // Services know Python's names by their normal form, all others as they are written.
  const asked = base === 'PyPI' ? canonicalName(base, name) : name;
  const { ecosystem, module } = item;
  const stated = base === 'Go' ? toRecordedVersion(version) : version;
  return order && { ecosystem, base, name: asked, version: stated, order, ...(module === undefined ? {} : { module }) };
}

/** `Debian` of `Debian:12`. */
export function toBase(ecosystem: string): string {
  return ecosystem.split(':', 1)[0] ?? ecosystem;
}

/**
 * What names of the same package have in common: PyPI's are equal after PEP 503's normalisation, NuGet's and Packagist's without regard to case; npm's
 * differ by case (`JSONStream` and `jsonstream` are two packages), and so do all others.
 */
export function canonicalName(base: string, name: string): string {
  if (base === 'PyPI') return name.toLowerCase().replace(/[-_.]+/g, '-');
  return base === 'NuGet' || base === 'Packagist' ? name.toLowerCase() : name;
}

/**
 * Whether a record for `recorded` speaks of packages of `ecosystem`. A record (or package) without a release holds for every release.
 * `:LTS` says nothing that the number does not, so `Ubuntu:22.04` is `Ubuntu:22.04:LTS`. What `Ubuntu:Pro:22.04:LTS` has is the same flaw, of which only
 * subscribers get the fix: it counts for the release, as osv.dev has it. `Ubuntu:Pro:FIPS:…` is a product with packages of its own.
 */
export function isSameEcosystem(recorded: string, ecosystem: string): boolean {
  const base = toBase(recorded);
  if (base !== toBase(ecosystem)) {
    return false;
  }
  const [one = '', other = ''] = [recorded, ecosystem].map((text) => toRelease(base, text.slice(base.length + 1)));
  return one === other || one === '' || other === '' || isSameProduct(base, one, other);
}

function toRelease(base: string, suffix: string): string {
  return base === 'Ubuntu' ? suffix.replace(/:LTS$/, '').replace(/^Pro:(?=[0-9])/, '') : suffix;
}

/** Fixes of such an entry are not in the archive that everyone has. */
export function isForSubscribers(ecosystem: string): boolean {
  return ecosystem.startsWith('Ubuntu:Pro:');
}
