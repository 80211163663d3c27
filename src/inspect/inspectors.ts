import type { Inspector } from '../layer/inspector.ts';
import { apkReader } from './inventory/apk.ts';
import { debianCopyrightReader } from './inventory/debian-copyright.ts';
import { dpkgReader } from './inventory/dpkg.ts';
import { dpkgFilesReader } from './inventory/dpkg-files.ts';
import { makeFileInspector } from './inventory/file-inspector.ts';
import { nodePackageReader } from './inventory/node-package.ts';
import { osReleaseReader } from './inventory/os-release.ts';
import { pythonPackageReader } from './inventory/python-package.ts';
import { makeMalwareInspector } from './malware/malware-inspector.ts';
import { superusersReader } from './misconfig/superusers.ts';
import { makeSecretInspector } from './secrets/secret-inspector.ts';

/** Every inspector of the layer pass. */
export function allInspectors(): readonly Inspector[] {
  const readers = [
    dpkgReader,
    dpkgFilesReader,
    debianCopyrightReader,
    apkReader,
    nodePackageReader,
    pythonPackageReader,
    osReleaseReader,
    superusersReader,
  ];
  return [...readers.map(makeFileInspector), makeSecretInspector(), makeMalwareInspector()];
}

/**
 * Files and folders that the runtime looks up by these paths. Where one of them, or a folder on its way, is a link to somewhere that is not read as
 * the same kind of file, its packages would be missed: the overlay has to follow the link or tell of a gap.
 */
export const databasePaths: readonly string[] = [
  'var/lib/dpkg/status',
  'var/lib/dpkg/status.d',
  'lib/apk/db/installed',
  'usr/lib/apk/db/installed',
  'etc/os-release',
  'usr/lib/os-release',
];
