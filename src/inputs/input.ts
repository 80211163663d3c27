/**
 * How an input's text is read. `list`: one item a line; on the command line the option is repeated. `credential`: a literal, or `secret:NAME`.
 * `azure-connection`: a service connection of Azure Pipelines, by name; the task is given its id.
 */
export type InputType = 'text' | 'list' | 'choice' | 'flag' | 'file' | 'credential' | 'azure-connection';

export interface Input {
  readonly name: string;
  readonly type: InputType;
  readonly required?: true;
  /** Accepted values of a `choice`. */
  readonly choices?: readonly string[];
  readonly default?: string;
  /** The default where it is not a fixed text; for the documents. */
  readonly defaultText?: string;
  /** What `action.yml` gives as default, where the host evaluates it. */
  readonly githubDefault?: string;
  readonly description: string;
  /** Left out elsewhere. */
  readonly onlyOn?: 'github' | 'azure-pipelines';
  /** `shell`: the command line has something else for it. */
  readonly notOn?: 'shell';
  /** Commands that have it; by default `secure`, and `doctor`, which looks at what `secure` would do. */
  readonly commands?: readonly Command[];
}

export const commands = ['secure', 'verify', 'mirror', 'doctor'] as const;
/** What the step is asked to do; on the command line a subcommand. */
export type Command = (typeof commands)[number];

/** Of an input that names none. */
export const defaultCommands: readonly Command[] = ['secure', 'doctor'];

/** Of an input that says what is pushed and who signs it. */
export const publishing: readonly Command[] = ['secure', 'mirror', 'doctor'];

/** Of an input that says what an image is held against, or who is told of it. */
export const deciding: readonly Command[] = ['secure', 'verify', 'doctor'];

/** Longest text of one input. */
export const inputLimitCharacters = 64 * 1024;

/** Most items of one list. */
export const listLimit = 100;

/** `fail-on` as Azure Pipelines spells it: `failOn`. */
export function toCamelCase(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
