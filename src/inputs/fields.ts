import { SecretValue } from '../lib/secret-value.ts';
import { StepError } from '../lib/step-error.ts';
import { type Input, inputLimitCharacters, listLimit } from './input.ts';
import { type InputErrorCode, type Spelling, unknownInput } from './input-names.ts';
import type { RefuseItem } from './registry-hosts.ts';
import type { Credential } from './settings.ts';
import { type InputName, inputs } from './table.ts';

/** The raw texts of the inputs, each read as its kind. Errors name the input as the host spells it. */
export class Fields {
  readonly #raw: ReadonlyMap<string, string>;
  readonly #spell: Spelling;
  readonly #credentials = new Map<InputName, Credential>();

  constructor(raw: ReadonlyMap<string, string>, spell: Spelling) {
    this.#raw = raw;
    this.#spell = spell;
  }

  refuseUnknown(): void {
    const names: readonly string[] = inputs.map((input) => input.name);
    for (const name of this.#raw.keys()) {
      if (names.includes(name)) continue;
      throw unknownInput(name, this.#spell);
    }
  }

  text(name: InputName): string | undefined {
    const value = this.#raw.get(name)?.trim();
    if (value === undefined || value === '') return undefined;
    if (value.length > inputLimitCharacters) this.invalid(name, `${value.length} characters`, `at most ${inputLimitCharacters} characters`);
    return value;
  }

  list(name: InputName): readonly string[] {
    const items = (this.text(name) ?? '')
      .split(/\r\n|\n|\r/)
      .map((line) => line.trim())
      .filter((line) => line !== '');
    if (items.length > listLimit) this.invalid(name, `${items.length} items`, `at most ${listLimit} items, one a line`);
    return items;
  }

  choice<const Choice extends string>(name: InputName, choices: readonly Choice[]): Choice | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    return choices.find((choice) => choice === value.toLowerCase()) ?? this.invalid(name, JSON.stringify(value), choices.join(', '));
  }

  /** Those of a list, each once and in the order of `choices`; none for `none`, undefined where the input is not given. */
  choices<Choice extends string>(name: InputName, choices: readonly Choice[]): readonly Choice[] | undefined {
    const items = this.list(name).map((item) => item.toLowerCase());
    if (items.length === 0) return undefined;
    if (items.every((item) => item === 'none')) return [];
    const unknown = items.find((item) => !choices.some((choice) => choice === item));
    if (unknown !== undefined) this.invalid(name, JSON.stringify(unknown), `${choices.join(', ')}, one a line, or none alone`);
    return choices.filter((choice) => items.includes(choice));
  }

  flag(name: InputName, otherwise = true): boolean {
    const value = this.choice(name, ['true', 'false', 'on', 'off', 'yes', 'no']);
    return value === undefined ? otherwise : value === 'true' || value === 'on' || value === 'yes';
  }

  /** For who reads the items of a list. */
  refuseItem(name: InputName): RefuseItem {
    return (value, accepted) => this.invalid(name, value, accepted);
  }

  credential(name: InputName): Credential | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const credential = parseCredential(value);
    this.#credentials.set(name, credential);
    return credential;
  }

  /** All credentials that were read so far, by the input that gave them. */
  get credentials(): ReadonlyMap<InputName, Credential> {
    return this.#credentials;
  }

  missing(name: InputName): never {
    const input: Input | undefined = inputs.find((row) => row.name === name);
    throw new StepError<InputErrorCode>({
      code: 'input-missing',
      origin: 'input',
      message: `The input ${this.#spell(name)} is required and was not given`,
      hint: input?.description ?? '',
    });
  }

  invalid(name: InputName, value: string, accepted: string): never {
    throw new StepError<InputErrorCode>({
      code: 'input-invalid',
      origin: 'input',
      message: `The input ${this.#spell(name)} is ${value}, which is not accepted`,
      hint: `Accepted: ${accepted}.`,
    });
  }
}

/** A literal, or `secret:NAME`. */
export function parseCredential(text: string): Credential {
  if (!text.startsWith('secret:')) return { kind: 'literal', value: new SecretValue(text) };
  return { kind: 'secret', name: text.slice('secret:'.length).trim() };
}
