import type { PackageType } from '../../model/package.ts';
import { toRpmEcosystem } from './rpm/rpm-ecosystem.ts';

export interface Release {
  readonly id: string;
  readonly versionId: string;
  readonly codename: string;
  readonly prettyName: string;
}

/** Whether it is os-release's own form or a file that stands in for it, the fields are the same. */
export function toRelease(fields: Readonly<Record<string, string>>): Release {
  const read = (name: string): string => (Object.hasOwn(fields, name) ? (fields[name] ?? '') : '');
  const id = read('ID').toLowerCase();
  return {
    id: id === '' ? 'linux' : id,
    versionId: read('VERSION_ID'),
    codename: read('VERSION_CODENAME').toLowerCase(),
    prettyName: read('PRETTY_NAME') || read('NAME') || id,
  };
}

/**
 * The OSV ecosystem, with its release suffix, of a system's own packages (https://ossf.github.io/osv-schema/#defined-ecosystems); undefined where
 * the release is not known or OSV has none for it. A derivative is not taken for what it derives from: its versions are its own.
 */
export function toEcosystem(type: PackageType, release: Release | undefined): string | undefined {
  switch (type) {
    case 'deb':
      return release && debEcosystem(release);
    case 'apk':
      return release && apkEcosystem(release);
    case 'rpm':
      return release && toRpmEcosystem(release);
    default:
      return languageEcosystems[type];
  }
}

const languageEcosystems: Readonly<Partial<Record<PackageType, string>>> = {
  cargo: 'crates.io',
  composer: 'Packagist',
  gem: 'RubyGems',
  golang: 'Go',
  maven: 'Maven',
  npm: 'npm',
  nuget: 'NuGet',
  pypi: 'PyPI',
};

function debEcosystem({ id, versionId, codename }: Release): string | undefined {
  switch (id) {
    case 'debian': {
      const version = /^\d+(?:\.\d+)?/.exec(versionId)?.[0] ?? debianReleases.get(codename);
      return version === undefined ? undefined : `Debian:${toDebianRelease(version)}`;
    }
    case 'ubuntu': {
      const version = /^(\d{1,2})\.(\d{2})(?:\.\d+)?$/.exec(versionId);
      if (version === null) return undefined;
      const isLongTerm = version[2] === '04' && Number(version[1]) % 2 === 0;
      return `Ubuntu:${version[1]}.${version[2]}${isLongTerm ? ':LTS' : ''}`;
    }
    case 'echo':
      return 'Echo';
    default:
      return undefined;
  }
}

/** Testing and sid have no VERSION_ID before the release is near, and both name the next release; OSV has its advisories under the coming number. */
const debianReleases: ReadonlyMap<string, string> = new Map([
  ['stretch', '9'],
  ['buster', '10'],
  ['bullseye', '11'],
  ['bookworm', '12'],
  ['trixie', '13'],
  ['forky', '14'],
  ['duke', '15'],
]);

/** OSV has whole numbers from Debian 7 on; before, the minor number is part of the release. */
function toDebianRelease(version: string): string {
  const major = version.split('.', 1)[0] ?? version;
  if (Number(major) >= 7) return major;
  return version.includes('.') ? version : `${version}.0`;
}

function apkEcosystem({ id, versionId }: Release): string | undefined {
  switch (id) {
    case 'alpine': {
      const version = /^(\d+)\.(\d+)/.exec(versionId);
      return version === null ? undefined : `Alpine:v${version[1]}.${version[2]}`;
    }
    case 'wolfi':
      return 'Wolfi';
    case 'chainguard':
      return 'Chainguard';
    case 'minimos':
      return 'MinimOS';
    case 'alpaquita':
      return withSuffix('Alpaquita', versionId);
    case 'bellsoft-hardened-containers':
      return withSuffix('BellSoft Hardened Containers', versionId);
    case 'clnstrt':
    case 'cleanstart':
      return 'CleanStart';
    default:
      return undefined;
  }
}

function withSuffix(ecosystem: string, versionId: string): string | undefined {
  return /^[\w.-]{1,40}$/.test(versionId) ? `${ecosystem}:${versionId}` : undefined;
}
