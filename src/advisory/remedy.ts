import type { Package } from '../model/package.ts';

/** What to do about a vulnerable package, one line. A command is given only for names that a shell takes as they are. */
export function vulnerabilityRemedy(item: Package, id: string, fixedVersion: string | undefined): string {
  if (fixedVersion === undefined) {
    return `No fixed version is known: remove ${item.name}, or except ${id} in the policy with a reason and an expiry.`;
  }
  const to = `to ${fixedVersion} or later`;
  switch (item.type) {
    case 'deb':
      return systemRemedy(item, to, `apt-get update && apt-get install -y --only-upgrade ${item.name}`);
    case 'apk':
      return systemRemedy(item, to, `apk add --no-cache --upgrade ${item.name}`);
    case 'npm':
      return `Upgrade ${item.name} ${to} (npm update, or the package that depends on it) and rebuild the image.`;
    case 'pypi':
      return `Upgrade ${item.name} ${to} (in requirements.txt or the lock file) and rebuild the image.`;
    default:
      return `Upgrade ${item.name} ${to} and rebuild the image.`;
  }
}

export function malwareRemedy(item: Package): string {
  return `Remove ${item.name} ${item.version} and what depends on it, and replace every secret that the build or the image could reach: it is malicious, not faulty.`;
}

function systemRemedy(item: Package, to: string, command: string): string {
  const base = `Rebuild on a newer base image, or bring ${item.name} ${to}`;
  return /^[a-z0-9][a-z0-9+._-]*$/.test(item.name) ? `${base}: RUN ${command}` : `${base}.`;
}
