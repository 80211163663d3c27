/** How one ecosystem orders its versions. Linear in the length of the texts, which come from images and advisories. */
export interface VersionOrder {
  /** Whether a package of this version can be held against ranges at all. */
  isVersion(text: string): boolean;
  /** Negative, 0 or positive; undefined where the two cannot be compared, which is never the same as equal. */
  compare(a: string, b: string): number | undefined;
}

/** Longest version that is compared; the longest of the OSV database has some 80 characters. */
export const versionLengthLimit = 512;

/** Orders two runs of decimal digits by value, whatever their length. */
export function compareDigits(a: string, b: string): number {
  const left = a.replace(leadingZeros, '');
  const right = b.replace(leadingZeros, '');
  return left.length - right.length || compareText(left, right);
}

/** Orders by UTF-16 code unit, which for ASCII is strcmp's order. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

const leadingZeros = /^0+/;
