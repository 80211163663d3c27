import type { PackageNoteObservation, PlacedObservation } from '../../model/observation.ts';
import { isSystemPackage, type Package } from '../../model/package.ts';
import { lines } from './stanza.ts';

/**
 * The language packages without those that a package of the distribution brought. Debian's `python3-requests` also has a `.egg-info` folder; its
 * version there is upstream's, while the distribution mends it under its own version: matched as a PyPI package it would be a false alarm, and
 * matched as a Debian package it is judged rightly. syft lists both, trivy and osv-scanner drop every one that an OS package owns. Here one is
 * dropped only where the advisories of the distribution do cover it: the owner is installed, its release is known to OSV, and it is the
 * distribution's own (by its maintainer, or because it is the packaging of just that project). So what a vendor's `.deb` carries along (NodeSource's
 * npm, an agent's Python) stays, and so does what was copied or pip-installed into the distribution's folders. The same holds for programs and Java
 * archives, which are looked up in the lists of all files of the packages.
 */
export function withoutOwned(
  packages: readonly Package[],
  notes: readonly PlacedObservation<PackageNoteObservation>[],
): readonly Package[] {
  const covered = new Map<string, Package>();
  for (const item of packages) if (item.ecosystem !== undefined && isSystemPackage(item)) covered.set(`${item.type} ${item.name}`, item);
  const owners = new Map<string, Package>();
  const programs = new Set(packages.filter(isProgram).map(({ path }) => mergedPath(path)));
  for (const { observation } of notes) {
    const owner = covered.get(`${observation.type} ${observation.package}`);
    if (owner === undefined) continue;
    for (const file of observation.languageFiles) owners.set(mergedPath(file), owner);
    if (programs.size === 0) continue;
    for (const line of lines(observation.fileList ?? '')) {
      const file = mergedPath(line.charCodeAt(0) === slash ? line.slice(1) : line.replace(/^\.\//, ''));
      if (programs.has(file)) owners.set(file, owner);
    }
  }
  return packages.filter((item) => {
    if (isSystemPackage(item)) return true;
    const owner = owners.get(mergedPath(item.path)) ?? owners.get(mergedPath(item.path.slice(0, item.path.lastIndexOf('/'))));
    return owner === undefined || !isOfDistribution(owner, item.name);
  });
}

function isOfDistribution(owner: Package, project: string): boolean {
  if (owner.type === 'rpm' && distributionVendor.test(owner.maintainer ?? '')) return true;
  if (owner.type === 'apk' || /@(?:[a-z.-]+\.)?(?:debian\.org|ubuntu\.com)\b/i.test(owner.maintainer ?? '')) return true;
  return [owner.name, owner.source?.name ?? ''].some((name) => plainName(name) === plainName(project));
}

/** Who builds the packages of the distributions of rpm, by their `VENDOR`. */
const distributionVendor =
  /^(?:Red Hat|CentOS|AlmaLinux|Rocky|Fedora Project|Amazon|Oracle America|SUSE LLC|openSUSE|obs:\/\/build\.(?:open)?suse\.|Microsoft Corporation|VMware|Broadcom|http:\/\/openeuler\.org|Mageia)/i;

/** `python3-foo`, `python-foo`, `node-foo`, `rubygem-foo`, `php-foo` and `foo` are names of one project. */
function plainName(name: string): string {
  return name
    .toLowerCase()
    .replace(/^(?:python[0-9.]*|nodejs|node|rubygem|ruby|php)-/, '')
    .replace(/[._/@-]+/g, '-');
}

/** A package that a program or archive states, rather than metadata of its own. */
function isProgram({ type }: Package): boolean {
  return type === 'golang' || type === 'cargo' || type === 'maven' || type === 'generic';
}

const slash = 0x2f;

/** `lib/…` and `usr/lib/…` are one folder where /usr is merged, and so are the folders of programs. */
function mergedPath(path: string): string {
  return /^(?:lib(?:32|64|x32)?|s?bin)\//.test(path) ? `usr/${path}` : path;
}
