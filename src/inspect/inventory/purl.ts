import { PackageURL } from 'packageurl-js';
import type { PackageRecord } from '../../model/package.ts';
import type { Release } from './release.ts';

/**
 * The package URL of a package (https://github.com/package-url/purl-spec, types deb, apk, npm and pypi). `distro` is written as syft, grype and
 * osv-scanner read it, `ID-VERSION_ID`; `upstream` names the source package where it differs, under which distributions publish advisories.
 */
export function toPurl(record: PackageRecord, release: Release | undefined): string {
  switch (record.type) {
    case 'npm': {
      const slash = record.name.lastIndexOf('/');
      const scope = slash === -1 ? undefined : record.name.slice(0, slash);
      return new PackageURL('npm', scope, record.name.slice(slash + 1), record.version, undefined, undefined).toString();
    }
    case 'pypi':
      return new PackageURL('pypi', undefined, record.name, record.version, undefined, undefined).toString();
    default: {
      const vendor = release === undefined || !/^[a-z0-9._-]+$/.test(release.id) ? fallbackVendor[record.type] : release.id;
      const distro = toDistro(vendor, release);
      const qualifiers = {
        ...(record.architecture === undefined ? {} : { arch: record.architecture }),
        ...(distro === undefined ? {} : { distro }),
        ...(record.source === undefined ? {} : toUpstream(record, record.source)),
      };
      return new PackageURL(record.type, vendor, record.name, record.version, qualifiers, undefined).toString();
    }
  }
}

const fallbackVendor = { deb: 'debian', apk: 'alpine' } as const;

function toDistro(vendor: string, release: Release | undefined): string | undefined {
  const version = release === undefined ? '' : release.versionId || release.codename;
  return /^[\w.+~-]{1,60}$/.test(version) ? `${vendor}-${version}` : undefined;
}

function toUpstream(record: PackageRecord, source: NonNullable<PackageRecord['source']>): { readonly upstream?: string } {
  if (source.version !== record.version) return { upstream: `${source.name}@${source.version}` };
  return source.name === record.name ? {} : { upstream: source.name };
}
