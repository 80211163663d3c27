import type { Observation } from '../../model/observation.ts';
import type { PackageRecord } from '../../model/package.ts';
import { damageGaps, type FileReader } from './file-inspector.ts';
import { parseStanzas, type Stanza, toStatement } from './stanza.ts';

const statusPath = /^(?:usr\/)?(?:var\/)?lib\/(?:sysimage\/)?dpkg\/status(?:\.d\/[^/]+)?$/;

/** dpkg's database of installed packages: `var/lib/dpkg/status`, or a file for each package in `status.d` (distroless images). */
export const dpkgReader: FileReader = {
  name: 'dpkg',
  weight: 'database',
  isWanted: (path) => path.includes('lib/') && path.includes('/status') && statusPath.test(path) && !/\.(?:md5sums|list)$/.test(path),
  read: readStatus,
};

function readStatus(path: string, content: Buffer): readonly Observation[] {
  const text = content.toString('utf8');
  const { stanzas, broken } = parseStanzas(text);
  const packages: PackageRecord[] = [];
  const damage: string[] = broken > 0 ? [`${broken} of its lines are no fields`] : [];
  for (const stanza of stanzas) {
    const record = toRecord(stanza);
    if (typeof record === 'string') damage.push(record);
    else if (record !== undefined) packages.push(record);
  }
  if (stanzas.length === 0 && text.trim() !== '') damage.push('it holds no package');
  return [{ kind: 'packages', path, packages }, ...damageGaps(path, damage)];
}

/** The package of a stanza, undefined where it is not installed, or what is wrong with the stanza. */
function toRecord(stanza: Stanza): PackageRecord | string | undefined {
  const name = stanza.get('package');
  const version = stanza.get('version');
  if (name === undefined) return 'an entry has no Package field';
  if (!isPresent(stanza.get('status'))) return undefined;
  if (!packageName.test(name)) return `${JSON.stringify(name.slice(0, 80))} is no package name`;
  if (version === undefined || !packageVersion.test(version)) return `the version of ${name} is missing or malformed`;
  const architecture = stanza.get('architecture');
  const source = toSource(stanza.get('source'), version);
  const maintainer = toStatement(stanza.get('maintainer') ?? '', 200);
  return {
    type: 'deb',
    name,
    version,
    ...(source === undefined ? {} : { source }),
    ...(architecture !== undefined && packageName.test(architecture) ? { architecture } : {}),
    ...(maintainer === '' ? {} : { maintainer }),
  };
}

/** Debian policy 5.6.7 and 5.6.12, less strict in letter case and length as dpkg itself is. */
const packageName = /^[A-Za-z0-9][A-Za-z0-9.+_-]{0,250}$/;
const packageVersion = /^[A-Za-z0-9][A-Za-z0-9.+:~_-]{0,250}$/;

/**
 * Whether the files of a package lie on the disk. Of dpkg's states (dpkg(1), "Package states") all but `not-installed` and `config-files`
 * leave them there; `installed` alone, as osv-scalibr has it, would overlook a package that failed to configure, and `deinstall` in the first
 * word, which syft and trivy go by, is only what somebody wants. No Status at all (distroless, and tools that write the file) is installed.
 */
function isPresent(status: string | undefined): boolean {
  if (status === undefined || status === '') return true;
  const state = status.split(/\s+/)[2];
  return state !== 'not-installed' && state !== 'config-files';
}

/** `Source: name` or `Source: name (version)`; without it the source package has the binary package's name and version. */
function toSource(field: string | undefined, version: string): PackageRecord['source'] {
  const match = /^([A-Za-z0-9][A-Za-z0-9.+_-]{0,250})(?:\s+\(([A-Za-z0-9][A-Za-z0-9.+:~_-]{0,250})\))?$/.exec(field ?? '');
  return match?.[1] === undefined ? undefined : { name: match[1], version: match[2] ?? version };
}
