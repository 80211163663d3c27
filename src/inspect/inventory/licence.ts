import { toStatement } from './stanza.ts';

/** What to add to a package record for the licences that its file states: each is a choice, as npm, Composer and RubyGems read their lists. */
export function statedLicence(names: readonly string[]): { readonly licence?: string } {
  const stated = names.flatMap((name) => (name.trim() === '' ? [] : [toStatement(name.trim(), 200)])).slice(0, 10);
  if (stated.length === 0) return {};
  return { licence: stated.length === 1 ? stated.join('') : stated.map(toOperand).join(' OR ') };
}

/** `A AND B` binds tighter than `OR`, so an expression stands for itself; only what holds a choice within keeps its bounds. */
function toOperand(name: string): string {
  return / WITH | AND | OR /.test(name) && !/^\(.*\)$/.test(name) ? `(${name})` : name;
}
