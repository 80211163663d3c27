import type { Package, PackageType } from '../../src/model/package.ts';

const types: Readonly<Record<string, PackageType>> = {
  npm: 'npm',
  PyPI: 'pypi',
  Debian: 'deb',
  Ubuntu: 'deb',
  Go: 'golang',
  Maven: 'maven',
  RubyGems: 'gem',
  Packagist: 'composer',
  'crates.io': 'cargo',
  NuGet: 'nuget',
};

/** A package as the inventory gives it. */
export function packageOf(ecosystem: string | undefined, name: string, version: string, fields: Partial<Package> = {}): Package {
  const type = types[ecosystem?.split(':')[0] ?? 'Debian'] ?? 'apk';
  return { type, name, version, ecosystem, purl: `pkg:${type}/${name}@${version}`, path: `var/lib/${type}/${name}`, layer: 0, ...fields };
}
