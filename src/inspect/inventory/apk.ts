import type { Observation, PackageNoteObservation } from '../../model/observation.ts';
import type { PackageRecord } from '../../model/package.ts';
import { type FileReader, gap } from './file-inspector.ts';
import { isLanguageFile } from './language-file.ts';
import { lines, toStatement } from './stanza.ts';

/** apk's database of installed packages (https://wiki.alpinelinux.org/wiki/Apk_spec, "Installed Database V2"); apk-tools 3 on a merged /usr keeps it in `usr/lib`. */
export const apkReader: FileReader = {
  name: 'apk',
  weight: 'database',
  isWanted: (path) => path === 'lib/apk/db/installed' || path === 'usr/lib/apk/db/installed',
  read: readInstalled,
};

function readInstalled(path: string, content: Buffer): readonly Observation[] {
  const packages: PackageRecord[] = [];
  const notes: PackageNoteObservation[] = [];
  let damaged = 0;
  let example = '';
  for (const entry of entries(content.toString('utf8'))) {
    const record = toRecord(entry.fields);
    if (record === undefined || entry.broken > 0) {
      damaged++;
      example ||= JSON.stringify((entry.fields.get('P') ?? '').slice(0, 80));
    }
    if (record === undefined) continue;
    packages.push(record);
    if (entry.files.length > 0) {
      const languageFiles = entry.files.filter(isLanguageFile);
      notes.push({ kind: 'package-note', path, type: 'apk', package: record.name, languageFiles, fileList: entry.files.join('\n') });
    }
  }
  const gaps = damaged > 0 ? [gap(path, 'damaged', `${damaged} of its entries cannot be read, the first is of package ${example}`)] : [];
  return [{ kind: 'packages', path, packages }, ...notes, ...gaps];
}

interface Entry {
  readonly fields: ReadonlyMap<string, string>;
  readonly files: readonly string[];
  readonly broken: number;
}

/** Entries are set apart by empty lines; a line is a letter, a colon and the value; `F:` names a folder and `R:` a file in it. */
function* entries(text: string): Generator<Entry> {
  let fields = new Map<string, string>();
  let files: string[] = [];
  let folder = '';
  let broken = 0;
  for (const line of lines(text)) {
    if (line.trim() === '') {
      if (fields.size > 0 || broken > 0) yield { fields, files, broken };
      [fields, files, folder, broken] = [new Map(), [], '', 0];
      continue;
    }
    const [key, value] = [line.charAt(0), line.slice(2)];
    if (line.charAt(1) !== ':' || !/[A-Za-z]/.test(key)) broken++;
    else if (key === 'F') folder = value;
    else if (key === 'R') files.push(folder === '' ? value : `${folder}/${value}`);
    else if (!fields.has(key)) fields.set(key, value.trim());
  }
  if (fields.size > 0 || broken > 0) yield { fields, files, broken };
}

function toRecord(fields: ReadonlyMap<string, string>): PackageRecord | undefined {
  const [name, version] = [fields.get('P') ?? '', fields.get('V') ?? ''];
  if (!packageName.test(name) || !packageVersion.test(version)) return undefined;
  const [architecture, licence, origin] = [fields.get('A'), fields.get('L'), fields.get('o')];
  return {
    type: 'apk',
    name,
    version,
    ...(origin !== undefined && packageName.test(origin) ? { source: { name: origin, version } } : {}),
    ...(architecture !== undefined && packageName.test(architecture) ? { architecture } : {}),
    ...(licence === undefined || licence === '' ? {} : { licence: toStatement(licence, 500) }),
  };
}

const packageName = /^[A-Za-z0-9.][A-Za-z0-9.+_-]{0,250}$/;
const packageVersion = /^[A-Za-z0-9][A-Za-z0-9.+:~_-]{0,250}$/;
