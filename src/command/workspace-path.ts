import { isAbsolute, relative, sep } from 'node:path';

/** What a path is called in reports and statements, which others read: by its way from the workspace where it is in there, else as it was given. */
export function toWorkspacePath(workspace: string, path: string): string {
  const inside = relative(workspace, path);
  const isInside = inside !== '' && !isAbsolute(inside) && inside.split(sep)[0] !== '..';
  return isAbsolute(path) && isInside ? inside.split(sep).join('/') : path;
}
