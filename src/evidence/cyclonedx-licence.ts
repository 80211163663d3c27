import { joinExpressions, type Stated, toLicences } from './licence.ts';

/** https://cyclonedx.org/docs/1.6/json/#components_items_licenses */
export type LicenceChoice =
  | { readonly license: { readonly id: string; readonly acknowledgement: 'declared' } }
  | { readonly license: { readonly name: string; readonly acknowledgement: 'declared' } }
  | { readonly expression: string; readonly acknowledgement: 'declared' };

/**
 * What a package states as its licences. The schema takes one expression, or any number of ids and names: so several are one expression where
 * all of them are valid and one is an expression, and where one is not, each expression stands as a name.
 */
export function toLicenceChoices(stated: Stated): readonly LicenceChoice[] {
  const licences = toLicences(stated);
  const isListed = licences.every(({ kind }) => kind !== 'name');
  if (isListed && licences.some(({ kind }) => kind === 'expression')) {
    return [{ expression: joinExpressions(licences.map(({ text }) => text)), acknowledgement: 'declared' }];
  }
  return licences.map(({ kind, text }): LicenceChoice => {
    const acknowledgement = 'declared';
    return kind === 'id' ? { license: { id: text, acknowledgement } } : { license: { name: text, acknowledgement } };
  });
}
