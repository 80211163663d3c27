import { type Fields, membersOf, toFields } from '../document.ts';
import { type Entry, toEntry } from '../entries.ts';
import { toProjectName, toPythonRecord } from '../python-name.ts';
import { closure, gatherNeeds } from './closure.ts';
import { parseTomlTables } from './toml-packages.ts';

/**
 * `uv.lock` (https://docs.astral.sh/uv/concepts/projects/layout/#the-lockfile): what the projects of the workspace need, also for an extra, and
 * not only for development; without the projects themselves.
 */
export function* parseUvLock(content: Buffer): Generator<Entry> {
  const tables = parseTomlTables(content, 'package');
  const needs = gatherNeeds(tables.map((fields) => [nameOf(fields), dependencies(fields)]));
  const projects = tables.filter(isProject);
  const shipped = projects.length === 0 ? undefined : closure(projects.map(nameOf), (name) => needs.get(name) ?? []);
  for (const fields of tables) {
    if (isProject(fields) || shipped?.has(nameOf(fields)) === false) continue;
    yield toEntry(toPythonRecord(fields.name, fields.version), fields.name);
  }
}

function nameOf({ name }: Fields): string {
  return typeof name === 'string' ? toProjectName(name) : '';
}

function isProject({ source }: Fields): boolean {
  const kinds = toFields(source) ?? {};
  return ['editable', 'virtual', 'directory'].some((kind) => Object.hasOwn(kinds, kind));
}

function dependencies(fields: Fields): readonly string[] {
  const lists = [fields.dependencies, ...membersOf(fields, 'optional-dependencies').map(([, list]) => list)];
  return lists.flatMap((list) => (Array.isArray(list) ? list : []).map((item) => nameOf(toFields(item) ?? {})));
}
