import { type Entry, toEntry, toObservations } from './entries.ts';
import type { FileReader } from './file-inspector.ts';
import { toGemRecord } from './gem-name.ts';
import { isGemSpecification } from './language-file.ts';
import { lines } from './stanza.ts';

/**
 * Installed gems, Ruby's own default gems among them: what RubyGems writes to `specifications/` as it installs
 * (`Gem::Specification#to_ruby`). Its stub line names the gem; the assignments do where there is none, else the file's name.
 */
export const gemSpecificationReader: FileReader = {
  name: 'gem-specifications',
  weight: 'database',
  isWanted: isGemSpecification,
  read: (path, content) => toObservations(path, [toGem(path, content.toString('utf8'))]),
};

function toGem(path: string, text: string): Entry {
  const file = path.slice(path.lastIndexOf('/') + 1, -'.gemspec'.length);
  const named = /^(.+?)-(\d[0-9A-Za-z.]*)(?:-.*)?$/.exec(file);
  let [name, version] = [named?.[1], named?.[2]];
  let licences: readonly string[] = [];
  let found = 0;
  let hasStub = false;
  for (const line of lines(text)) {
    const stub: RegExpExecArray | null = hasStub ? null : /^# stub: (\S+) (\S+) /.exec(line);
    hasStub ||= stub !== null;
    const [, attribute, value] = /^\s*\w+\.(name|version|licenses?)\s*=\s*(.{1,2000})$/.exec(line) ?? [];
    if (stub !== null) [name, version] = [stub[1], stub[2]];
    else if (attribute === 'name') name = strings(value)[0] ?? name;
    else if (attribute === 'version') version = strings(value)[0] ?? version;
    else if (attribute !== undefined) licences = strings(value);
    if (attribute !== undefined && ++found === 3) break;
  }
  return toEntry(toGemRecord(name ?? '', version ?? '', licences), file);
}

/** The string literals of a line, which RubyGems writes with double quotes; by hand, single ones are as usual. */
function strings(line = ''): readonly string[] {
  return [...line.matchAll(/"([^"\\]{0,250})"|'([^'\\]{0,250})'/g)].map(([, double, single]) => double ?? single ?? '');
}
