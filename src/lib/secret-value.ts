import { inspect } from 'node:util';

/** A value that must not be seen. Prints, logs and serialises as `***`; `reveal` gives it to the one call that needs it. */
export class SecretValue {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return '***';
  }

  toJSON(): string {
    return '***';
  }

  [inspect.custom](): string {
    return '***';
  }
}
