/** A text with its variables filled in, or why that cannot be done. */
export type Interpolation =
  | { readonly kind: 'text'; readonly text: string; readonly hasVariables: boolean }
  | { readonly kind: 'missing'; readonly reason: string };

const depthLimit = 16;

/**
 * Fills in the variables of a Compose file: `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME-default}`, `${NAME:?message}`, `${NAME?message}`, `${NAME:+text}`,
 * `${NAME+text}`, in each other, and `$$` for a dollar. Where Compose would go on with an empty text in place of a variable, this gives up: nobody
 * would know which image is run. https://docs.docker.com/reference/compose-file/interpolation/
 */
export function interpolate(text: string, variables: ReadonlyMap<string, string>, depth = 0): Interpolation {
  if (depth > depthLimit) return missing('its variables are nested too deeply');
  let out = '';
  let hasVariables = false;
  for (let index = 0; index < text.length; ) {
    if (text[index] !== '$') {
      out += text[index];
      index += 1;
      continue;
    }
    if (text[index + 1] === '$') {
      out += '$';
      index += 2;
      continue;
    }
    const expression = readExpression(text, index);
    if (expression === undefined) return missing('its variables cannot be read: a dollar is written $$');
    const value = evaluate(expression.inner, variables, depth);
    if (value.kind === 'missing') return value;
    out += value.text;
    hasVariables = true;
    index = expression.end;
  }
  return { kind: 'text', text: out, hasVariables };
}

function readExpression(text: string, start: number): { readonly inner: string; readonly end: number } | undefined {
  const name = /^\$([A-Za-z_][A-Za-z0-9_]*)/.exec(text.slice(start))?.[1];
  if (name !== undefined) return { inner: name, end: start + 1 + name.length };
  if (text[start + 1] !== '{') return undefined;
  let open = 0;
  for (let index = start + 1; index < text.length; index += 1) {
    if (text[index] === '{') open += 1;
    if (text[index] === '}') open -= 1;
    if (open === 0) return { inner: text.slice(start + 2, index), end: index + 1 };
  }
  return undefined;
}

function evaluate(inner: string, variables: ReadonlyMap<string, string>, depth: number): Interpolation {
  const [, name = '', operator = '', rest = ''] = /^([A-Za-z_][A-Za-z0-9_]*)(:?[-?+])?(.*)$/s.exec(inner) ?? [];
  if (name === '' || (operator === '' && rest !== '')) return missing('its variables cannot be read: a dollar is written $$');
  const value = variables.get(name);
  const isThere = value !== undefined && (value !== '' || !operator.startsWith(':'));
  if (operator.endsWith('+')) return isThere ? interpolate(rest, variables, depth + 1) : given('');
  if (isThere) return given(value);
  if (operator.endsWith('-')) return interpolate(rest, variables, depth + 1);
  return missing(`its variable ${name} has no value`);
}

function given(text: string): Interpolation {
  return { kind: 'text', text, hasVariables: true };
}

function missing(reason: string): Interpolation {
  return { kind: 'missing', reason };
}

/**
 * The variables of an `.env` file, as Compose reads it: the later of two lines counts; a value in single quotes is as it stands; in others earlier variables, and those of
 * `given`, are filled in. Lines that set none are left out.
 */
export function parseVariables(text: string, given: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const variables = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const [, name, written] = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)\s*[=:]\s*(.*?)\s*$/.exec(line) ?? [];
    if (name === undefined || written === undefined) continue;
    const [, single] = /^'([^']*)'/.exec(written) ?? [];
    const [, double] = /^"((?:[^"\\]|\\.)*)"/.exec(written) ?? [];
    const plain = written.replace(/(?:^|\s+)#.*$/, '');
    const value = interpolate(
      double?.replace(/\\(["\\$])/g, (_all, character: string) => (character === '$' ? '$$' : character)) ?? plain,
      new Map([...variables, ...given]),
    );
    if (single !== undefined) variables.set(name, single);
    else if (value.kind === 'text') variables.set(name, value.text);
  }
  return variables;
}
