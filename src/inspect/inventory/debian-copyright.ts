import type { FileReader } from './file-inspector.ts';
import { parseStanzas } from './stanza.ts';

const copyrightPath = /^usr\/share\/doc\/([^/]+)\/copyright$/;

/**
 * Licences of Debian packages: by their names where the copyright file is machine-readable
 * (https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/), else those whose text it refers to in `common-licenses`, as Debian's
 * policy 12.5 has it. All of them hold, each for some of the package's files.
 */
export const debianCopyrightReader: FileReader = {
  name: 'debian-copyright',
  weight: 'optional',
  isWanted: (path) => path.endsWith('/copyright') && copyrightPath.test(path),
  read(path, content) {
    const owner = copyrightPath.exec(path)?.[1];
    if (owner === undefined) return [];
    const text = content.toString('utf8');
    const { stanzas } = parseStanzas(text);
    const isReadable = /copyright-format/i.test(stanzas[0]?.get('format') ?? '');
    const names = isReadable ? stanzas.flatMap((stanza) => licenceName(stanza.get('license'))) : referredLicences(text);
    if (names.length === 0) return [];
    const licence = [...new Set(names)].sort().slice(0, maxLicences);
    return [{ kind: 'package-note', path, type: 'deb', package: owner, languageFiles: [], licence }];
  },
};

const maxLicences = 50;

/** The first line of a License field names the licence; the rest is its text. */
function licenceName(field: string | undefined): readonly string[] {
  const name = field?.split('\n', 1)[0]?.trim() ?? '';
  return /^[\w.+() /,-]{1,120}$/.test(name) ? [name] : [];
}

/** Whether the version alone is meant or later ones, too, is in the prose: so GNU's names are not those of the readable form, which say it. */
function referredLicences(text: string): readonly string[] {
  const found = [...text.matchAll(/\/usr\/share\/common-licenses\/([A-Za-z][\w.-]{0,40}\w|[A-Za-z])/g)].map(([, name = '']) => name);
  return found.map((name) => (/^(?:GPL|LGPL|GFDL)\b/.test(name) ? `common-licenses/${name}` : name));
}
