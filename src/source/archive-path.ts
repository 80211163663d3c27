/** The one form of a name in an archive: without `./`, leading and doubled `/`; undefined where it leads out of the archive. */
export function cleanPath(name: string): string | undefined {
  const parts: string[] = [];
  for (const part of name.split('/')) {
    if (part === '..') {
      if (parts.pop() === undefined) {
        return undefined;
      }
    } else if (part !== '' && part !== '.') {
      parts.push(part);
    }
  }
  return parts.join('/');
}

/** The cleaned name that a symbolic link at `path` points to; undefined where it leads out of the archive. */
export function linkTarget(path: string, target: string): string | undefined {
  return target.startsWith('/') ? undefined : cleanPath(`${path}/../${target}`);
}
