import { Option } from 'commander';
import { type Command, defaultCommands, type Input, toCamelCase } from '../inputs/input.ts';
import { type InputGroup, type InputName, inputGroups, inputs } from '../inputs/table.ts';

/** The inputs of a command as options. */
export function inputOptions(command: Command): readonly Option[] {
  return inputGroups.flatMap(({ title, inputs }: InputGroup) =>
    inputs
      .filter((input) => isOption(input) && (input.commands ?? defaultCommands).includes(command))
      .map((input) => toOption(input).helpGroup(`${title}:`)),
  );
}

function isOption({ onlyOn, notOn }: Input): boolean {
  return onlyOn === undefined && notOn !== 'shell';
}

function toOption(input: Input): Option {
  const value = input.type === 'list' ? '<item>' : input.type === 'flag' ? '[value]' : '<value>';
  const option = new Option(`${toFlag(input.name as InputName)} ${value}`, describe(input));
  // The option alone says yes.
  if (input.type === 'flag') option.preset('true');
  if (input.type === 'list')
    option.argParser((item: string, previous: string | undefined) => (previous === undefined ? item : `${previous}\n${item}`));
  return option;
}

function describe(input: Input): string {
  const value = input.defaultText ?? input.default;
  const choices = input.choices === undefined ? '' : ` One of ${input.choices.join(', ')}.`;
  const more = input.type === 'list' ? ' Repeat the option for each item.' : '';
  return `${input.description}${choices}${more}${value === undefined ? '' : ` (default: ${value})`}`.replaceAll('`', '');
}

/** How the command line spells an input. */
export function toFlag(name: InputName): string {
  return `--${name}`;
}

/** The texts of the inputs that were given, by name. */
export function toRaw(options: Record<string, string>): ReadonlyMap<string, string> {
  const given = inputs
    .filter(isOption)
    .map((input): readonly [string, string | undefined] => [input.name, options[toCamelCase(input.name)]]);
  return new Map(given.filter((pair): pair is readonly [string, string] => pair[1] !== undefined));
}
