/** Fields by their lowercased names. Continuation lines are joined by `\n`, without the space that marks them; so are the values of a field given twice. */
export type Stanza = ReadonlyMap<string, string>;

/**
 * Reads the stanzas of a control file (deb822(5), core metadata of Python packages): `Name: value` lines, continued by lines that begin with a
 * space or tab, stanzas set apart by empty lines. CRLF and a byte order mark are taken. `broken` counts the lines that are none of this, which
 * are left out. At most `limit` stanzas are read.
 */
export function parseStanzas(
  text: string,
  limit = Number.POSITIVE_INFINITY,
): { readonly stanzas: readonly Stanza[]; readonly broken: number } {
  const stanzas: Stanza[] = [];
  let fields = new Map<string, string>();
  let last: string | undefined;
  let broken = 0;
  const finish = (): void => {
    if (fields.size > 0) stanzas.push(fields);
    fields = new Map();
    last = undefined;
  };
  for (const line of lines(text)) {
    if (line.trim() === '') {
      finish();
      if (stanzas.length >= limit) break;
      continue;
    }
    if (line.startsWith(' ') || line.startsWith('\t')) {
      if (last !== undefined) fields.set(last, `${fields.get(last)}\n${line.slice(1)}`);
      continue;
    }
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(colon, 0)).toLowerCase();
    if (!fieldName.test(name)) {
      broken++;
      last = undefined;
      continue;
    }
    const value = line.slice(colon + 1).trim();
    fields.set(name, fields.has(name) ? `${fields.get(name)}\n${value}` : value);
    last = name;
  }
  finish();
  return { stanzas, broken };
}

const fieldName = /^[!-9;-~]{1,200}$/;

/** The lines of a text, without their ends (LF or CRLF) and without a byte order mark. */
export function* lines(text: string): Generator<string> {
  for (let start = text.startsWith('\uFEFF') ? 1 : 0; start < text.length; ) {
    const end = text.indexOf('\n', start);
    const line = text.slice(start, end === -1 ? text.length : end);
    yield line.endsWith('\r') ? line.slice(0, -1) : line;
    if (end === -1) return;
    start = end + 1;
  }
}

/** Free text as a database states it, cut to `maxLength`, with nothing in it that cannot be written as UTF-8. */
export function toStatement(text: string, maxLength: number): string {
  return Buffer.from(text.slice(0, maxLength), 'utf8').toString('utf8');
}
