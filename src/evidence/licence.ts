import parseExpression from 'spdx-expression-parse';
import deprecatedIds from 'spdx-license-ids/deprecated.json' with { type: 'json' };
import licenceIds from 'spdx-license-ids/index.json' with { type: 'json' };
import type { PackageRecord } from '../model/package.ts';
import { fromDebianName } from './debian-licence.ts';

/** What a package states: an id of the SPDX list, in the list's spelling whatever the package's; a valid SPDX expression; or just a name. */
export type Licence =
  | { readonly kind: 'id'; readonly text: string }
  | { readonly kind: 'expression'; readonly text: string }
  | { readonly kind: 'name'; readonly text: string };

/** What of a package says under which licences it is. */
export type Stated = Pick<PackageRecord, 'type' | 'licence'>;

/** Each licence that a package states, once. All of several hold. */
export function toLicences({ type, licence = [] }: Stated): readonly Licence[] {
  const stated = (typeof licence === 'string' ? [licence] : licence).map((text) => text.trim()).filter((text) => text !== '');
  const texts = type === 'deb' ? stated.map((text) => fromDebianName(text, ids)) : type === 'apk' ? stated.flatMap(splitWords) : stated;
  return [...new Map(texts.map(toLicence).map((item) => [item.text, item])).values()];
}

/** Alpine's packages of old put several licences side by side: `MIT BSD GPL2+`. */
function splitWords(text: string): readonly string[] {
  const words = text.split(/\s+/);
  return !isExpression(text) && words.some((word) => ids.has(word.toLowerCase())) && !/\b(?:AND|OR|WITH)\b/i.test(text) ? words : [text];
}

function toLicence(text: string): Licence {
  const id = ids.get(text.toLowerCase());
  if (id !== undefined) return { kind: 'id', text: id };
  return isExpression(text) ? { kind: 'expression', text } : { kind: 'name', text };
}

const ids: ReadonlyMap<string, string> = new Map([...deprecatedIds, ...licenceIds].map((id) => [id.toLowerCase(), id]));

/** The parser descends into parentheses by recursion; no licence is stated at such length. */
const maxExpressionCharacters = 2000;

function isExpression(text: string): boolean {
  if (text.length > maxExpressionCharacters) return false;
  try {
    parseExpression(text);
    return true;
  } catch {
    return false;
  }
}

/** An expression that says that all hold. A lone one stays as it is. */
export function joinExpressions(expressions: readonly string[]): string {
  if (expressions.length === 1) return expressions[0] ?? '';
  return expressions.map((text) => (/\s(?:OR|AND)\s/i.test(text) ? `(${text})` : text)).join(' AND ');
}
