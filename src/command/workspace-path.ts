import { isAbsolute, relative, sep } from 'node:path';

/** What a path is called in reports and statements, which others read: by its way from the workspace where it is in there, else as it was given. */
export function toWorkspacePath(workspace: string, path: string): string {
  const way = toPathFrom(workspace, path);
  return isAbsolute(path) && way !== '' && isWithin(workspace, path) ? way : path;
}

/** The way to a path from a folder, with `/`; it begins with `../` where it leads out of it. */
export function toPathFrom(folder: string, path: string): string {
  return relative(folder, path).split(sep).join('/');
}

/** Whether a path is in a folder or the folder itself. Links are not followed. */
export function isWithin(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return !isAbsolute(way) && way.split(sep)[0] !== '..';
}
