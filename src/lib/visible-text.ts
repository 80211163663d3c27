const unseen = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/**
 * Hostile text as one line on which everything can be seen and nothing acts: control characters (line ends, ANSI escapes), bidirectional
 * overrides, invisible characters and lone surrogates are written out as `\n`, `\t`, `\u{202e}`.
 *
 * Invisible characters have to go for more than looks: .NET's culture-sensitive comparison, with which both runners look for their commands,
 * skips them, so that `#<zero width>#[error]` counts as `##[error]`.
 */
export function toVisibleLine(text: string): string {
  return text.replace(unseen, writeOut);
}

/** The same, line by line: line feeds stay. */
export function toVisibleLines(text: string): string {
  return text.split('\n').map(toVisibleLine).join('\n');
}

/** At most `max` UTF-16 units; what is cut off is marked by `…`, and no surrogate pair is cut in two. */
export function toClipped(text: string, max: number): string {
  if (text.length <= max) return text;
  if (max < 1) return '';
  const cut = text.slice(0, max - 1);
  return `${/[\uD800-\uDBFF]$/.test(cut) ? cut.slice(0, -1) : cut}…`;
}

const names: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function writeOut(character: string): string {
  return names[character] ?? `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}
