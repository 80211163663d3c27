import { toComposerRecord } from './composer-name.ts';
import { itemsOf, parseJson, toFields } from './document.ts';
import { type Entry, toEntry, toObservations } from './entries.ts';
import type { FileReader } from './file-inspector.ts';
import { isComposerInstalled } from './language-file.ts';

/** What Composer has installed: `vendor/composer/installed.json`, a list (Composer 1) or an object with one (Composer 2). */
export const composerInstalledReader: FileReader = {
  name: 'composer-packages',
  weight: 'database',
  isWanted: isComposerInstalled,
  read: (path, content) => toObservations(path, installed(content)),
};

function* installed(content: Buffer): Generator<Entry> {
  const document = parseJson(content);
  const fields = toFields(Array.isArray(document) ? { packages: document } : document);
  if (fields === undefined) throw new Error('it is not a list of packages');
  for (const item of itemsOf(fields, 'packages')) {
    const one = toFields(item) ?? {};
    yield toEntry(toComposerRecord(one), one.name);
  }
}
