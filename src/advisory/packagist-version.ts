import { compareDigits, type VersionOrder, versionLengthLimit } from './version-order.ts';

/**
 * Composer's order: composer/semver's normalisation (https://getcomposer.org/doc/articles/versions.md), then PHP's version_compare
 * (https://www.php.net/version_compare). A branch without a number (`dev-main`) is no version. What Composer refuses, some records have as a boundary
 * all the same (`8.x-1.3`): it is compared as PHP compares it.
 */
export const packagistVersionOrder: VersionOrder = {
  isVersion: (text) => normalize(text) !== undefined,
  compare(a, b) {
    if (!isComparable(a) || !isComparable(b)) return a === b ? 0 : undefined;
    return compareComponents(toComponents(normalize(a) ?? a), toComponents(normalize(b) ?? b));
  },
};

/**
 * From where on a version is introduced: with its pre-releases, as Composer reads `>=2.0` (https://getcomposer.org/doc/articles/versions.md, "stability
 * constraints"). A version that is a pre-release itself, or that Composer refuses, stays as it is.
 */
export function toEarliestVersion(text: string): string {
  const normal = normalize(text);
  return normal === undefined || normal.includes('-') ? text : `${normal}-dev`;
}

function isComparable(text: string): boolean {
  return text.length <= versionLengthLimit && /[0-9]/.test(text) && !/^dev-/i.test(text.trim());
}

const modifier = '[._-]?(?:(stable|beta|b|rc|alpha|a|patch|pl|p)([.-]?[0-9]+(?:[.-][0-9]+)*)?)?([.-]?dev)?$';
const classical = new RegExp(`^v?([0-9]{1,5})(\\.[0-9]+)?(\\.[0-9]+)?(\\.[0-9]+)?${modifier}`, 'i');
const dated = new RegExp(`^v?([0-9]{4}(?:[.:-]?[0-9]{2}){1,6}(?:[.:-]?[0-9]{1,3})?)${modifier}`, 'i');
const branch = /^v?([0-9]+)(\.(?:[0-9]+|[xX*]))?(\.(?:[0-9]+|[xX*]))?(\.(?:[0-9]+|[xX*]))?$/i;
const stabilities: ReadonlyMap<string, string> = new Map([
  ['a', 'alpha'],
  ['b', 'beta'],
  ['p', 'patch'],
  ['pl', 'patch'],
  ['rc', 'RC'],
]);

/** Four numbers, a stability and `dev`, as VersionParser::normalize gives them; undefined for what it refuses, and for a branch without a number. */
function normalize(text: string): string | undefined {
  if (text.length > versionLengthLimit) return undefined;
  const version = text.trim().replace(/^([^,\s+]+)\+\S+$/, '$1');
  const numbers = classical.exec(version);
  if (numbers !== null) {
    const [, major = '', second = '.0', third = '.0', fourth = '.0', ...rest] = numbers;
    return major + second + third + fourth + toStability(rest);
  }
  const date = dated.exec(version);
  if (date !== null) return (date[1] ?? '').replace(/[^0-9]/g, '.') + toStability(date.slice(2));
  const name = /^(.*?)[.-]?dev$/i.exec(version)?.[1];
  const parts = name === undefined ? null : branch.exec(name.trim());
  if (parts === null) return undefined;
  const filled = [1, 2, 3, 4].map((index) => parts[index]?.replace(/[xX*]/, 'x') ?? '.x').join('');
  return `${filled.replaceAll('x', '9999999')}-dev`;
}

function toStability([name, number = '', dev]: readonly (string | undefined)[]): string {
  const stability = name?.toLowerCase();
  if (stability === 'stable') return '';
  const word = stability === undefined ? '' : `-${stabilities.get(stability) ?? stability}${number.replace(/^[.-]+/, '')}`;
  return word + (dev === undefined ? '' : '-dev');
}

function toComponents(text: string): readonly string[] {
  return text.match(/[0-9]+|[A-Za-z]+/g) ?? [];
}

/** By their beginning, in this order; any other word stands before them all. A number stands where `#` does. */
const forms: readonly (readonly [prefix: string, order: number])[] = [
  ['dev', 0],
  ['a', 1],
  ['b', 2],
  ['RC', 3],
  ['rc', 3],
  ['#', 4],
  ['p', 5],
];

function compareComponents(a: readonly string[], b: readonly string[]): number {
  for (let index = 0; index < Math.min(a.length, b.length); index += 1) {
    const [left, right] = [a[index] ?? '', b[index] ?? ''];
    const difference = isNumber(left) && isNumber(right) ? compareDigits(left, right) : toOrder(left) - toOrder(right);
    if (difference !== 0) return difference;
  }
  const [longer, sign] = a.length > b.length ? [a[b.length], 1] : [b[a.length], -1];
  if (longer === undefined) return 0;
  return isNumber(longer) ? sign : sign * (toOrder(longer) - toOrder('#'));
}

function isNumber(component: string): boolean {
  return /^[0-9]/.test(component);
}

function toOrder(component: string): number {
  const form = isNumber(component) ? '#' : component;
  return forms.find(([prefix]) => form.startsWith(prefix))?.[1] ?? -1;
}
