import { compareDigits, compareText, type VersionOrder, versionLengthLimit } from './version-order.ts';

/**
 * The order of PEP 440 (https://packaging.python.org/en/latest/specifications/version-specifiers/). A legacy version (one that PEP 440 does
 * not know, such as `0.1-bulbasaur`) as the boundary of a range lies below all others, as pip had it and osv.dev has it; a package of a
 * legacy version cannot be held against a range, nor two legacy versions against each other.
 */
export const pypiVersionOrder: VersionOrder = {
  isVersion: (text) => parsePypiVersion(text) !== undefined,
  compare(a, b) {
    const left = parsePypiVersion(a);
    const right = parsePypiVersion(b);
    if (left !== undefined && right !== undefined) {
      return comparePypiVersions(left, right);
    }
    if (left === undefined && right === undefined) {
      return a === b ? 0 : undefined;
    }
    return left === undefined ? -1 : 1;
  },
};

/** The version without its local label (`2.0.1` of `2.0.1+cu118`): the fixes and flaws of a public version are those of its local builds. */
export function toPublicVersion(text: string): string {
  return text.split('+', 1)[0] ?? text;
}

interface PypiVersion {
  readonly epoch: string;
  readonly release: readonly string[];
  /** Letter and number; a letter that sorts where the part is absent. */
  readonly pre: readonly [letter: string, number: string];
  readonly post: string | undefined;
  readonly dev: string | undefined;
  readonly local: readonly string[];
}

/** Appendix "Parsing version strings with regular expressions" of the specification; every repetition is delimited, so it is linear. */
const pattern =
  /^v?(?:(?<epoch>[0-9]+)!)?(?<release>[0-9]+(?:\.[0-9]+)*)(?:[-_.]?(?<pre>alpha|a|beta|b|preview|pre|c|rc)[-_.]?(?<preNumber>[0-9]*))?(?:-(?<implicitPost>[0-9]+)|[-_.]?(?<post>post|rev|r)[-_.]?(?<postNumber>[0-9]*))?(?:[-_.]?(?<dev>dev)[-_.]?(?<devNumber>[0-9]*))?(?:\+(?<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?$/;

const preLetters: Readonly<Record<string, string>> = { alpha: 'a', a: 'a', beta: 'b', b: 'b', c: 'rc', rc: 'rc', pre: 'rc', preview: 'rc' };

function parsePypiVersion(text: string): PypiVersion | undefined {
  const groups = text.length > versionLengthLimit ? undefined : pattern.exec(text.trim().toLowerCase())?.groups;
  if (groups === undefined) {
    return undefined;
  }
  const { epoch, release = '', pre, preNumber, implicitPost, post, postNumber, dev, devNumber, local } = groups;
  const postRelease = implicitPost ?? (post === undefined ? undefined : postNumber || '0');
  const devRelease = dev === undefined ? undefined : devNumber || '0';
  return {
    epoch: epoch ?? '0',
    release: release.split('.'),
    pre: toPre(pre, preNumber, postRelease, devRelease),
    post: postRelease,
    dev: devRelease,
    local: local?.split(/[-_.]/) ?? [],
  };
}

/** Before all pre-releases stands a dev release of the final version, after them everything else without one. */
function toPre(
  letter: string | undefined,
  number: string | undefined,
  post: string | undefined,
  dev: string | undefined,
): [string, string] {
  if (letter !== undefined) {
    return [preLetters[letter] ?? letter, number || '0'];
  }
  return [post === undefined && dev !== undefined ? '' : 'z', '0'];
}

function comparePypiVersions(a: PypiVersion, b: PypiVersion): number {
  return (
    compareDigits(a.epoch, b.epoch) ||
    compareReleases(a.release, b.release) ||
    compareText(a.pre[0], b.pre[0]) ||
    compareDigits(a.pre[1], b.pre[1]) ||
    compareOptional(a.post, b.post, -1) ||
    compareOptional(a.dev, b.dev, 1) ||
    compareLocals(a.local, b.local)
  );
}

function compareReleases(a: readonly string[], b: readonly string[]): number {
  for (let index = 0; index < Math.max(a.length, b.length); index += 1) {
    const difference = compareDigits(a[index] ?? '0', b[index] ?? '0');
    if (difference !== 0) {
      return difference;
    }
  }
  return 0;
}

function compareOptional(a: string | undefined, b: string | undefined, absent: -1 | 1): number {
  if (a === undefined || b === undefined) {
    return a === b ? 0 : a === undefined ? absent : -absent;
  }
  return compareDigits(a, b);
}

/** Segment by segment: numbers above words, and of two that are equal so far the longer is the newer. */
function compareLocals(a: readonly string[], b: readonly string[]): number {
  for (const [index, left] of a.entries()) {
    const right = b[index];
    const difference = right === undefined ? 1 : compareSegments(left, right);
    if (difference !== 0) {
      return difference;
    }
  }
  return a.length - b.length;
}

function compareSegments(a: string, b: string): number {
  const numeric = /^[0-9]+$/;
  if (numeric.test(a) && numeric.test(b)) {
    return compareDigits(a, b);
  }
  return Number(numeric.test(a)) - Number(numeric.test(b)) || compareText(a, b);
}
