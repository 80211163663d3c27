import { parseStrictJson } from '../lib/strict-json.ts';
import { hints, quote, type SourceFailure } from './source-error.ts';

/** Largest manifest and index (as registries take them), and largest configuration. */
export const manifestMaxBytes = 4 * 1024 * 1024;
export const configMaxBytes = 8 * 1024 * 1024;

export type Fields = Readonly<Record<string, unknown>>;

/** A JSON document that is read strictly, so that nobody can read anything else from the same bytes. */
export class Document {
  readonly #what: string;
  readonly #fail: SourceFailure;

  constructor(what: string, fail: SourceFailure) {
    this.#what = what;
    this.#fail = fail;
  }

  parse(bytes: Uint8Array): unknown {
    try {
      // Whoever read the bytes has limited them.
      return parseStrictJson(bytes, { maxBytes: bytes.length });
    } catch (error) {
      throw this.invalid((error as Error).message);
    }
  }

  /** An object, none of whose keys a reader that ignores case (Go's) takes for one of `keys` when we do not. */
  fields(value: unknown, where: string, keys: readonly string[]): Fields {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw this.invalid(`${where} is not an object`);
    }
    const odd = Object.keys(value).find((key) => keys.some((known) => known !== key && foldCase(known) === foldCase(key)));
    if (odd !== undefined) {
      throw this.invalid(`${where} has the key ${quote(odd)}, whose case is not the one of the specification`);
    }
    return value as Fields;
  }

  /** As `fields`; null and absence are an empty object, as Go writes and reads them. */
  optionalFields(value: unknown, where: string, keys: readonly string[]): Fields {
    return value === undefined || value === null ? {} : this.fields(value, where, keys);
  }

  /** A list; null and absence are the empty one. */
  list(value: unknown, where: string, maxLength: number): readonly unknown[] {
    const list = value ?? [];
    if (!Array.isArray(list)) {
      throw this.invalid(`${where} is not a list`);
    }
    if (list.length > maxLength) {
      throw this.invalid(`${where} has more than ${maxLength} entries`);
    }
    return list;
  }

  /** A string; null and absence are the empty one. */
  text(value: unknown, where: string): string {
    const text = value ?? '';
    if (typeof text !== 'string') {
      throw this.invalid(`${where} is not a string`);
    }
    return text;
  }

  texts(value: unknown, where: string, maxLength: number): readonly string[] {
    return this.list(value, where, maxLength).map((item) => this.text(item, `an entry of ${where}`));
  }

  textMap(value: unknown, where: string): Readonly<Record<string, string>> {
    const entries = Object.entries(value === undefined || value === null ? {} : this.fields(value, where, []));
    return Object.fromEntries(entries.map(([key, text]) => [key, this.text(text, `an entry of ${where}`)]));
  }

  invalid(reason: string) {
    return this.#fail('source-damaged', `${this.#what} is not valid: ${reason}`, hints.writeAgain);
  }
}

function foldCase(text: string): string {
  return text.toUpperCase().toLowerCase();
}
