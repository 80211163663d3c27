import { type Entry, toEntry } from '../entries.ts';
import { splitNpmId, toNpmRecord } from '../npm-name.ts';
import { lines } from '../stanza.ts';

/**
 * `yarn.lock` of Yarn 1 (https://classic.yarnpkg.com/docs/yarn-lock) and, as `resolution` and colons tell, of Yarn 2 and later. Both are
 * written in one form: an entry begins at the margin, its fields are two spaces in (npm, which keeps a Yarn 1 file up to date, quotes them). It does not say what is for
 * development only. Workspaces and links are left out.
 */
export function* parseYarnLock(content: Buffer): Generator<Entry> {
  let entry: YarnEntry | undefined;
  for (const line of lines(content.toString('utf8'))) {
    if (line === '' || line.startsWith('#') || line === ':') continue;
    if (!line.startsWith(' ')) {
      if (entry !== undefined) yield* toEntries(entry);
      entry = { patterns: line.replace(/^\? /, '').replace(/:$/, ''), fields: new Map() };
      continue;
    }
    const [, key, value] = /^ {2}"?(\w{1,40})"?:? (.{1,5000})$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined) entry?.fields.set(key, unquoted(value));
  }
  if (entry !== undefined) yield* toEntries(entry);
}

interface YarnEntry {
  /** Such as `"@babel/core@^7.0.0", "@babel/core@^7.1.0"`. */
  readonly patterns: string;
  readonly fields: Map<string, string>;
}

function* toEntries({ patterns, fields }: YarnEntry): Generator<Entry> {
  if (patterns === '__metadata' || isLocal(fields)) return;
  const name = toName(fields.get('resolution') ?? unquoted(patterns.split(', ', 1)[0] ?? ''));
  yield toEntry(toNpmRecord(name, fields.get('version')), unquoted(patterns));
}

/** A folder of the project: linked, and without a version of its own. */
function isLocal(fields: ReadonlyMap<string, string>): boolean {
  return fields.get('linkType') === 'soft' || fields.get('version') === '0.0.0-use.local';
}

/** Of `NAME@RANGE` or `ALIAS@npm:NAME@RANGE`; patches are of what they name. */
function toName(descriptor: string): string | undefined {
  const [name, range = ''] = splitNpmId(descriptor) ?? [];
  const aliased = range.startsWith('npm:') ? splitNpmId(range.slice('npm:'.length)) : undefined;
  return aliased === undefined ? name : aliased[0];
}

function unquoted(text: string): string {
  return text.replace(/^"/, '').replace(/"$/, '');
}
