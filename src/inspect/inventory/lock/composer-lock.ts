import { toComposerRecord } from '../composer-name.ts';
import { itemsOf, parseJsonFields, toFields } from '../document.ts';
import { type Entry, toEntry } from '../entries.ts';

/** `composer.lock` (https://getcomposer.org/doc/01-basic-usage.md#commit-your-composer-lock-file-to-version-control), without `packages-dev`. */
export function* parseComposerLock(content: Buffer): Generator<Entry> {
  for (const item of itemsOf(parseJsonFields(content), 'packages')) {
    const fields = toFields(item) ?? {};
    yield toEntry(toComposerRecord(fields), fields.name);
  }
}
