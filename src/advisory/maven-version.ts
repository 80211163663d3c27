import { compareDigits, compareText, type VersionOrder, versionLengthLimit } from './version-order.ts';

/**
 * The order of Maven's ComparableVersion (https://maven.apache.org/pom.html#version-order-specification, as Maven 3.9 implements it). Any printable
 * text is a version to Maven; one with a property that nobody filled in (`${revision}`) is none to us.
 */
export const mavenVersionOrder: VersionOrder = {
  isVersion,
  compare: (a, b) => (isVersion(a) && isVersion(b) ? compareLists(parseMavenVersion(a), parseMavenVersion(b)) : undefined),
};

function isVersion(text: string): boolean {
  return text.length <= versionLengthLimit && /^[!-~]+$/.test(text) && !text.includes('${');
}

/** A number, a word, or what follows a hyphen or a change between digits and letters. */
type Item = Numeral | Qualifier | List;
interface Numeral {
  readonly kind: 'number';
  readonly digits: string;
}
interface Qualifier {
  readonly kind: 'word';
  readonly word: string;
}
interface List {
  readonly kind: 'list';
  readonly items: Item[];
}

const zero: Numeral = { kind: 'number', digits: '' };

/** Reads a version as lists within lists, each the last item of the one around it, and takes trailing items off that mean nothing. */
function parseMavenVersion(text: string): List {
  const lists: List[] = [{ kind: 'list', items: [] }];
  const innermost = (): Item[] => lists.at(-1)?.items ?? [];
  const nest = (): void => {
    const list: List = { kind: 'list', items: [] };
    innermost().push(list);
    lists.push(list);
  };
  for (const { part, end } of splitParts(text.toLowerCase())) {
    const isWord = part !== '' && !/^[0-9]/.test(part);
    // `1.0.0.X1` is read as `1.0.0-X1`.
    if (isWord && (end === 'digit' || end === 'end') && innermost().length > 0) nest();
    innermost().push(isWord ? toQualifier(part, end === 'digit') : part === '' ? zero : { kind: 'number', digits: withoutZeros(part) });
    if (end === 'hyphen' || end === 'digit' || end === 'letter') nest();
  }
  for (const { items } of lists.reverse()) removeTrailing(items);
  return lists.at(-1) ?? { kind: 'list', items: [] };
}

type End = 'dot' | 'hyphen' | 'digit' | 'letter' | 'end';

/** Runs of digits and of anything else, with what ends each. A run that is empty stands for 0, but not at the end of the text. */
function splitParts(text: string): { part: string; end: End }[] {
  const parts: { part: string; end: End }[] = [];
  for (const match of text.matchAll(/([0-9]+|[^0-9.-]+|)([.-]?)/g)) {
    const [whole, part = '', separator] = match;
    const offset = match.index + whole.length;
    const isLast = offset === text.length;
    if (separator === '') {
      if (part !== '') parts.push({ part, end: isLast ? 'end' : /[0-9]/.test(text.charAt(offset)) ? 'digit' : 'letter' });
    } else {
      parts.push({ part, end: separator === '.' ? 'dot' : 'hyphen' });
    }
  }
  return parts;
}

const qualifiers = ['alpha', 'beta', 'milestone', 'rc', 'snapshot', '', 'sp'];
const aliases: ReadonlyMap<string, string> = new Map([
  ['ga', ''],
  ['final', ''],
  ['release', ''],
  ['cr', 'rc'],
]);
const shortQualifiers: ReadonlyMap<string, string> = new Map([
  ['a', 'alpha'],
  ['b', 'beta'],
  ['m', 'milestone'],
]);

function toQualifier(text: string, isFollowedByDigit: boolean): Qualifier {
  const word = (isFollowedByDigit ? shortQualifiers.get(text) : undefined) ?? text;
  return { kind: 'word', word: aliases.get(word) ?? word };
}

function withoutZeros(digits: string): string {
  return digits.replace(/^0+/, '');
}

function removeTrailing(items: Item[]): void {
  for (let index = items.length - 1; index >= 0; index -= 1) {
    const item = items[index];
    if (item === undefined) continue;
    if (isNothing(item)) items.splice(index, 1);
    else if (item.kind !== 'list') return;
  }
}

function isNothing(item: Item): boolean {
  return item.kind === 'number' ? item.digits === '' : item.kind === 'word' ? item.word === '' : item.items.length === 0;
}

function compareLists(a: List, b: List): number {
  for (let index = 0; index < Math.max(a.items.length, b.items.length); index += 1) {
    const difference = compareItems(a.items[index], b.items[index]);
    if (difference !== 0) return difference;
  }
  return 0;
}

const kindOrder: readonly Item['kind'][] = ['word', 'list', 'number'];

function compareItems(a: Item | undefined, b: Item | undefined): number {
  if (a === undefined) return b === undefined ? 0 : -compareToNothing(b);
  if (b === undefined) return compareToNothing(a);
  if (a.kind === 'number' && b.kind === 'number') return compareDigits(a.digits, b.digits);
  if (a.kind === 'word' && b.kind === 'word') return compareWords(a.word, b.word);
  if (a.kind === 'list' && b.kind === 'list') return compareLists(a, b);
  return kindOrder.indexOf(a.kind) - kindOrder.indexOf(b.kind);
}

function compareToNothing(item: Item): number {
  if (item.kind === 'number') return item.digits === '' ? 0 : 1;
  if (item.kind === 'word') return compareWords(item.word, '');
  for (const inner of item.items) {
    const difference = compareToNothing(inner);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Known qualifiers in their order, then all others by their text. */
function compareWords(a: string, b: string): number {
  const [left, right] = [a, b].map((word) => (qualifiers.includes(word) ? qualifiers.indexOf(word) : qualifiers.length));
  return (left ?? 0) - (right ?? 0) || compareText(a, b);
}
