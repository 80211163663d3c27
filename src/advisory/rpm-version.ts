import { compareDigits, compareText, type VersionOrder, versionLengthLimit } from './version-order.ts';

/**
 * rpm's order of `[EPOCH:]VERSION[-RELEASE]` (rpm-version(7); rpmio/rpmver.c and rpmvercmp.c). rpm takes any text; here a version is one without
 * spaces, for what has them is none.
 */
export const rpmVersionOrder: VersionOrder = {
  isVersion: (text) => parseRpmVersion(text) !== undefined,
  compare(a, b) {
    const left = parseRpmVersion(a);
    const right = parseRpmVersion(b);
    if (left === undefined || right === undefined) {
      return undefined;
    }
    return (
      compareDigits(left.epoch, right.epoch) || compareParts(left.version, right.version) || compareReleases(left.release, right.release)
    );
  },
};

interface RpmVersion {
  readonly epoch: string;
  readonly version: string;
  readonly release: string | undefined;
}

const printable = /^[!-~]+$/;
const epochPattern = /^([0-9]*):/;

function parseRpmVersion(text: string): RpmVersion | undefined {
  const trimmed = text.trim();
  if (trimmed.length > versionLengthLimit || !printable.test(trimmed)) {
    return undefined;
  }
  const stated = epochPattern.exec(trimmed);
  const rest = trimmed.slice(stated?.[0].length ?? 0);
  const hyphen = rest.lastIndexOf('-');
  const version = hyphen < 0 ? rest : rest.slice(0, hyphen);
  return version === '' ? undefined : { epoch: stated?.[1] ?? '', version, release: hyphen < 0 ? undefined : rest.slice(hyphen + 1) };
}

/** One without a release is below all that have one. */
function compareReleases(a: string | undefined, b: string | undefined): number {
  return a === undefined || b === undefined ? Number(a !== undefined) - Number(b !== undefined) : compareParts(a, b);
}

/** Runs of digits and of letters in turn; all else only sets them apart, but `~` (below the end) and `^` (above the end, below all else). */
function compareParts(a: string, b: string): number {
  let i = 0;
  let j = 0;
  for (;;) {
    i = skipSeparators(a, i);
    j = skipSeparators(b, j);
    const [left, right] = [a.charAt(i), b.charAt(j)];
    if (left === '' && right === '') {
      return 0;
    }
    if (left === '~' || right === '~' || left === '^' || right === '^') {
      const difference = rank(left) - rank(right);
      if (difference !== 0) {
        return difference;
      }
      i += 1;
      j += 1;
      continue;
    }
    if (left === '' || right === '') {
      return left === '' ? -1 : 1;
    }
    const [leftRun, rightRun] = [runAt(a, i), runAt(b, j)];
    const difference = compareRuns(leftRun, rightRun);
    if (difference !== 0) {
      return difference;
    }
    i += leftRun.length;
    j += rightRun.length;
  }
}

function rank(character: string): number {
  return character === '~' ? 0 : character === '' ? 1 : character === '^' ? 2 : 3;
}

/** A number is above any word. */
function compareRuns(a: string, b: string): number {
  const [isNumber, isOtherNumber] = [isDigit(a, 0), isDigit(b, 0)];
  if (isNumber !== isOtherNumber) {
    return isNumber ? 1 : -1;
  }
  return isNumber ? compareDigits(a, b) : compareText(a, b);
}

function skipSeparators(text: string, start: number): number {
  let at = start;
  while (at < text.length && !isDigit(text, at) && !isLetter(text, at) && text[at] !== '~' && text[at] !== '^') {
    at += 1;
  }
  return at;
}

function runAt(text: string, start: number): string {
  const isOfRun = isDigit(text, start) ? isDigit : isLetter;
  let end = start;
  while (isOfRun(text, end)) {
    end += 1;
  }
  return text.slice(start, end);
}

function isDigit(text: string, index: number): boolean {
  const code = text.charCodeAt(index);
  return code >= 48 && code <= 57;
}

function isLetter(text: string, index: number): boolean {
  const code = text.charCodeAt(index) | 32;
  return code >= 97 && code <= 122;
}
