import type { Package, RpmInstaller } from '../model/package.ts';

/** What to do about a vulnerable package, one line. A command is given only for names and versions that a shell takes as they are. */
export function vulnerabilityRemedy(item: Package, id: string, fixedVersion: string | undefined): string {
  if (fixedVersion === undefined) {
    return `No fixed version is known: remove ${item.name}, or except ${id} in the policy with a reason and an expiry.`;
  }
  const to = `to ${fixedVersion} or later`;
  const isSafe = namePattern.test(item.name) && versionPattern.test(fixedVersion);
  switch (item.type) {
    case 'deb':
      return systemRemedy(item, to, isDistroless(item) ? undefined : `apt-get update && apt-get install -y --only-upgrade ${item.name}`);
    case 'apk':
      return systemRemedy(item, to, `apk add --no-cache --upgrade ${item.name}`);
    case 'rpm':
      return systemRemedy(item, to, item.installer && rpmCommand(item.installer, item.name));
    default: {
      const how = isSafe ? languageRemedy(item, fixedVersion) : undefined;
      const upgrade = `${item.name} ${to}${how === undefined ? ' and' : `: ${how};`} rebuild the image.`;
      return item.fromBase === true ? `${newerBase}, or upgrade ${upgrade}` : `Upgrade ${upgrade}`;
    }
  }
}

export function malwareRemedy(item: Package): string {
  return `Remove ${item.name} ${item.version} and what depends on it, and replace every secret that the build or the image could reach: it is malicious, not faulty.`;
}

const namePattern = /^@?[A-Za-z0-9][A-Za-z0-9._+~/:-]*$/;
const versionPattern = /^[A-Za-z0-9][A-Za-z0-9._+~:-]*$/;

/** The command of the language's own package manager, or the file in which a version is asked for. */
function languageRemedy({ type, name }: Package, version: string): string | undefined {
  switch (type) {
    case 'npm':
      return `npm install ${name}@${version}, or "overrides" in package.json where another package brings it`;
    case 'pypi':
      return `${name}>=${version} in requirements.txt, or the lock file`;
    case 'conda':
      return `conda install "${name}>=${version}"`;
    case 'golang':
      return goRemedy(name, version);
    case 'maven':
      return `${name}:${version} under dependencyManagement in pom.xml, or under constraints in build.gradle`;
    case 'gem':
      return `bundle update --conservative ${name}`;
    case 'composer':
      return `composer update --with-dependencies ${name}`;
    case 'cargo':
      return `cargo update -p ${name} --precise ${version}`;
    case 'nuget':
      return `dotnet add package ${name} --version ${version}`;
    default:
      return undefined;
  }
}

/** Go's own packages come with the compiler; a module is asked for with a `v`. */
function goRemedy(name: string, version: string): string {
  if (name === 'stdlib' || name === 'toolchain') return `build with Go ${version} or later`;
  return `go get ${name}@v${version.replace(/^v/, '')} && go mod tidy`;
}

const newerBase = 'Rebuild on a newer base image';

/** An image whose list of packages is a folder of files, one for each, has no package manager. */
function isDistroless({ path }: Package): boolean {
  return path.includes('/status.d/');
}

function rpmCommand(installer: RpmInstaller, name: string): string {
  switch (installer) {
    case 'zypper':
      return `zypper --non-interactive update ${name}`;
    case 'dnf':
      return `dnf upgrade -y ${name}`;
    default:
      return `${installer} update -y ${name}`;
  }
}

/** Where it is not known whether the base image brought it, it mostly did. */
function systemRemedy(item: Package, to: string, command: string | undefined): string {
  if (command === undefined) return `${newerBase}: there is no package manager in this one that could bring ${item.name} ${to}.`;
  const base = item.fromBase === false ? `Bring ${item.name} ${to}` : `${newerBase}, or bring ${item.name} ${to}`;
  const isPlain = item.type === 'rpm' ? /^[A-Za-z0-9][A-Za-z0-9+._-]*$/ : /^[a-z0-9][a-z0-9+._-]*$/;
  return isPlain.test(item.name) ? `${base}: RUN ${command}` : `${base}.`;
}
