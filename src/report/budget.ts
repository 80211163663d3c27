/** A piece of a document. Rows are shown as many as fit; what is left out is counted by `more`. */
export type Part = string | ListPart;

export interface ListPart {
  readonly head: string;
  readonly rows: readonly string[];
  readonly foot: string;
  /** The line that stands for `count` rows left out. */
  readonly more: (count: number) => string;
  /** Most rows, however much room there is. */
  readonly maxRows: number;
}

/**
 * The parts one after the other, in at most `max` units, whatever they hold. Earlier parts come first: what does not fit loses rows down to one, then goes
 * as a whole, the last part first. `measure` counts units and has to be additive: UTF-16 units, or bytes of UTF-8.
 */
export function layOut(parts: readonly Part[], max: number, measure: (text: string) => number): string {
  const kept = keepWhatFits(parts, max, measure);
  let room = max - sum(kept.map((part) => leastSize(part, measure)));
  let text = '';
  for (const part of kept) {
    if (typeof part === 'string') {
      text += part;
      continue;
    }
    const { shown, sizeOver } = takeRows(part, room, measure);
    room -= sizeOver;
    const left = part.rows.length - shown.length;
    text += `${part.head}${shown.join('')}${left > 0 ? part.more(left) : ''}${part.foot}`;
  }
  return measure(text) <= max ? text : cut(text, max, measure);
}

function keepWhatFits(parts: readonly Part[], max: number, measure: (text: string) => number): readonly Part[] {
  const sizes = parts.map((part) => leastSize(part, measure));
  let total = sum(sizes);
  let count = parts.length;
  while (count > 1 && total > max) {
    count -= 1;
    total -= sizes[count] ?? 0;
  }
  return parts.slice(0, count);
}

/** With its first row only, and the line that counts all of them: no other number has more digits. */
function leastSize(part: Part, measure: (text: string) => number): number {
  return typeof part === 'string' ? measure(part) : measure(`${part.head}${part.rows[0] ?? ''}${part.more(part.rows.length)}${part.foot}`);
}

/** The rows for which there is room; `sizeOver` is what those after the first take. */
function takeRows(part: ListPart, room: number, measure: (text: string) => number): { shown: readonly string[]; sizeOver: number } {
  let sizeOver = 0;
  let count = Math.min(1, part.rows.length);
  for (const row of part.rows.slice(1, part.maxRows)) {
    const rowSize = measure(row);
    if (sizeOver + rowSize > room) break;
    sizeOver += rowSize;
    count += 1;
  }
  return { shown: part.rows.slice(0, count), sizeOver };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** The last resort, for a limit that not even the first part keeps. */
function cut(text: string, max: number, measure: (text: string) => number): string {
  let cutText = '';
  let size = 0;
  for (const character of text) {
    size += measure(character);
    if (size > max) break;
    cutText += character;
  }
  return cutText;
}
