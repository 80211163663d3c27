import { type Entry, toEntry } from '../entries.ts';
import { splitNpmId, toNpmRecord } from '../npm-name.ts';
import { closure } from './closure.ts';
import { type IndentedMap, mapAt, parseIndentedMap } from './indented-map.ts';

/**
 * `pnpm-lock.yaml` of versions 5 to 9 (https://github.com/pnpm/spec/tree/master/lockfile), without what is only for development: up to
 * version 6 each package says so, from 9 on it is what no project depends on otherwise.
 */
export function* parsePnpmLock(content: Buffer): Generator<Entry> {
  const { root, broken } = parseIndentedMap(content.toString('utf8'));
  const version = root.get('lockfileVersion');
  if (typeof version !== 'string') throw new Error('it has no lockfileVersion');
  const needs = Number.parseInt(version, 10) < 9 ? undefined : readNeeds(root);
  for (const [id, value] of mapAt(root, 'packages')) {
    const fields: IndentedMap = typeof value === 'string' ? new Map() : value;
    if (needs?.snapshots.has(id) === false) yield { damaged: `${id}, which has no snapshot` };
    else if (needs === undefined ? fields.get('dev') === 'true' : !needs.shipped.has(id)) continue;
    const [name, stated] = version.startsWith('5') ? splitPath(id) : splitId(id);
    const [named, versioned] = [fields.get('name') ?? name, fields.get('version') ?? stated];
    if (typeof versioned !== 'string' || !versioned.includes(':')) yield toEntry(toNpmRecord(named, versioned), id);
  }
  if (broken > 0) yield { damaged: `${broken} lines` };
  if (mapAt(root, 'packages').size === 0 && projectNeeds(root).some((id) => !id.includes(':'))) throw new Error('it has no packages');
}

/** `/@babel/core@7.0.0(peer@1.0.0)`, since version 9 without the slash; packages of other registries have the host in front. */
function splitId(id: string): readonly [name: string, version: string] {
  const [name = '', version = ''] = splitNpmId(withoutPeers(id).replace(/^\//, '')) ?? [];
  return [toPackageName(name), version];
}

/** Version 5: `/@types/babel__core/7.0.0_peer@1.0.0` */
function splitPath(id: string): readonly [name: string, version: string] {
  const at = id.lastIndexOf('/');
  return [toPackageName(id.slice(0, Math.max(at, 0))), id.slice(at + 1).split('_', 1)[0] ?? ''];
}

function toPackageName(path: string): string {
  const parts = path.split('/');
  return parts.slice(parts.at(-2)?.startsWith('@') ? -2 : -1).join('/');
}

function withoutPeers(id: string): string {
  return id.split('(', 1)[0] ?? id;
}

interface Needs {
  /** The ids of `packages` whose own dependencies are stated. */
  readonly snapshots: ReadonlySet<string>;
  /** Those that a project of the workspace does not need for development only. */
  readonly shipped: ReadonlySet<string>;
}

function readNeeds(root: IndentedMap): Needs {
  const snapshots = mapAt(root, 'snapshots');
  const reached = closure(projectNeeds(root), (id) => dependencies(mapAt(snapshots, id)));
  return { snapshots: new Set([...snapshots.keys()].map(withoutPeers)), shipped: new Set([...reached].map(withoutPeers)) };
}

/** Of all projects of a workspace; up to version 8 one project alone stands at the root. */
function projectNeeds(root: IndentedMap): readonly string[] {
  return [root, ...mapAt(root, 'importers').values()].flatMap((project) => (typeof project === 'string' ? [] : dependencies(project)));
}

/** Ids of what a project or package needs to run: `name: version`, or `name:` with a `version:` below. */
function dependencies(of: IndentedMap): readonly string[] {
  return ['dependencies', 'optionalDependencies'].flatMap((kind) =>
    [...mapAt(of, kind)].flatMap(([name, value]) => {
      const version = typeof value === 'string' ? value : value.get('version');
      if (typeof version !== 'string') return [];
      return isId(version) ? [version] : [`${name}@${version}`];
    }),
  );
}

/** An alias stands with the id of what it is one for (`real@1.0.0`), not with a version. */
function isId(version: string): boolean {
  return splitNpmId(withoutPeers(version)) !== undefined && !version.includes(':');
}
