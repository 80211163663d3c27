/** How .NET's strings behave where the runners' parsers rely on it. */

/** `string.TrimStart()`: char.IsWhiteSpace. */
export function trimStart(text: string): string {
  return text.replace(/^[\u0009-\u000d\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/, '');
}

export function trim(text: string): string {
  return trimStart(text).replace(/[\u0009-\u000d\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+$/, '');
}

/**
 * `IndexOf(string)` with the current culture, as ICU compares: characters without weight are skipped, so a needle is found with any number of
 * them in between. Gives the start of the match and its length, or undefined.
 */
export function cultureIndexOf(text: string, needle: string, from = 0): { readonly index: number; readonly length: number } | undefined {
  const weightless = '[\\p{Cc}\\p{Cf}\\p{Default_Ignorable_Code_Point}]*';
  const pattern = [...needle].map((character) => character.replace(/[[\]]/g, '\\$&')).join(weightless);
  const match = new RegExp(pattern, 'u').exec(text.slice(from));
  return match ? { index: from + match.index, length: match[0].length } : undefined;
}

/** `Split(separator, RemoveEmptyEntries)`. */
export function splitNonEmpty(text: string, separator: string): string[] {
  return text.split(separator).filter((part) => part !== '');
}

/** `Split(separator, 2, RemoveEmptyEntries)`: leading separators are skipped, those before the remainder too. */
export function splitInTwo(text: string, separator: string): string[] {
  let rest = text;
  while (rest.startsWith(separator)) rest = rest.slice(separator.length);
  if (rest === '') return [];
  const at = rest.indexOf(separator);
  if (at < 0) return [rest];
  let second = rest.slice(at + separator.length);
  while (second.startsWith(separator)) second = second.slice(separator.length);
  return second === '' ? [rest.slice(0, at)] : [rest.slice(0, at), second];
}

/** `StreamReader.ReadLine`, with which both runners read a step's output: CR, LF and CRLF each end a line. */
export function readLines(output: string): string[] {
  const lines = output.split(/\r\n|\r|\n/);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

export function replaceAll(text: string, mappings: readonly (readonly [token: string, replacement: string])[]): string {
  return mappings.reduce((unescaped, [token, replacement]) => unescaped.replaceAll(replacement, token), text);
}
