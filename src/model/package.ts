/** The kinds of packages, named by the types of package URLs (https://github.com/package-url/purl-spec). */
export const packageTypes = [
  'deb',
  'apk',
  'rpm',
  'npm',
  'pypi',
  'conda',
  'golang',
  'maven',
  'gem',
  'composer',
  'cargo',
  'nuget',
  'generic',
] as const;

export type PackageType = (typeof packageTypes)[number];

/** Packages of the distribution, which its package manager installs. */
export const systemPackageTypes = ['deb', 'apk', 'rpm'] as const;

export type SystemPackageType = (typeof systemPackageTypes)[number];

export function isSystemPackage({ type }: { readonly type: PackageType }): boolean {
  return (systemPackageTypes as readonly string[]).includes(type);
}

/** A package as its database states it, before the image's release is known. */
export interface PackageRecord {
  readonly type: PackageType;
  /** As its advisories name it: PyPI names normalised by PEP 503; npm, Go and Composer names with their scope, path or vendor; Maven's `group:artifact`. */
  readonly name: string;
  readonly version: string;
  /** Source package, under which distributions publish advisories: dpkg `Source`, apk `o:`, rpm's `SOURCERPM`; or name and version in the advisories of what no package manager knows. */
  readonly source?: { readonly name: string; readonly version: string };
  readonly architecture?: string;
  /** Who maintains an OS package (dpkg), or who built and signs it (rpm's `VENDOR`), as its database states it. */
  readonly maintainer?: string;
  /** The module that an rpm was built in, `NAME:STREAM:VERSION:CONTEXT` (rpm's `MODULARITYLABEL`). */
  readonly module?: string;
  /** As stated: an SPDX expression or a licence name, or several of them that all hold. */
  readonly licence?: string | readonly string[];
  /** OSV ecosystem, where the type does not tell it; undefined where no advisory could be held against the version. */
  readonly ecosystem?: string | undefined;
  /** Its name in the NVD (CPE 2.3), of programs that no package manager knows. */
  readonly cpe?: string;
  /** Where it is in the archive that states it: a path, behind a `!/` for each further archive in it. */
  readonly member?: string;
}

export const rpmInstallers = ['dnf', 'microdnf', 'tdnf', 'zypper', 'yum'] as const;

export type RpmInstaller = (typeof rpmInstallers)[number];

/** A package in what is as far as known the image's release. */
export interface ReleasedPackage extends PackageRecord {
  /** OSV ecosystem with its release suffix (`Debian:12`, `Alpine:v3.19`, `npm`, `PyPI`), undefined where the release is not known. */
  readonly ecosystem: string | undefined;
}

/** A package of the image's final file system. */
export interface Package extends ReleasedPackage {
  /** https://github.com/package-url/purl-spec */
  readonly purl: string;
  /** Path of the database or file that states it, without a leading slash. */
  readonly path: string;
  /** Further paths where the same language package in the same version is installed. */
  readonly otherPaths?: readonly string[];
  /** What upgrades it in this image: the package manager of rpm that is installed. */
  readonly installer?: RpmInstaller;
  /** Index of the layer that brought this version, 0 at the bottom. */
  readonly layer: number;
  /** Whether that layer is one of the base image's; undefined where it is not known where the base image ends. */
  readonly fromBase?: boolean;
}

/** https://www.freedesktop.org/software/systemd/man/latest/os-release.html */
export interface OperatingSystem {
  readonly id: string;
  readonly versionId: string;
  readonly prettyName: string;
  /** Last day, `YYYY-MM-DD`, on which the release gets security updates that everybody gets; absent where it is not known. */
  readonly supportedUntil?: string;
}

export interface Inventory {
  readonly operatingSystem: OperatingSystem | undefined;
  readonly packages: readonly Package[];
}
