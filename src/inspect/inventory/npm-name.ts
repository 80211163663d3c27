import semver from 'semver';
import type { PackageRecord } from '../../model/package.ts';
import { statedLicence } from './licence.ts';

/** The record of an npm package, undefined where name or version cannot have come from a registry. */
export function toNpmRecord(name: unknown, version: unknown, licences: readonly string[] = []): PackageRecord | undefined {
  const stated = toVersion(version);
  if (stated === undefined || typeof name !== 'string' || !isPackageName(name)) return undefined;
  return { type: 'npm', name, version: stated, ...statedLicence(licences) };
}

/** npm's rules for names that exist (validate-npm-package-name, `validForOldPackages`). */
function isPackageName(name: string): boolean {
  if (name.length > 214 || /^[._]/.test(name)) return false;
  return /^(?:@[\w.!~*'()-]+\/)?[\w.!~*'()-]+$/.test(name);
}

/** npm takes `v1.2.3` and `=1.2.3` too. */
function toVersion(version: unknown): string | undefined {
  if (typeof version !== 'string' || version.length > 256) return undefined;
  const stated = version.trim().replace(/^[=v\s]+/, '');
  return semver.valid(stated, { loose: true }) === null ? undefined : stated;
}

/** Cuts `NAME@VERSION`, also of a scoped name; undefined where there is no `@` after the name. */
export function splitNpmId(id: string): readonly [name: string, version: string] | undefined {
  const at = id.indexOf('@', 1);
  return at === -1 ? undefined : [id.slice(0, at), id.slice(at + 1)];
}
