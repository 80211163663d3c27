import { parseInstruction } from '../lib/instruction-text.ts';
import type { HistoryEntry } from '../model/image.ts';
import type { BuildStep, StageSteps } from './dockerfile.ts';
import { type Comparable, toComparable, toLikeness } from './likeness.ts';

/** The step that each history entry comes from, by index; undefined where that is not sure. */
export type Places = readonly (BuildStep | undefined)[];

/** Entries before the last so many belong to base images. */
const maxEntries = 500;

/** Steps that are not found may be a few: the file may have been edited, or a builder leaves some out. */
const leastCoverage = 0.6;

/**
 * Lays the stages of a Dockerfile alongside an image's history. The last stage in whose favour enough speaks is the one that was built;
 * undefined where none is: then the Dockerfile is another image's.
 */
export function alignHistory(history: readonly HistoryEntry[], stages: readonly StageSteps[]): Places | undefined {
  const skipped = Math.max(0, history.length - maxEntries);
  const entries = history.slice(skipped).map(toComparableEntry);
  let best: { readonly coverage: number; readonly places: Places } | undefined;
  for (const [from, ...steps] of stages) {
    if (from === undefined) continue;
    const wanted = steps.map(({ keyword, text, heredoc }) => toComparable(keyword, text, heredoc));
    const matched = match(entries, wanted);
    const coverage = toCoverage(steps, matched);
    if (coverage < leastCoverage || (best !== undefined && coverage <= best.coverage)) continue;
    best = { coverage, places: place(history, skipped, from, steps, matched) };
  }
  return best?.places;
}

/** A command without a shell (`RUN ["a", "b"]` of the classic builder) stands there bare. */
function toComparableEntry(entry: HistoryEntry): Comparable {
  const instruction = parseInstruction(entry.createdBy);
  return instruction === undefined ? toComparable('RUN', entry.createdBy) : toComparable(instruction.keyword, instruction.rest);
}

/** The pairing in order with the most likeness (longest common subsequence, weighted). Gives the entry of each step. */
function match(entries: readonly Comparable[], steps: readonly Comparable[]): readonly (number | undefined)[] {
  const width = steps.length + 1;
  const likeness = new Float64Array((entries.length + 1) * width);
  const total = new Float64Array((entries.length + 1) * width);
  for (let row = 1; row <= entries.length; row += 1) {
    for (let column = 1; column <= steps.length; column += 1) {
      const at = row * width + column;
      const [entry, step] = [entries[row - 1], steps[column - 1]];
      likeness[at] = entry === undefined || step === undefined ? 0 : toLikeness(entry, step);
      const paired = (likeness[at] ?? 0) > 0 ? (total[at - width - 1] ?? 0) + (likeness[at] ?? 0) : 0;
      total[at] = Math.max(paired, total[at - width] ?? 0, total[at - 1] ?? 0);
    }
  }
  return trace(likeness, total, entries.length, width);
}

/** From the end backwards, so that of equal pairings the one nearest to the end counts: base images come first in a history. */
function trace(likeness: Float64Array, total: Float64Array, rows: number, width: number): readonly (number | undefined)[] {
  const matched: (number | undefined)[] = new Array<undefined>(width - 1).fill(undefined);
  let [row, column] = [rows, width - 1];
  while (row > 0 && column > 0) {
    const at = row * width + column;
    const here = total[at] ?? 0;
    const paired = (total[at - width - 1] ?? 0) + (likeness[at] ?? 0);
    if ((likeness[at] ?? 0) > 0 && here === paired) {
      matched[column - 1] = row - 1;
      row -= 1;
      column -= 1;
    } else if (here === (total[at - width] ?? 0)) row -= 1;
    else column -= 1;
  }
  return matched;
}

/** The share of the steps that were found, counting those that make layers where there are any; 1 for a file that is only FROM. */
function toCoverage(steps: readonly BuildStep[], matched: readonly (number | undefined)[]): number {
  const layered = steps.flatMap((step, index) => (makesLayer(step) ? [index] : []));
  const counted = layered.length > 0 ? layered : steps.map((_, index) => index);
  if (counted.length === 0) return 1;
  return counted.filter((index) => matched[index] !== undefined).length / counted.length;
}

/** Entries before all that was found are the base image's, but for as many as the layers of steps that were not found there. */
function place(
  history: readonly HistoryEntry[],
  skipped: number,
  from: BuildStep,
  steps: readonly BuildStep[],
  matched: readonly (number | undefined)[],
): Places {
  const places: (BuildStep | undefined)[] = new Array<undefined>(history.length).fill(undefined);
  for (const [index, entry] of matched.entries()) if (entry !== undefined) places[skipped + entry] = steps[index];
  const firstFound = matched.findIndex((entry) => entry !== undefined);
  const missing = steps.slice(0, firstFound < 0 ? steps.length : firstFound).filter(makesLayer).length;
  let end = firstFound < 0 ? history.length : skipped + (matched[firstFound] ?? 0);
  for (let unsure = missing; unsure > 0 && end > 0; end -= 1) if (history[end - 1]?.emptyLayer === false) unsure -= 1;
  return places.fill(from, 0, end);
}

function makesLayer({ keyword }: BuildStep): boolean {
  return keyword === 'RUN' || keyword === 'COPY' || keyword === 'ADD';
}
