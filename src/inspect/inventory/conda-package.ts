import type { PackageRecord } from '../../model/package.ts';
import { type Fields, parseJsonFields, textsOf } from './document.ts';
import { toEntry, toObservations } from './entries.ts';
import type { FileReader } from './file-inspector.ts';
import { isCondaPackage } from './language-file.ts';
import { statedLicence } from './licence.ts';

/**
 * What conda has installed: a `conda-meta/NAME-VERSION-BUILD.json` for each package of an environment
 * (https://docs.conda.io/projects/conda/en/stable/dev-guide/deep-dives/install.html). The Python packages that one carries lie in its environment with their own metadata.
 */
export const condaPackageReader: FileReader = {
  name: 'conda-packages',
  weight: 'database',
  isWanted: isCondaPackage,
  read(path, content) {
    return toObservations(path, [toEntry(toRecord(parseJsonFields(content)), path.slice(path.lastIndexOf('/') + 1))]);
  },
};

/** https://docs.conda.io/projects/conda-build/en/stable/resources/package-spec.html */
const packageName = /^[a-z0-9_][a-z0-9._-]{0,250}$/i;
const packageVersion = /^[A-Za-z0-9][A-Za-z0-9.+!_]{0,250}$/;

function toRecord({ name, version, license }: Fields): PackageRecord | undefined {
  if (typeof name !== 'string' || typeof version !== 'string' || !packageName.test(name) || !packageVersion.test(version)) return undefined;
  return { type: 'conda', name: name.toLowerCase(), version, ...statedLicence(textsOf(license)) };
}
