import { interpolate } from './compose-variable.ts';

/** The variables of `.env` files, or why one of them cannot be read. */
export type EnvFile =
  | { readonly kind: 'variables'; readonly variables: ReadonlyMap<string, string> }
  | { readonly kind: 'broken'; readonly line: number; readonly reason: string };

const space = /[\t\v\f\r \u0085\u00A0]/;

/**
 * The variables of an `.env` file, read as Compose reads it: the later of two counts, values in quotes may have several lines, a value in single quotes is as it stands;
 * in others `given` variables are filled in, then `earlier` ones and those above, and an empty text for what is not there. A name alone takes the value that is given.
 * https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/#env-file-syntax
 */
export function parseEnvFile(text: string, given: ReadonlyMap<string, string>, earlier: ReadonlyMap<string, string> = new Map()): EnvFile {
  const variables = new Map(earlier);
  const source = text.replace(/^\uFEFF/, '');
  const broken = (at: number, reason: string): EnvFile => ({ kind: 'broken', line: source.slice(0, at).split('\n').length, reason });
  for (let at = skipBlank(source, 0); at < source.length; at = skipBlank(source, at)) {
    const [whole = '', name, sign] =
      /^(?:export[ \t\v\f\r]+)?([\p{L}\p{N}_.[\]-]*)[\t\v\f\r \u0085\u00A0]*([=:\n]|$)/u.exec(
        source.slice(at, at + lineLength(source, at) + 1),
      ) ?? [];
    if (name === undefined) return broken(at, 'a line of it sets no variable');
    at += whole.length;
    // A name at the end of the file, without a line end, sets nothing.
    if (sign === '') break;
    if (sign === '\n') {
      const value = given.get(name) ?? variables.get(name);
      if (value !== undefined) variables.set(name, value);
      continue;
    }
    while (space.test(source[at] ?? '')) at += 1;
    const value = readValue(source, at);
    if (value === undefined) return broken(at, 'a quote in it is not closed');
    const filled = value.isVerbatim ? ({ kind: 'text', text: value.text } as const) : fillIn(value.text, variables, given);
    if (filled.kind === 'missing') return broken(at, filled.reason);
    variables.set(name, filled.text);
    at = value.end;
  }
  return { kind: 'variables', variables };
}

function lineLength(source: string, at: number): number {
  const end = source.indexOf('\n', at);
  return (end === -1 ? source.length : end) - at;
}

/** Past blanks, empty lines and comments. */
function skipBlank(source: string, from: number): number {
  let at = from;
  for (;;) {
    while (/\s/.test(source[at] ?? '')) at += 1;
    if (source[at] !== '#') return at;
    at += lineLength(source, at);
  }
}

interface Value {
  readonly text: string;
  readonly end: number;
  readonly isVerbatim: boolean;
}

function readValue(source: string, at: number): Value | undefined {
  const quote = source[at];
  if (quote !== '"' && quote !== "'") {
    const end = at + lineLength(source, at);
    return { text: (source.slice(at, end).split(' #', 1)[0] ?? '').trimEnd(), end, isVerbatim: false };
  }
  const [whole, inner] = (quote === '"' ? /^"((?:[^"\\]|\\[\s\S])*)"/ : /^'((?:[^'\\]|\\[\s\S])*)'/).exec(source.slice(at)) ?? [];
  if (whole === undefined || inner === undefined) return undefined;
  const text = inner.replaceAll(`\\${quote}`, quote);
  return { text: quote === '"' ? expandEscapes(text) : text, end: at + whole.length, isVerbatim: quote === "'" };
}

const escapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '"': '"',
  '\\': '\\',
  $: '$$',
};

function expandEscapes(text: string): string {
  return text.replace(/\\(?:([abcfnrtv$"\\])|0(\d{0,3}))/g, (all, character: string | undefined, octal: string | undefined) => {
    if (character !== undefined) return escapes[character] ?? all;
    // \0 and three digits; of others the nought alone is taken away.
    return /^[0-3][0-7]{2}$/.test(octal ?? '') ? String.fromCharCode(Number.parseInt(octal ?? '', 8)) : `\\${octal}`;
  });
}

/** As Compose does, with nothing for a variable that is not there. */
function fillIn(text: string, variables: ReadonlyMap<string, string>, given: ReadonlyMap<string, string>) {
  return interpolate(text, new Map([...variables, ...given]), { absent: '' });
}
