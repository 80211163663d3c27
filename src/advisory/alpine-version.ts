import { compareDigits, compareText, type VersionOrder, versionLengthLimit } from './version-order.ts';

/**
 * The order of apk-tools 3 (apk-package(5), "Package version"; src/version.c): `digits{.digits}{letter}{_suffix{digits}}{~hash}{-rdigits}`.
 * Where a part that apk calls invalid would decide, the two cannot be compared; where a part before it decides, they can. A number after the letter
 * (`8u372`, an OpenJDK of Alpaquita) is invalid to apk 3 and read as apk 2 reads it.
 */
export const alpineVersionOrder: VersionOrder = {
  isVersion: (text) => alpineTokens(text).at(-1)?.rank === ranks.end,
  compare(a, b) {
    const left = alpineTokens(a);
    const right = alpineTokens(b);
    for (let index = 0; ; index += 1) {
      const one = left[index] ?? end;
      const other = right[index] ?? end;
      if (one.rank === ranks.invalid || other.rank === ranks.invalid) {
        return a === b ? 0 : undefined;
      }
      if (one.rank !== other.rank) {
        return compareLengths(one, other);
      }
      const difference = compareTokens(one, other);
      if (difference !== 0 || one.rank === ranks.end) {
        return difference;
      }
    }
  },
};

/** In the order in which the parts may follow each other; of two versions that are equal so far, the part of lower rank is the newer. */
const ranks = { first: 0, number: 1, letter: 2, suffix: 3, suffixNumber: 4, hash: 5, revision: 6, end: 7, invalid: 8 } as const;

interface Token {
  readonly rank: (typeof ranks)[keyof typeof ranks];
  readonly text: string;
}

const end: Token = { rank: ranks.end, text: '' };
const invalid: Token = { rank: ranks.invalid, text: '' };

const preReleases = ['alpha', 'beta', 'pre', 'rc'];
const suffixes = [...preReleases, 'cvs', 'svn', 'git', 'hg', 'p'];

/** One pattern for each kind of part, tried where the one before ended. `from` and `to` are the ranks that the part may follow. */
const grammar: readonly { readonly pattern: RegExp; readonly rank: Token['rank']; readonly from: number; readonly to: number }[] = [
  { pattern: /\.([0-9]+)/y, rank: ranks.number, from: ranks.first, to: ranks.number },
  { pattern: /([a-z])/y, rank: ranks.letter, from: ranks.first, to: ranks.number },
  { pattern: /([0-9]+)/y, rank: ranks.number, from: ranks.letter, to: ranks.letter },
  { pattern: /_([a-z]+)/y, rank: ranks.suffix, from: ranks.first, to: ranks.suffixNumber },
  { pattern: /([0-9]+)/y, rank: ranks.suffixNumber, from: ranks.suffix, to: ranks.suffix },
  { pattern: /~([0-9a-f]+)/y, rank: ranks.hash, from: ranks.first, to: ranks.suffixNumber },
  { pattern: /-r([0-9]+)/y, rank: ranks.revision, from: ranks.first, to: ranks.hash },
];

function alpineTokens(text: string): Token[] {
  const first = /^[0-9]+/.exec(text)?.[0];
  if (first === undefined || text.length > versionLengthLimit) {
    return [invalid];
  }
  const tokens: Token[] = [{ rank: ranks.first, text: first }];
  for (let offset = first.length; offset < text.length; ) {
    const previous = tokens.at(-1)?.rank ?? ranks.first;
    const next = tokenAt(text, offset, previous);
    if (next === undefined) {
      return [...tokens, invalid];
    }
    tokens.push(next.token);
    offset = next.offset;
  }
  return [...tokens, end];
}

function tokenAt(text: string, offset: number, previous: number): { token: Token; offset: number } | undefined {
  for (const { pattern, rank, from, to } of grammar) {
    pattern.lastIndex = offset;
    const value = previous >= from && previous <= to ? pattern.exec(text)?.[1] : undefined;
    if (value !== undefined) {
      return rank === ranks.suffix && !suffixes.includes(value) ? undefined : { token: { rank, text: value }, offset: pattern.lastIndex };
    }
  }
  return undefined;
}

function compareTokens(a: Token, b: Token): number {
  switch (a.rank) {
    case ranks.number:
      // A leading zero makes it a decimal fraction, as in Gentoo: 1.01 < 1.1.
      return a.text.startsWith('0') || b.text.startsWith('0') ? compareText(a.text, b.text) : compareDigits(a.text, b.text);
    case ranks.suffix:
      return suffixes.indexOf(a.text) - suffixes.indexOf(b.text);
    case ranks.letter:
    case ranks.hash:
      return compareText(a.text, b.text);
    default:
      return compareDigits(a.text, b.text);
  }
}

/** One version goes on where the other ends or goes on otherwise: the longer is the newer, unless it is a pre-release. */
function compareLengths(a: Token, b: Token): number {
  if (a.rank === ranks.suffix && preReleases.includes(a.text)) {
    return -1;
  }
  if (b.rank === ranks.suffix && preReleases.includes(b.text)) {
    return 1;
  }
  return b.rank - a.rank;
}
