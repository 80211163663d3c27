import { StepError } from '../lib/step-error.ts';
import { type InputName, inputs } from './table.ts';

export type InputErrorCode = 'input-missing' | 'input-unknown' | 'input-invalid' | 'input-conflict';

/** How the host spells an input, for messages: `fail-on`, `failOn`, `--fail-on`. */
export type Spelling = (name: InputName) => string;

/**
 * Names that are no input and resemble none: not misspelt, but variables of the job that begin with `INPUT_`, as those of a composite action
 * around the step are under `act`.
 */
export function foreignNames(raw: ReadonlyMap<string, string>): readonly string[] {
  const names: readonly string[] = inputs.map((input) => input.name);
  return [...raw.keys()].filter((name) => !names.includes(name) && nearestName(name, names) === undefined);
}

/** The error where `name` is no input. */
export function unknownInput(name: string, spell: Spelling): StepError<InputErrorCode> {
  const nearest = nearestName(
    name,
    inputs.map((input) => input.name),
  ) as InputName | undefined;
  const names = inputs.filter((input) => !('notOn' in input)).map((input) => input.name);
  return new StepError({
    code: 'input-unknown',
    origin: 'input',
    message: `Unknown input ${JSON.stringify(name)}`,
    hint: `${nearest === undefined ? '' : `Did you mean ${spell(nearest)}? `}Accepted inputs: ${names.map(spell).join(', ')}.`,
  });
}

/** The name that is meant where `name` is misspelt: at most three edits away, two for a short one. Case and dashes do not count. */
function nearestName(name: string, names: readonly string[]): string | undefined {
  const plain = toPlain(name).slice(0, 64);
  const distances = names.map((candidate) => ({ candidate, distance: editDistance(plain, toPlain(candidate)) }));
  const nearest = distances.sort((a, b) => a.distance - b.distance)[0];
  return nearest !== undefined && nearest.distance <= Math.min(3, Math.floor(plain.length / 2)) ? nearest.candidate : undefined;
}

function toPlain(name: string): string {
  return name.toLowerCase().replace(/[-_. ]/g, '');
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
