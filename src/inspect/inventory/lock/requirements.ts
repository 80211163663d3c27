import { type Entry, toEntry } from '../entries.ts';
import { toPythonRecord } from '../python-name.ts';
import { lines } from '../stanza.ts';

/**
 * The packages that a requirements file pins with `==` or `===` (https://pip.pypa.io/en/stable/reference/requirements-file-format/). A range
 * says no version, an address no name; options and other files that it names are passed over. So is what only another system installs.
 */
export function* parseRequirements(content: Buffer): Generator<Entry> {
  for (const line of logicalLines(toText(content))) {
    const [, name, version, rest = ''] = pin.exec(line) ?? [];
    if (name === undefined || version?.includes('*') || isOfOtherSystem(rest)) continue;
    yield toEntry(toPythonRecord(name, version), name);
  }
}

/** Name, extras, operator, version; what follows is a marker, an option or a comment. */
const pin = /^\s*([A-Za-z0-9][A-Za-z0-9._-]{0,250})\s{0,20}(?:\[[^\]]{0,500}\])?\s{0,20}===?\s{0,20}([^\s;,#]{0,300})(.{0,2000})/;

/** A marker that is this alone; any other may be true in the image. */
function isOfOtherSystem(rest: string): boolean {
  return /^\s*;\s*(?:sys_platform|platform_system|os_name)\s*==\s*(['"])(?:win32|cygwin|darwin|windows|nt)\1\s*(?:$|--|#)/i.test(rest);
}

/** A line that ends in a backslash goes on in the next. */
function* logicalLines(text: string): Generator<string> {
  let joined: string[] = [];
  for (const line of lines(text)) {
    if (line.endsWith('\\')) {
      joined.push(line.slice(0, -1));
      continue;
    }
    yield [...joined, line].join(' ');
    joined = [];
  }
  if (joined.length > 0) yield joined.join(' ');
}

/** pip takes UTF-16 by its byte order mark, as PowerShell's `pip freeze > requirements.txt` writes it. */
function toText(content: Buffer): string {
  return content[0] === 0xff && content[1] === 0xfe ? content.toString('utf16le') : content.toString('utf8');
}
