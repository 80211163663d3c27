import type { Package } from '../model/package.ts';
import { alpineVersionOrder } from './alpine-version.ts';
import { debianVersionOrder } from './debian-version.ts';
import { goVersionOrder } from './go-version.ts';
import { mavenVersionOrder } from './maven-version.ts';
import { npmVersionOrder } from './npm-version.ts';
import { nugetVersionOrder } from './nuget-version.ts';
import { packagistVersionOrder } from './packagist-version.ts';
import { pypiVersionOrder } from './pypi-version.ts';
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
}

/** The ecosystems whose versions can be ordered (https://ossf.github.io/osv-schema/#defined-ecosystems). */
const versionOrders: Readonly<Record<string, VersionOrder>> = {
  Alpaquita: alpineVersionOrder,
  Alpine: alpineVersionOrder,
  'BellSoft Hardened Containers': alpineVersionOrder,
  Bitnami: semverVersionOrder,
  Chainguard: alpineVersionOrder,
  'crates.io': semverVersionOrder,
  Debian: debianVersionOrder,
  Echo: debianVersionOrder,
  Go: goVersionOrder,
  Maven: mavenVersionOrder,
  MinimOS: alpineVersionOrder,
  npm: npmVersionOrder,
  NuGet: nugetVersionOrder,
  Packagist: packagistVersionOrder,
  PyPI: pypiVersionOrder,
  RubyGems: rubygemsVersionOrder,
  SwiftURL: semverVersionOrder,
  Ubuntu: debianVersionOrder,
  Wolfi: alpineVersionOrder,
};

/** Those whose advisories are of use here. */
export const supportedEcosystems: readonly string[] = Object.keys(versionOrders);

/** How advisories name `item`; undefined where its ecosystem is not known or not supported. */
export function toSubject(item: Package): Subject | undefined {
  if (item.ecosystem === undefined) {
    return undefined;
  }
  const base = toBase(item.ecosystem);
  const order = Object.hasOwn(versionOrders, base) ? versionOrders[base] : undefined;
  const { name, version } = item.source ?? item;
  return order === undefined ? undefined : { ecosystem: item.ecosystem, base, name: canonicalName(base, name), version, order };
}

/** `Debian` of `Debian:12`. */
export function toBase(ecosystem: string): string {
  return ecosystem.split(':', 1)[0] ?? ecosystem;
}

/** PyPI's names are equal after PEP 503's normalisation; npm's differ by case (`JSONStream` and `jsonstream` are two packages). */
export function canonicalName(base: string, name: string): string {
  return base === 'PyPI' ? name.toLowerCase().replace(/[-_.]+/g, '-') : name;
}

/**
 * Whether a record for `recorded` speaks of packages of `ecosystem`. A record (or package) without a release holds for every release.
 * `:LTS` says nothing that the number does not, so `Ubuntu:22.04` is `Ubuntu:22.04:LTS`; `Ubuntu:Pro:…` is a product of its own.
 */
export function isSameEcosystem(recorded: string, ecosystem: string): boolean {
  const base = toBase(recorded);
  if (base !== toBase(ecosystem)) {
    return false;
  }
  const [one, other] = [recorded, ecosystem].map((text) => text.slice(base.length + 1).replace(/:LTS$/, ''));
  return one === other || one === '' || other === '';
}
