import { type Entry, toEntry } from '../entries.ts';
import { toGemRecord } from '../gem-name.ts';
import { lines } from '../stanza.ts';

/**
 * `Gemfile.lock` (https://bundler.io/guides/gemfile_lock.html): the gems of its GEM and GIT sections, once for all platforms. Those of a PATH are the project's own. It
 * does not say which groups a gem is for.
 */
export function* parseGemfileLock(content: Buffer): Generator<Entry> {
  let section = '';
  for (const line of lines(content.toString('utf8'))) {
    if (/^[A-Z<>=]/.test(line)) section = line;
    if (/^[<>=]{7}/.test(line)) yield { damaged: line };
    if (section !== 'GEM' && section !== 'GIT') continue;
    const [, name, version = ''] = /^ {4}([^\s(]{1,300})(?: \(([^()\s]{1,300})\))?$/.exec(line) ?? [];
    if (name !== undefined) yield toEntry(toGemRecord(name, version.split('-', 1)[0] ?? ''), name);
  }
}
