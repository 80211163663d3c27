import { toClipped, toVisibleLine } from '../lib/visible-text.ts';

/** https://en.wikipedia.org/wiki/ANSI_escape_code#Select_Graphic_Rendition_parameters, the ones that light and dark terminals show alike. */
const styles = { plain: '', bold: '1', red: '1;31', green: '1;32', yellow: '33', cyan: '36' } as const;

/** Text in a style, or as it is where there is no colour. */
export function toPainter(colour: boolean): (text: string, style: keyof typeof styles) => string {
  return (text, style) => (colour && styles[style] !== '' ? `\u001b[${styles[style]}m${text}\u001b[0m` : text);
}

/**
 * Rows as aligned lines of at most `width` columns. The widest column gives way first, down to 8; what is cut is marked by `…`. Control
 * characters are written out first.
 */
export function toColumns(rows: readonly (readonly string[])[], width: number): readonly string[] {
  const cells = rows.map((row) => row.map((cell) => toClipped(toVisibleLine(cell), 300)));
  const count = Math.max(0, ...cells.map((row) => row.length));
  const widths = Array.from({ length: count }, (_, column) => Math.max(0, ...cells.map((row) => toWidth(row[column] ?? ''))));
  const gaps = 2 * Math.max(0, count - 1);
  while (sum(widths) + gaps > width && Math.max(...widths) > 8) {
    const widest = widths.indexOf(Math.max(...widths));
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return cells.map((row) =>
    row
      .map((cell, column) => pad(cell, widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function pad(text: string, width: number): string {
  const size = toWidth(text);
  if (size <= width) return text + ' '.repeat(width - size);
  let cut = '';
  let cutSize = 0;
  for (const character of text) {
    const characterSize = toWidth(character);
    if (cutSize + characterSize > width - 1) break;
    cut += character;
    cutSize += characterSize;
  }
  return `${cut}…${' '.repeat(Math.max(0, width - 1 - cutSize))}`;
}

/** Columns that a terminal takes: none for combining marks, two for East Asian wide letters and emoji (Unicode UAX #11). */
function toWidth(text: string): number {
  let width = 0;
  for (const character of text) {
    if (/\p{Mark}/u.test(character)) continue;
    width += wide.test(character) ? 2 : 1;
  }
  return width;
}

const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}|[\u{20000}-\u{3fffd}]/u;
