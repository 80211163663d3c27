import { membersOf, parseJsonFields, toFields } from '../document.ts';
import { type Entry, toEntry } from '../entries.ts';
import { splitNpmId, toNpmRecord } from '../npm-name.ts';

/** `deno.lock` of versions 2 to 5: its npm packages, `NAME@VERSION_PEERS` (https://docs.deno.com/runtime/fundamentals/modules/#lockfile). */
export function* parseDenoLock(content: Buffer): Generator<Entry> {
  const lock = parseJsonFields(content);
  const holder = lock.version === '2' ? lock.npm : lock.version === '3' ? lock.packages : lock;
  const packages = membersOf(toFields(holder) ?? {}, lock.version === '2' ? 'packages' : 'npm');
  for (const [id] of packages) {
    const [name, version] = splitNpmId(id) ?? [];
    yield toEntry(toNpmRecord(name, version?.split('_', 1)[0]), id);
  }
}
