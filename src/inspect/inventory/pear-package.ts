import type { PackageRecord } from '../../model/package.ts';
import { type Fields, textsOf, toFields } from './document.ts';
import { toEntry, toObservations } from './entries.ts';
import type { FileReader } from './file-inspector.ts';
import { isPearPackage } from './language-file.ts';
import { statedLicence } from './licence.ts';
import { parsePhpSerialized } from './php-serialized.ts';

/**
 * What the installer of PEAR has installed: `.registry/NAME.reg`, and for other channels `.registry/.channel.CHANNEL/NAME.reg`
 * (https://pear.php.net/manual/en/core.pear.pear-registry.php). PEAR's own packages are `pear/NAME` to Packagist and its advisories; those of other channels (PECL's
 * extensions) are in no ecosystem of OSV.
 */
export const pearPackageReader: FileReader = {
  name: 'pear-packages',
  weight: 'database',
  isWanted: isPearPackage,
  read(path, content) {
    return toObservations(path, [toEntry(toRecord(parsePhpSerialized(content)), path.slice(path.lastIndexOf('/') + 1))]);
  },
};

const packageName = /^[A-Za-z][A-Za-z0-9_.]{0,100}$/;
const packageVersion = /^\d[\w.+-]{0,100}$/;

/** `package.xml` of version 1 has `package`, and `version` as a text. */
function toRecord(fields: Fields): PackageRecord | undefined {
  const name = fields.name ?? fields.package;
  const version = toFields(fields.version)?.release ?? fields.version;
  if (typeof name !== 'string' || typeof version !== 'string' || !packageName.test(name) || !packageVersion.test(version)) return undefined;
  const licence = statedLicence(textsOf(toFields(fields.license)?._content ?? fields.license));
  const isOfPear = fields.channel === undefined || fields.channel === 'pear.php.net';
  if (isOfPear) return { type: 'composer', name: `pear/${name.toLowerCase()}`, version, ...licence };
  return { type: 'generic', name, version, ...licence };
}
