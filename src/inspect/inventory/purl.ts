import { toPackageUrl } from '../../lib/package-url.ts';
import type { PackageRecord } from '../../model/package.ts';
import type { Release } from './release.ts';

/**
 * The package URL of a package (https://github.com/package-url/purl-spec, the types of `PackageType`). `distro` is written as syft, grype and
 * osv-scanner read it, `ID-VERSION_ID`; `upstream` names the source package where it differs, under which distributions publish advisories.
 */
export function toPurl(record: PackageRecord, release: Release | undefined): string {
  switch (record.type) {
    case 'rpm':
      return toRpmPurl(record, release);
    case 'deb':
    case 'apk': {
      const vendor = toVendor(release) ?? fallbackVendor[record.type];
      const distro = toDistro(vendor, release);
      const qualifiers = {
        ...(record.architecture === undefined ? {} : { arch: record.architecture }),
        ...(distro === undefined ? {} : { distro }),
        ...(record.source === undefined ? {} : toUpstream(record, record.source)),
      };
      return toPackageUrl({ type: record.type, namespace: vendor, name: record.name, version: record.version, qualifiers });
    }
    default: {
      const split = record.name.lastIndexOf(record.type === 'maven' ? ':' : '/');
      const namespace = split === -1 ? undefined : record.name.slice(0, split);
      const version = record.version === '(devel)' ? undefined : record.version;
      return toPackageUrl({ type: record.type, namespace, name: record.name.slice(split + 1), version });
    }
  }
}

const fallbackVendor = { deb: 'debian', apk: 'alpine' } as const;

function toVendor(release: Release | undefined): string | undefined {
  return release !== undefined && /^[a-z0-9._-]+$/.test(release.id) ? release.id : undefined;
}

/** The epoch stands apart, `upstream` is the file name of the source package, and two vendors have another name than in os-release: all as syft and grype have it. */
function toRpmPurl({ name, version, architecture, source }: PackageRecord, release: Release | undefined): string {
  const id = toVendor(release);
  const distro = id === undefined ? undefined : toDistro(id, release);
  const [, epoch, build = version] = /^(\d+):(.*)$/.exec(version) ?? [];
  const qualifiers = {
    ...(architecture === undefined ? {} : { arch: architecture }),
    ...(distro === undefined ? {} : { distro }),
    ...(epoch === undefined ? {} : { epoch }),
    ...(source === undefined ? {} : { upstream: `${source.name}-${source.version.replace(/^\d+:/, '')}.src.rpm` }),
  };
  const vendor = id === 'rhel' ? 'redhat' : id?.startsWith('opensuse') ? 'opensuse' : (id ?? 'linux');
  return toPackageUrl({ type: 'rpm', namespace: vendor, name, version: build, qualifiers });
}

function toDistro(vendor: string, release: Release | undefined): string | undefined {
  const version = release === undefined ? '' : release.versionId || release.codename;
  return /^[\w.+~-]{1,60}$/.test(version) ? `${vendor}-${version}` : undefined;
}

function toUpstream(record: PackageRecord, source: NonNullable<PackageRecord['source']>): { readonly upstream?: string } {
  if (source.version !== record.version) return { upstream: `${source.name}@${source.version}` };
  return source.name === record.name ? {} : { upstream: source.name };
}
