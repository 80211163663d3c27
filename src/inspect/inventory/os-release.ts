import type { FileReader } from './file-inspector.ts';
import { lines } from './stanza.ts';

/** Where a system says which release it is, best first. The last two stand in where an image lacks os-release. */
export const osReleasePaths = ['etc/os-release', 'usr/lib/os-release', 'etc/alpine-release', 'etc/debian_version'] as const;

/** https://www.freedesktop.org/software/systemd/man/latest/os-release.html */
export const osReleaseReader: FileReader = {
  name: 'os-release',
  weight: 'database',
  isWanted: (path) => (osReleasePaths as readonly string[]).includes(path),
  read(path, content) {
    const fields = path.endsWith('os-release') ? parseFields(content.toString('utf8')) : toFields(path, content.toString('utf8').trim());
    return fields === undefined ? [] : [{ kind: 'os-release', path, fields }];
  },
};

function parseFields(text: string): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const line of lines(text)) {
    const match = /^\s*([A-Z][A-Z0-9_]{0,60})=(.{0,1000})$/.exec(line);
    if (match?.[1] !== undefined && match[2] !== undefined) fields[match[1]] = unquote(match[2].trim());
  }
  if (Object.keys(fields).length === 0 && text.trim() !== '') throw new Error('it has no assignment');
  return fields;
}

/** Shell quoting as far as os-release(5) has it: single or double quotes, a backslash before `"`, `$`, `\` and the backtick. */
function unquote(value: string): string {
  const quoted = /^(["'])(.*)\1/.exec(value);
  const text = quoted?.[2] ?? value;
  return quoted?.[1] === "'" ? text : text.replace(/\\(["$`\\])/g, '$1');
}

/** Ubuntu's `debian_version` names a Debian release that it is not (`bookworm/sid`), so only a number says Debian. */
function toFields(path: string, text: string): Record<string, string> | undefined {
  if (path === 'etc/alpine-release') {
    return /^\d+\.\d+[\w.]{0,40}$/.test(text) ? { ID: 'alpine', VERSION_ID: text, PRETTY_NAME: `Alpine Linux ${text}` } : undefined;
  }
  const major = /^(\d{1,3})(?:\.\d+)*$/.exec(text)?.[1];
  return major === undefined ? undefined : { ID: 'debian', VERSION_ID: major, PRETTY_NAME: `Debian GNU/Linux ${major}` };
}
