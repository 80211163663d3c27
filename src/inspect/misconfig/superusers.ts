import type { FileReader } from '../inventory/file-inspector.ts';
import { lines } from '../inventory/stanza.ts';

/** The names of root in `etc/passwd` (passwd(5)): a `USER` may be one of them. */
export const superusersReader: FileReader = {
  name: 'superusers',
  weight: 'optional',
  isWanted: (path) => path === 'etc/passwd',
  read(path, content) {
    const names: string[] = [];
    for (const line of lines(content.toString('utf8'))) {
      const [name = '', , id = ''] = line.split(':', 4);
      if (name !== '' && /^0+$/.test(id)) names.push(name.slice(0, 64));
    }
    return [{ kind: 'superusers', path, names }];
  },
};
