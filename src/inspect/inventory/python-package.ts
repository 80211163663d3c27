import type { Observation } from '../../model/observation.ts';
import type { FileReader } from './file-inspector.ts';
import { isPythonMetadata } from './language-file.ts';
import { isProjectName, isProjectVersion, toProjectName } from './python-name.ts';
import { parseStanzas, type Stanza, toStatement } from './stanza.ts';

/**
 * Installed Python packages: `*.dist-info/METADATA`, `*.egg-info/PKG-INFO`, `*.egg-info` files and `EGG-INFO/PKG-INFO`
 * (https://packaging.python.org/en/latest/specifications/core-metadata/). What the metadata leave out, the folder's name says.
 */
export const pythonPackageReader: FileReader = {
  name: 'python-packages',
  weight: 'database',
  isWanted: isPythonMetadata,
  read: readMetadata,
};

function readMetadata(path: string, content: Buffer): readonly Observation[] {
  const { stanzas } = parseStanzas(content.toString('utf8', 0, headerLimitBytes), 1);
  const stanza: Stanza = stanzas[0] ?? new Map();
  const folder = /(?:^|\/)([^/]+?)(?:-([^-/]+?))?(?:-py\d[^/]*)?\.(?:dist|egg)-info(?:\/|$)/.exec(path);
  const name = firstOf(stanza, 'name', isProjectName) ?? folder?.[1];
  const version = firstOf(stanza, 'version', isProjectVersion) ?? folder?.[2];
  if (name === undefined || !isProjectName(name)) throw new Error('it has no valid Name');
  if (version === undefined || !isProjectVersion(version)) throw new Error(`it has no valid Version of ${name}`);
  const licence = toLicence(stanza);
  const record = { type: 'pypi' as const, name: toProjectName(name), version, ...(licence === undefined ? {} : { licence }) };
  return [{ kind: 'packages', path, packages: [record] }];
}

/** The header ends at the first empty line; a description follows that can be long. */
const headerLimitBytes = 1024 * 1024;

function firstOf(stanza: Stanza, field: string, isValid: (value: string) => boolean): string | undefined {
  const value = stanza.get(field)?.split('\n', 1)[0];
  return value !== undefined && isValid(value) ? value : undefined;
}

/** `License-Expression` (PEP 639), else the `License` where it is a name and not its text, else the classifiers. */
function toLicence(stanza: Stanza): string | undefined {
  for (const field of ['license-expression', 'license']) {
    const value = stanza.get(field);
    if (value !== undefined && value.length <= 100 && !value.includes('\n') && value !== '' && value !== 'UNKNOWN') return value;
  }
  const classifiers = (stanza.get('classifier') ?? '').split('\n').filter((classifier) => classifier.startsWith('License ::'));
  const names = classifiers.map((classifier) => toStatement(classifier.slice(classifier.lastIndexOf('::') + 2).trim(), 100));
  return names.length === 0 ? undefined : names.slice(0, 10).join(' OR ');
}
