import { lines } from '../stanza.ts';

/** A map of texts and maps. Lists are left out, and flow collections (`{…}`, `[…]`) are texts as they stand. */
export interface IndentedMap extends ReadonlyMap<string, string | IndentedMap> {}

/** Deeper than any map of a lock file. */
const maxDepth = 20;

/**
 * Reads the one form of YAML that pnpm writes: maps in block style with keys on a line of their own. `broken` counts lines that are
 * anything else. A YAML library takes thirty times as long, and there are lock files of 20,000 lines. A key that is there twice
 * holds what both say, and so do the documents of one file.
 */
export function parseIndentedMap(text: string): { readonly root: IndentedMap; readonly broken: number } {
  const root = new Map<string, string | IndentedMap>();
  const levels: { readonly indent: number; readonly map: Map<string, string | IndentedMap> }[] = [{ indent: -1, map: root }];
  let skipBelow: number | undefined;
  let broken = 0;
  for (const line of lines(text)) {
    const indent = line.search(/[^ ]/);
    if (indent === -1 || line[indent] === '#' || line === '---') continue;
    if (skipBelow !== undefined && indent > skipBelow) continue;
    skipBelow = undefined;
    if (line.startsWith('- ', indent)) {
      skipBelow = indent;
      continue;
    }
    while (levels.length > 1 && (levels.at(-1)?.indent ?? -1) >= indent) levels.pop();
    const parent = levels.at(-1)?.map ?? root;
    const member = parseMember(line.slice(indent));
    if (member === undefined || levels.length > maxDepth) broken++;
    else if (member.value === '') levels.push({ indent, map: enter(parent, member.key) });
    else {
      parent.set(member.key, member.value);
      if (/^[|>]/.test(member.value)) skipBelow = indent;
    }
  }
  return { root, broken };
}

function enter(parent: Map<string, string | IndentedMap>, key: string): Map<string, string | IndentedMap> {
  const known = parent.get(key);
  if (known instanceof Map) return known;
  const map = new Map<string, string | IndentedMap>();
  parent.set(key, map);
  return map;
}

/** `key: value` or `key:`, both plain or in quotes. */
function parseMember(text: string): { readonly key: string; readonly value: string } | undefined {
  const quote = text.charAt(0);
  const isQuoted = quote === "'" || quote === '"';
  const end = isQuoted ? text.indexOf(`${quote}:`, 1) + 1 : plainKeyEnd(text);
  if (end <= 0 || (end + 1 < text.length && text[end + 1] !== ' ')) return undefined;
  return { key: scalar(text.slice(0, end)), value: scalar(text.slice(end + 1).trim()) };
}

/** A colon is part of a plain key unless a space or the end follows. */
function plainKeyEnd(text: string): number {
  const end = text.indexOf(': ');
  if (end !== -1) return end;
  return text.endsWith(':') ? text.length - 1 : -1;
}

function scalar(text: string): string {
  const quoted = /^(['"])(.*)\1$/.exec(text);
  return quoted?.[2]?.replaceAll("''", "'") ?? text;
}

/** The map at a key, or an empty one. */
export function mapAt(map: IndentedMap, key: string): IndentedMap {
  const value = map.get(key);
  return typeof value === 'string' || value === undefined ? new Map() : value;
}
