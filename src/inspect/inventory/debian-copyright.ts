import type { FileReader } from './file-inspector.ts';
import { parseStanzas } from './stanza.ts';

const copyrightPath = /^usr\/share\/doc\/([^/]+)\/copyright$/;

/** Licences of Debian packages, where the copyright file is machine-readable (https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/). */
export const debianCopyrightReader: FileReader = {
  name: 'debian-copyright',
  weight: 'optional',
  isWanted: (path) => path.endsWith('/copyright') && copyrightPath.test(path),
  read(path, content) {
    const owner = copyrightPath.exec(path)?.[1];
    if (owner === undefined) return [];
    const { stanzas } = parseStanzas(content.toString('utf8'));
    if (!/copyright-format/i.test(stanzas[0]?.get('format') ?? '')) return [];
    const names = new Set(stanzas.flatMap((stanza) => licenceName(stanza.get('license'))));
    if (names.size === 0) return [];
    return [{ kind: 'package-note', path, type: 'deb', package: owner, languageFiles: [], licence: [...names].sort().join(', ') }];
  },
};

/** The first line of a License field names the licence; the rest is its text. */
function licenceName(field: string | undefined): readonly string[] {
  const name = field?.split('\n', 1)[0]?.trim() ?? '';
  return /^[\w.+() /-]{1,80}$/.test(name) ? [name] : [];
}
