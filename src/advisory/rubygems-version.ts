import { compareDigits, compareText, type VersionOrder, versionLengthLimit } from './version-order.ts';

/** The order of Ruby's Gem::Version (https://docs.ruby-lang.org/en/master/Gem/Version.html): `1.0.a` and `1.0-a` are pre-releases of `1.0`. */
export const rubygemsVersionOrder: VersionOrder = {
  isVersion: (text) => parseGemVersion(text) !== undefined,
  compare(a, b) {
    const left = parseGemVersion(a);
    const right = parseGemVersion(b);
    return left === undefined || right === undefined ? undefined : compareSegments(left, right);
  },
};

const pattern = /^[0-9]+(?:\.[0-9a-zA-Z]+)*(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/;

/** Runs of digits and of letters; zeros at the end of the numbers, and at the end of all, say nothing. */
function parseGemVersion(text: string): readonly string[] | undefined {
  if (text.length > versionLengthLimit || !pattern.test(text)) return undefined;
  const segments = text.replaceAll('-', '.pre.').match(/[0-9]+|[A-Za-z]+/g) ?? [];
  const firstWord = segments.findIndex((segment) => !isNumber(segment));
  const split = firstWord < 0 ? segments.length : firstWord;
  return [...withoutZeros(segments.slice(0, split)), ...withoutZeros(segments.slice(split))];
}

function withoutZeros(segments: readonly string[]): readonly string[] {
  return segments.slice(0, segments.findLastIndex((segment) => !/^0+$/.test(segment)) + 1);
}

function compareSegments(a: readonly string[], b: readonly string[]): number {
  for (let index = 0; index < Math.max(a.length, b.length); index += 1) {
    const [left, right] = [a[index] ?? '0', b[index] ?? '0'];
    const [isLeftNumber, isRightNumber] = [isNumber(left), isNumber(right)];
    if (isLeftNumber !== isRightNumber) return Number(isLeftNumber) - Number(isRightNumber);
    const difference = isLeftNumber ? compareDigits(left, right) : compareText(left, right);
    if (difference !== 0) return difference;
  }
  return 0;
}

function isNumber(segment: string): boolean {
  return /^[0-9]/.test(segment);
}
