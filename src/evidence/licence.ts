import parseExpression from 'spdx-expression-parse';
import deprecatedIds from 'spdx-license-ids/deprecated.json' with { type: 'json' };
import licenceIds from 'spdx-license-ids/index.json' with { type: 'json' };

/** https://cyclonedx.org/docs/1.6/json/#components_items_licenses */
export type LicenceChoice =
  | { readonly license: { readonly id: string; readonly acknowledgement: 'declared' } }
  | { readonly license: { readonly name: string; readonly acknowledgement: 'declared' } }
  | { readonly expression: string; readonly acknowledgement: 'declared' };

/**
 * What a package states as its licence: an id of the SPDX list (in the list's spelling, whatever the package's), else a valid SPDX
 * expression, else a name. The schema refuses ids that are not of the list.
 */
export function toLicences(stated: string | undefined): readonly LicenceChoice[] {
  const text = stated?.trim() ?? '';
  if (text === '') return [];
  const id = ids.get(text.toLowerCase());
  if (id !== undefined) return [{ license: { id, acknowledgement: 'declared' } }];
  return [
    isExpression(text) ? { expression: text, acknowledgement: 'declared' } : { license: { name: text, acknowledgement: 'declared' } },
  ];
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
