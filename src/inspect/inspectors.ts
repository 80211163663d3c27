import type { Inspector } from '../layer/inspector.ts';
import { apkReader } from './inventory/apk.ts';
import { composerInstalledReader } from './inventory/composer-installed.ts';
import { condaPackageReader } from './inventory/conda-package.ts';
import { debianCopyrightReader } from './inventory/debian-copyright.ts';
import { dotnetDependenciesReader } from './inventory/dotnet-dependencies.ts';
import { dpkgReader } from './inventory/dpkg.ts';
import { dpkgFilesReader } from './inventory/dpkg-files.ts';
import { makeExecutableInspector } from './inventory/executable/executable-inspector.ts';
import { makeFileInspector } from './inventory/file-inspector.ts';
import { gemSpecificationReader } from './inventory/gem-specification.ts';
import { makeJarInspector } from './inventory/java/jar-inspector.ts';
import { isLanguageFile } from './inventory/language-file.ts';
import { lockFileReader } from './inventory/lock/lock-file.ts';
import { nodePackageReader } from './inventory/node-package.ts';
import { osReleaseReader } from './inventory/os-release.ts';
import { pearPackageReader } from './inventory/pear-package.ts';
import { makeProgramInspector } from './inventory/program/program-inspector.ts';
import { runtimeReleaseReader } from './inventory/program/runtime-release.ts';
import { pythonPackageReader } from './inventory/python-package.ts';
import { rpmDatabasePaths, rpmDatabaseReader, rpmLogReader } from './inventory/rpm/rpm-database.ts';
import { rpmManifestPath, rpmManifestReader } from './inventory/rpm/rpm-manifest.ts';
import { unreadDatabaseReader } from './inventory/unread-database.ts';
import { yarnPlugAndPlayReader } from './inventory/yarn-plug-and-play.ts';
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
    rpmDatabaseReader,
    rpmLogReader,
    rpmManifestReader,
    nodePackageReader,
    yarnPlugAndPlayReader,
    pythonPackageReader,
    condaPackageReader,
    gemSpecificationReader,
    composerInstalledReader,
    pearPackageReader,
    dotnetDependenciesReader,
    lockFileReader,
    runtimeReleaseReader,
    osReleaseReader,
    unreadDatabaseReader,
    superusersReader,
  ];
  return [
    ...readers.map(makeFileInspector),
    makeExecutableInspector(),
    makeJarInspector(),
    makeProgramInspector(),
    makeSecretInspector(),
    makeMalwareInspector(),
  ];
}

/** Files, and folders of files, that programs look up by these paths: the overlay follows links there, or tells of a gap. */
export const databasePaths: readonly string[] = [
  'var/lib/dpkg/status',
  'var/lib/dpkg/status.d',
  'lib/apk/db/installed',
  'usr/lib/apk/db/installed',
  ...rpmDatabasePaths,
  rpmManifestPath,
  'etc/os-release',
  'usr/lib/os-release',
];

/** Whether a path states packages or the release: a link there must lead to a file that was read. For `OverlayOptions.isDatabase`. */
export function isDatabasePath(path: string): boolean {
  if (path.endsWith('/package.json')) return nodePackageReader.isWanted(path);
  if (isLanguageFile(path)) return !path.endsWith('.egg-info');
  return databasePaths.includes(path) || path.startsWith('var/lib/dpkg/status.d/');
}
