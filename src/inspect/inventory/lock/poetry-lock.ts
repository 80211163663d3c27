import { type Fields, textsOf, toFields } from '../document.ts';
import { type Entry, toEntry } from '../entries.ts';
import { toPythonRecord } from '../python-name.ts';
import { isForDevelopment } from './development.ts';
import { parseTomlTables } from './toml-packages.ts';

/**
 * `poetry.lock` (https://python-poetry.org/docs/basic-usage/) and `pdm.lock` (https://pdm-project.org/latest/usage/lockfile/), without the
 * project itself and what is only in groups for development. Poetry 1.5 to 1.8 does not state groups, so all counts there.
 */
export function* parsePoetryLock(content: Buffer): Generator<Entry> {
  for (const fields of parseTomlTables(content, 'package')) {
    if (isShipped(fields)) yield toEntry(toPythonRecord(fields.name, fields.version), fields.name);
  }
}

function isShipped({ category, groups, source, path }: Fields): boolean {
  if (category === 'dev' || toFields(source)?.type === 'directory' || path === '.') return false;
  const stated = textsOf(groups);
  return stated.length === 0 || !stated.every(isForDevelopment);
}
