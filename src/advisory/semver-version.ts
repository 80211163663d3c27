import { compareDigits, compareText, type VersionOrder, versionLengthLimit } from './version-order.ts';

/**
 * The order of Semantic Versioning 2.0.0 (https://semver.org/#spec-item-11), with numbers of any length. What records hold besides strict versions
 * is read as well: a leading `v`, leading zeros (`2021.01.30`) and versions of one or two numbers, whose missing ones are 0.
 */
export const semverVersionOrder: VersionOrder = {
  isVersion: (text) => parseSemver(text) !== undefined,
  compare(a, b) {
    const left = parseSemver(a);
    const right = parseSemver(b);
    return left === undefined || right === undefined ? undefined : compareSemver(left, right);
  },
};

export interface Semver {
  readonly numbers: readonly string[];
  /** Identifiers of a pre-release; none for a release. */
  readonly pre: readonly string[];
}

const pattern =
  /^v?([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/;

export function parseSemver(text: string): Semver | undefined {
  const match = text.length > versionLengthLimit ? null : pattern.exec(text);
  if (match === null) return undefined;
  const [, major = '0', minor = '0', patch = '0', pre] = match;
  return { numbers: [major, minor, patch], pre: pre?.split('.') ?? [] };
}

export function compareSemver(a: Semver, b: Semver): number {
  for (const [index, number] of a.numbers.entries()) {
    const difference = compareDigits(number, b.numbers[index] ?? '0');
    if (difference !== 0) return difference;
  }
  if (a.pre.length === 0 || b.pre.length === 0) return Number(a.pre.length === 0) - Number(b.pre.length === 0);
  return comparePreReleases(a.pre, b.pre);
}

function comparePreReleases(a: readonly string[], b: readonly string[]): number {
  for (const [index, left] of a.entries()) {
    const right = b[index];
    const difference = right === undefined ? 1 : compareIdentifiers(left, right);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

function compareIdentifiers(a: string, b: string): number {
  const [isLeftNumber, isRightNumber] = [isNumber(a), isNumber(b)];
  if (isLeftNumber && isRightNumber) return compareDigits(a, b);
  return Number(isRightNumber) - Number(isLeftNumber) || compareText(a, b);
}

function isNumber(identifier: string): boolean {
  return /^[0-9]+$/.test(identifier);
}
