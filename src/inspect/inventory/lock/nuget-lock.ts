import { membersOf, parseJsonFields, toFields } from '../document.ts';
import { type Entry, toEntry } from '../entries.ts';
import { toNugetRecord } from '../nuget-name.ts';

/** `packages.lock.json` (https://learn.microsoft.com/nuget/consume-packages/package-references-in-project-files#locking-dependencies), of all target frameworks. */
export function* parseNugetLock(content: Buffer): Generator<Entry> {
  const lock = parseJsonFields(content);
  for (const [framework] of membersOf(lock, 'dependencies')) {
    for (const [name, value] of membersOf(toFields(lock.dependencies) ?? {}, framework)) {
      const fields = toFields(value) ?? {};
      if (fields.type !== 'Project') yield toEntry(toNugetRecord(name, fields.resolved), name);
    }
  }
}
