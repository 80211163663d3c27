import type { Fields } from './document.ts';

/**
 * The members of an array in PHP's serialized form that have texts for keys: texts, and arrays of them (as Fields); what else there is has no meaning here and is left
 * out (https://www.php.net/manual/function.serialize.php, in the form of version 5 and later without objects). Throws where the text is anything else or
 * nested deeper than `maxDepth`. Lengths are of bytes, so the text is taken byte by byte.
 */
export function parsePhpSerialized(content: Buffer): Fields {
  const text = content.toString('latin1');
  const open: Array<{ readonly fields: Record<string, unknown>; left: number; key: string | undefined; isKey: boolean }> = [];
  let root: Fields | undefined;
  for (let at = 0; root === undefined || open.length > 0; ) {
    token.lastIndex = at;
    const [whole, count, length] = token.exec(text) ?? fail(at);
    at += whole.length;
    const top = open.at(-1);
    let value: unknown;
    if (length !== undefined) {
      value = content.toString('utf8', at, at + Number(length));
      at += Number(length);
      if (text.slice(at, at + 2) !== '";') fail(at);
      at += 2;
    } else if (count !== undefined) {
      if (top?.isKey || open.length === maxDepth) fail(at);
      value = Object.create(null);
    }
    if (top === undefined) {
      if (count === undefined) fail(at);
      root = value as Fields;
    } else if (top.isKey) {
      top.key = typeof value === 'string' ? value : undefined;
      top.isKey = false;
    } else {
      if (top.key !== undefined && value !== undefined) top.fields[top.key] = value;
      top.isKey = true;
      top.left -= 1;
    }
    if (count !== undefined) open.push({ fields: value as Record<string, unknown>, left: Number(count), key: undefined, isKey: true });
    for (let ended = open.at(-1); ended?.left === 0; ended = open.at(-1)) {
      if (text[at] !== '}') fail(at);
      at += 1;
      open.pop();
    }
  }
  return root;
}

const maxDepth = 50;
/** The beginning of an array or a text, or all of a number, boolean or null. */
const token = /a:(\d{1,9}):\{|s:(\d{1,9}):"|(?:[ib]:-?\d{1,20}|d:[^;]{1,40}|N);/y;

function fail(at: number): never {
  throw new Error(`it is not in PHP's serialized form at byte ${at}`);
}
