/** A text with its variables filled in, or why that cannot be done. */
export type Interpolation =
  | { readonly kind: 'text'; readonly text: string; readonly hasVariables: boolean }
  | { readonly kind: 'missing'; readonly reason: string };

export interface InterpolationOptions {
  /** Stands for a variable without value. */
  readonly absent?: string;
  readonly depth?: number;
}

const depthLimit = 16;

/**
 * Fills in the variables of a Compose file: `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME-default}`, `${NAME:?message}`, `${NAME?message}`, `${NAME:+text}`,
 * `${NAME+text}`, in each other, and `$$` for a dollar. Where Compose would go on with an empty text in place of a variable, this gives up (for nobody
 * would know which image is run), or goes on with `absent`. https://docs.docker.com/reference/compose-file/interpolation/
 */
export function interpolate(text: string, variables: ReadonlyMap<string, string>, options: InterpolationOptions = {}): Interpolation {
  const { depth = 0 } = options;
  if (depth > depthLimit) return missing('its variables are nested too deeply');
  let out = '';
  let hasVariables = false;
  for (let index = 0; index < text.length; ) {
    // A dollar before anything but a name or a brace is one.
    const literal = matchAt(/\$(?:\$|(?![A-Za-z_{]))|[^$]+/y, text, index);
    if (literal !== undefined) {
      out += literal === '$$' ? '$' : literal;
      index += literal.length;
      continue;
    }
    const expression = readExpression(text, index);
    if (expression === undefined) return missing('its variables cannot be read: a dollar is written $$');
    const value = evaluate(expression.inner, variables, { ...options, depth: depth + 1 });
    if (value.kind === 'missing') return value;
    out += value.text;
    hasVariables = true;
    index = expression.end;
  }
  return { kind: 'text', text: out, hasVariables };
}

function readExpression(text: string, start: number): { readonly inner: string; readonly end: number } | undefined {
  const name = matchAt(/[A-Za-z_][A-Za-z0-9_]*/y, text, start + 1);
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

function evaluate(inner: string, variables: ReadonlyMap<string, string>, options: InterpolationOptions): Interpolation {
  const [, name = '', operator = '', rest = ''] = /^([A-Za-z_][A-Za-z0-9_]*)(:?[-?+])?(.*)$/s.exec(inner) ?? [];
  if (name === '' || (operator === '' && rest !== '')) return missing('its variables cannot be read: a dollar is written $$');
  const value = variables.get(name);
  const isThere = value !== undefined && (value !== '' || !operator.startsWith(':'));
  if (operator.endsWith('+')) return isThere ? interpolate(rest, variables, options) : given('');
  if (isThere) return given(value);
  if (operator.endsWith('-')) return interpolate(rest, variables, options);
  const { absent } = options;
  return absent === undefined || operator !== '' ? missing(`its variable ${name} has no value`) : given(absent);
}

function matchAt(sticky: RegExp, text: string, index: number): string | undefined {
  sticky.lastIndex = index;
  return sticky.exec(text)?.[0];
}

function given(text: string): Interpolation {
  return { kind: 'text', text, hasVariables: true };
}

function missing(reason: string): Interpolation {
  return { kind: 'missing', reason };
}
