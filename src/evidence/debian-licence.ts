/**
 * A licence by its name in Debian's copyright files, in the words of SPDX where these are the same
 * (https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/#license-short-name); else as it stands. Choices of several are expressions where
 * all of them have such words.
 */
export function fromDebianName(name: string, ids: ReadonlyMap<string, string>): string {
  const words = name.trim().split(/\s+(and\/or|and|or)\s+/);
  // A comma before `and` or `or` turns their precedence round.
  if (name.includes(',') || words.length > maxWords) return name;
  const converted = words.map((word, index) => (index % 2 === 1 ? operators[word] : toId(word, ids)));
  return converted.every((word) => word !== undefined) ? converted.join(' ') : name;
}

const maxWords = 41;

const operators: Readonly<Record<string, string>> = { and: 'AND', or: 'OR', 'and/or': 'OR' };

function toId(name: string, ids: ReadonlyMap<string, string>): string | undefined {
  const [, family = '', version = '', later] = /^((?:L|A)?GPL|GFDL|GFDL-NIV)-(\d(?:\.\d)?)(\+)?$/i.exec(name) ?? [];
  if (family === '') return ids.get((synonyms.get(name.toLowerCase()) ?? name).toLowerCase()) ?? ids.get(`${name}.0`.toLowerCase());
  const full = version.includes('.') ? version : `${version}.0`;
  const base = /^gfdl-niv$/i.test(family) ? `GFDL-${full}-no-invariants` : `${family}-${full}`;
  return ids.get(`${base}-${later === undefined ? 'only' : 'or-later'}`.toLowerCase());
}

const synonyms: ReadonlyMap<string, string> = new Map([['expat', 'MIT']]);
