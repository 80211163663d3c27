/**
 * Cleans the name of a tar entry as containerd and Docker do before they unpack it (Go's path.Clean, rooted): no leading `/` or `./`, no
 * empty or `.` parts, `a/../b` is `b`, no trailing `/`; the root is ''. Undefined for a name that leads out of the root: containerd
 * lands it inside, Docker refuses it.
 */
export function cleanPath(name: string): string | undefined {
  if (!unclean.test(name)) return name;
  const parts: string[] = [];
  for (const part of name.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) return undefined;
  }
  return parts.join('/');
}

const unclean = /^\/|\/$|\/\/|(?:^|\/)\.\.?(?:\/|$)/;
