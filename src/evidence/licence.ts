import parseExpression from 'spdx-expression-parse';
import deprecatedIds from 'spdx-license-ids/deprecated.json' with { type: 'json' };
import licenceIds from 'spdx-license-ids/index.json' with { type: 'json' };

/** What a package states: an id of the SPDX list, in the list's spelling whatever the package's; a valid SPDX expression; or just a name. */
export type Licence =
  | { readonly kind: 'id'; readonly text: string }
  | { readonly kind: 'expression'; readonly text: string }
  | { readonly kind: 'name'; readonly text: string };

/** One for each licence that a package states. All of several hold. */
export function toLicences(stated: string | readonly string[] | undefined): readonly Licence[] {
  const texts = typeof stated === 'string' ? [stated] : (stated ?? []);
  return texts.map((text) => text.trim()).flatMap((text) => (text === '' ? [] : [toLicence(text)]));
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
