import semver from 'semver';
import type { Observation } from '../../model/observation.ts';
import type { FileReader } from './file-inspector.ts';
import { toStatement } from './stanza.ts';

const rootPath = /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/@.][^/]*)\/package\.json$/;
const yarnPath = /^opt\/(yarn)-v[^/]+\/package\.json$/;

/**
 * Installed npm packages: each `package.json` that stands at the root of a package in a `node_modules` folder at any depth, where Node looks for
 * it (also npm's own, pnpm's and global ones), and Yarn where the official Node images unpack it. Others, which syft and osv-scanner also take,
 * are a package's test fixtures, its `{"type": "module"}` markers or the application itself: nothing that npm has installed.
 */
export const nodePackageReader: FileReader = {
  name: 'node-packages',
  weight: 'database',
  isWanted: (path) => path.endsWith('/package.json') && (rootPath.test(path) || yarnPath.test(path)),
  read: readPackage,
};

function readPackage(path: string, content: Buffer): readonly Observation[] {
  const manifest = parseManifest(content);
  const folder = (rootPath.exec(path) ?? yarnPath.exec(path))?.[1] ?? '';
  const name = typeof manifest.name === 'string' && manifest.name !== '' ? manifest.name : folder;
  const version = toVersion(manifest.version);
  if (version === undefined || !isPackageName(name)) return [];
  const licence = toLicence(manifest.license) ?? toLicence(manifest.licenses);
  return [{ kind: 'packages', path, packages: [{ type: 'npm', name, version, ...(licence === undefined ? {} : { licence }) }] }];
}

function parseManifest(content: Buffer): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(content.toString('utf8').replace(/^\uFEFF/, ''));
  } catch {
    throw new Error('it is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('it is not a JSON object');
  return value as Record<string, unknown>;
}

/** npm's rules for names that exist (validate-npm-package-name, `validForOldPackages`). */
function isPackageName(name: string): boolean {
  if (name.length > 214 || /^[._]/.test(name)) return false;
  return /^(?:@[\w.!~*'()-]+\/)?[\w.!~*'()-]+$/.test(name);
}

/** npm takes `v1.2.3` and `=1.2.3` too; what is no version at all cannot have come from a registry. */
function toVersion(version: unknown): string | undefined {
  if (typeof version !== 'string' || version.length > 256) return undefined;
  const stated = version.trim().replace(/^[=v\s]+/, '');
  return semver.valid(stated, { loose: true }) === null ? undefined : stated;
}

/** `license` is an SPDX expression today; it was an object, or a list of them, in old packages. */
function toLicence(field: unknown): string | undefined {
  const licences = (Array.isArray(field) ? field : [field]).flatMap((licence: unknown) => {
    const name = typeof licence === 'object' && licence !== null && 'type' in licence ? licence.type : licence;
    return typeof name === 'string' && name !== '' ? [toStatement(name, 200)] : [];
  });
  return licences.length === 0 ? undefined : licences.slice(0, 10).join(' OR ');
}
