import { toFields } from '../document.ts';
import { type Entry, toEntry } from '../entries.ts';
import { toPythonRecord } from '../python-name.ts';
import { parseTomlTables } from './toml-packages.ts';

/** `pylock.toml` (https://packaging.python.org/en/latest/specifications/pylock-toml/, PEP 751), without folders and repositories that have no version. */
export function* parsePythonLock(content: Buffer): Generator<Entry> {
  for (const fields of parseTomlTables(content, 'packages')) {
    const isUnversioned = fields.version === undefined && (toFields(fields.directory) ?? toFields(fields.vcs) ?? toFields(fields.archive));
    if (!isUnversioned) yield toEntry(toPythonRecord(fields.name, fields.version), fields.name);
  }
}
