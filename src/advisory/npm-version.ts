import { compare, parse, type SemVer } from 'semver';
import { type VersionOrder, versionLengthLimit } from './version-order.ts';

/**
 * node-semver's order (semver.org, section 11). What records and old packages hold besides strict versions is read as well: `v1.2.3`, `=1.2.3`,
 * `1.2.3beta` (node-semver's loose form) and versions of one or two numbers, whose missing ones are 0.
 */
export const npmVersionOrder: VersionOrder = {
  isVersion: (text) => parseNpmVersion(text) !== undefined,
  compare(a, b) {
    const left = parseNpmVersion(a);
    const right = parseNpmVersion(b);
    return left === undefined || right === undefined ? undefined : compare(left, right);
  },
};

const short = /^[v=\s]*([0-9]+)(?:\.([0-9]+))?(?=$|[-+])/;

function parseNpmVersion(text: string): SemVer | undefined {
  if (text.length > versionLengthLimit) {
    return undefined;
  }
  const full = text.trim().replace(short, (_, major: string, minor = '0') => `${major}.${minor}.0`);
  return parse(full) ?? parse(full, { loose: true }) ?? undefined;
}
