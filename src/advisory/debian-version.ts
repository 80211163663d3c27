import { compareDigits, type VersionOrder, versionLengthLimit } from './version-order.ts';

/**
 * dpkg's order (deb-version(7); lib/dpkg/parsehelp.c and version.c). What dpkg refuses cannot be compared; what it only warns of (a version
 * that begins with a letter, odd ASCII characters) is compared as dpkg does.
 */
export const debianVersionOrder: VersionOrder = {
  isVersion: (text) => parseDebianVersion(text) !== undefined,
  compare(a, b) {
    const left = parseDebianVersion(a);
    const right = parseDebianVersion(b);
    if (left === undefined || right === undefined) {
      return undefined;
    }
    return (
      compareDigits(left.epoch, right.epoch) || compareParts(left.upstream, right.upstream) || compareParts(left.revision, right.revision)
    );
  },
};

interface DebianVersion {
  readonly epoch: string;
  readonly upstream: string;
  readonly revision: string;
}

const printable = /^[!-~]+$/;
/** dpkg reads the epoch with strtol, which takes a sign. */
const epochPattern = /^\+?([0-9]+)$/;
const epochLimit = 2 ** 31 - 1;

function parseDebianVersion(text: string): DebianVersion | undefined {
  const trimmed = text.trim();
  if (trimmed.length > versionLengthLimit || !printable.test(trimmed)) {
    return undefined;
  }
  const colon = trimmed.indexOf(':');
  const epoch = colon < 0 ? '0' : epochPattern.exec(trimmed.slice(0, colon))?.[1];
  if (epoch === undefined || Number(epoch) > epochLimit) {
    return undefined;
  }
  const rest = trimmed.slice(colon + 1);
  const hyphen = rest.lastIndexOf('-');
  const upstream = hyphen < 0 ? rest : rest.slice(0, hyphen);
  const revision = hyphen < 0 ? '' : rest.slice(hyphen + 1);
  return upstream === '' || (hyphen >= 0 && revision === '') ? undefined : { epoch, upstream, revision };
}

/** Runs of other characters and runs of digits in turn, as dpkg's verrevcmp reads them. */
function compareParts(a: string, b: string): number {
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    while ((i < a.length && !isDigit(a, i)) || (j < b.length && !isDigit(b, j))) {
      const difference = rank(a, i) - rank(b, j);
      if (difference !== 0) {
        return difference;
      }
      i += 1;
      j += 1;
    }
    const left = digitsAt(a, i);
    const right = digitsAt(b, j);
    const difference = compareDigits(left, right);
    if (difference !== 0) {
      return difference;
    }
    i += left.length;
    j += right.length;
  }
  return 0;
}

/** `~` sorts before the end of the part, letters before all else. */
function rank(text: string, index: number): number {
  const character = text.charAt(index);
  if (character === '' || isDigit(text, index)) {
    return 0;
  }
  if (character === '~') {
    return -1;
  }
  const code = character.charCodeAt(0);
  return (code >= 65 && code <= 90) || (code >= 97 && code <= 122) ? code : code + 256;
}

function isDigit(text: string, index: number): boolean {
  const code = text.charCodeAt(index);
  return code >= 48 && code <= 57;
}

function digitsAt(text: string, start: number): string {
  let end = start;
  while (isDigit(text, end)) {
    end += 1;
  }
  return text.slice(start, end);
}
