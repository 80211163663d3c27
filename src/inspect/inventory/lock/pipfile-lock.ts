import { membersOf, parseJsonFields, toFields } from '../document.ts';
import { type Entry, toEntry } from '../entries.ts';
import { toPythonRecord } from '../python-name.ts';

/** `Pipfile.lock` (https://pipenv.pypa.io/en/latest/pipfile.html#pipfile-lock): its `default` packages; those without a version are folders and repositories. */
export function* parsePipfileLock(content: Buffer): Generator<Entry> {
  for (const [name, value] of membersOf(parseJsonFields(content), 'default')) {
    const fields = toFields(value);
    if (fields !== undefined && fields.version === undefined) continue;
    const version = typeof fields?.version === 'string' ? fields.version.replace(/^===?/, '') : undefined;
    yield toEntry(toPythonRecord(name, version), name);
  }
}
