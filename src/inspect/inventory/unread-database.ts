import { type FileReader, gap } from './file-inspector.ts';

const databases: readonly { readonly manager: string; readonly path: RegExp }[] = [
  { manager: 'pacman', path: /^var\/lib\/pacman\/local\/ALPM_DB_VERSION$/ },
  { manager: 'opkg', path: /^(?:usr\/lib|var\/lib)\/opkg\/status$/ },
];

/** Databases of package managers that are not read: without the gap, an image of such a distribution would pass for one without packages. */
export const unreadDatabaseReader: FileReader = {
  name: 'unread-databases',
  weight: 'database',
  isWanted: (path) => databases.some((database) => database.path.test(path)),
  read(path, content) {
    const manager = databases.find((database) => database.path.test(path))?.manager;
    if (manager === undefined || content.length === 0) return [];
    return [gap(path, 'unsupported', `databases of ${manager} are not read, so none of its packages is known`)];
  },
};
