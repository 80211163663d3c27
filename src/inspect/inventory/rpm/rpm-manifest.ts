import type { PackageRecord } from '../../../model/package.ts';
import { type FileReader, gap } from '../file-inspector.ts';
import { lines } from '../stanza.ts';
import { isKey, type RpmFields, toRpmRecord } from './rpm-package.ts';

export const rpmManifestPath = 'var/lib/rpmmanifest/container-manifest-2';

/**
 * The list of packages that the distroless images of Azure Linux and Mariner have instead of a database: a line for each, with tabs between the name,
 * `VERSION-RELEASE`, two times, vendor, epoch, size, architecture, epoch as a number, and source package
 * (https://github.com/microsoft/CBL-Mariner/blob/2.0/toolkit/docs/how_it_works/5_misc.md).
 */
export const rpmManifestReader: FileReader = {
  name: 'rpm-manifest',
  weight: 'database',
  isWanted: (path) => path === rpmManifestPath,
  read(path, content) {
    const packages: PackageRecord[] = [];
    const damage: string[] = [];
    for (const line of lines(content.toString('utf8'))) {
      if (line === '') continue;
      try {
        const fields = toFields(line);
        if (!isKey(fields)) packages.push(toRpmRecord(fields));
      } catch (error) {
        damage.push(error instanceof Error ? error.message : 'a line cannot be read');
      }
    }
    const gaps = damage.length > 0 ? [gap(path, 'damaged', `${damage.length} of its lines cannot be read: ${damage[0]}`)] : [];
    return [{ kind: 'packages', path, packages }, ...gaps];
  },
};

function toFields(line: string): RpmFields {
  const [name, versionRelease = '', , , vendor, epoch, , architecture, , sourceRpm, ...more] = line.split('\t');
  if (sourceRpm === undefined || more.length > 0) throw new Error('a line does not have ten fields');
  const split = versionRelease.lastIndexOf('-');
  const [version, release] = [versionRelease.slice(0, Math.max(split, 0)), versionRelease.slice(split + 1)];
  return { name, version, release, vendor, epoch, architecture, sourceRpm };
}
