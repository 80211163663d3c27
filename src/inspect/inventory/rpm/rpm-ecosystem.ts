import type { OperatingSystem } from '../../../model/package.ts';

/**
 * The OSV ecosystem of a distribution of rpm, written as its records write it (https://ossf.github.io/osv-schema/#defined-ecosystems); undefined where
 * OSV has none: Amazon Linux, CentOS, Fedora, Oracle Linux. CentOS Stream is not the RHEL that it becomes, and CentOS 7 not the one it was built from.
 */
export function toRpmEcosystem({ id, versionId, prettyName }: OperatingSystem): string | undefined {
  const major = /^\d{1,4}/.exec(versionId)?.[0];
  switch (id) {
    case 'almalinux':
      return major && `AlmaLinux:${major}`;
    case 'rocky':
      return major && `Rocky Linux:${major}`;
    case 'rhel':
      return major && `Red Hat:enterprise_linux:${major}`;
    case 'azurelinux':
    case 'mariner':
      return major && `Azure Linux:${major}`;
    case 'mageia':
      return major && `Mageia:${major}`;
    case 'photon':
      return major && `Photon OS:${/^\d{1,4}\.\d{1,4}/.exec(versionId)?.[0] ?? `${major}.0`}`;
    case 'openeuler':
      return openEulerEcosystem(prettyName);
    default:
      return suseEcosystem(id, prettyName);
  }
}

/** `openEuler 24.03 (LTS-SP1)` is `openEuler:24.03-LTS-SP1`; the releases without long support have no advisories. */
function openEulerEcosystem(prettyName: string): string | undefined {
  const [, release, support] = /^openEuler (\d\d\.\d\d) ?\((LTS(?:-SP\d+)?)\)$/.exec(prettyName) ?? [];
  return release === undefined ? undefined : `openEuler:${release}-${support}`;
}

/** The release is the PRETTY_NAME without the ecosystem's own name. */
function suseEcosystem(id: string, prettyName: string): string | undefined {
  const openSuse = /^openSUSE ([A-Za-z0-9. ]{1,60})$/.exec(prettyName)?.[1];
  if (id.startsWith('opensuse')) return openSuse && `openSUSE:${openSuse}`;
  const suse = /^SUSE (Linux (?:Enterprise |Micro )[A-Za-z0-9. -]{1,80})$/.exec(prettyName)?.[1];
  return /^(?:sle|sl-micro|suse)/.test(id) ? suse && `SUSE:${suse}` : undefined;
}
