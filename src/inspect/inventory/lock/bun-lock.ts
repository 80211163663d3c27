import { type Fields, membersOf, parseJson, toFields } from '../document.ts';
import { type Entry, toEntry } from '../entries.ts';
import { toNpmRecord } from '../npm-name.ts';
import { closure, gatherNeeds } from './closure.ts';

/**
 * `bun.lock` (https://bun.sh/docs/install/lockfile), without what is only for development, workspaces and what is no package of a registry.
 * The older `bun.lockb` is not text.
 */
export function* parseBunLock(content: Buffer): Generator<Entry> {
  const lock = toFields(parseJson(withoutTrailingCommas(content.toString('utf8'))));
  if (lock === undefined) throw new Error('it is not a JSON object');
  const packages = membersOf(lock, 'packages').map(([key, value]) => toPackage(key, value));
  const needs = gatherNeeds(packages.map(({ alias, dependencies }) => [alias, dependencies]));
  const roots = membersOf(lock, 'workspaces').flatMap(([, value]) => dependencies(toFields(value)));
  const shipped = closure(roots, (name) => needs.get(name) ?? []);
  for (const { key, alias, name, version } of packages) {
    if (shipped.has(alias) && !version.includes(':')) yield toEntry(toNpmRecord(name, version), key);
  }
}

interface BunPackage {
  readonly key: string;
  /** As others depend on it. */
  readonly alias: string;
  readonly name: string;
  readonly version: string;
  readonly dependencies: readonly string[];
}

/** `"parent/@babel/core": ["@babel/core@7.0.0", "", { "dependencies": … }, "sha512-…"]` */
function toPackage(key: string, value: unknown): BunPackage {
  const [id, ...rest] = Array.isArray(value) ? (value as unknown[]) : [];
  const text = typeof id === 'string' ? id : '';
  const at = text.indexOf('@', 1);
  const parts = key.split('/');
  const alias = parts.slice(parts.at(-2)?.startsWith('@') ? -2 : -1).join('/');
  const info = rest.map(toFields).find((fields) => fields !== undefined);
  return {
    key,
    alias,
    name: at === -1 ? text : text.slice(0, at),
    version: at === -1 ? '' : text.slice(at + 1),
    dependencies: dependencies(info),
  };
}

function dependencies(fields: Fields = {}): readonly string[] {
  return ['dependencies', 'optionalDependencies', 'peerDependencies'].flatMap((kind) => membersOf(fields, kind).map(([name]) => name));
}

/** JSON as Bun writes it has a comma after the last item too. Strings are kept as they are. */
function withoutTrailingCommas(text: string): string {
  let kept = '';
  let start = 0;
  const token = /"[^"\\]*(?:\\.[^"\\]*)*"?|,(?=\s*[}\]])/gs;
  for (const match of text.matchAll(token)) {
    if (match[0] !== ',') continue;
    kept += text.slice(start, match.index);
    start = match.index + 1;
  }
  return kept + text.slice(start);
}
