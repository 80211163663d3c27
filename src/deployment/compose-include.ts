import { posix } from 'node:path';
import { isSeq, type Node } from 'yaml';
import type { Collection } from './collection.ts';
import { interpolate } from './compose-variable.ts';
import type { ComposeScope, IncludedFile } from './used-image.ts';
import type { YamlDocument } from './yaml-document.ts';

/**
 * The files that a Compose file includes. Several of one entry are put over each other by Compose; here the images of all of them count.
 * https://docs.docker.com/reference/compose-file/include/
 */
export function findIncludedFiles(document: YamlDocument, scope: ComposeScope, collection: Collection): readonly IncludedFile[] {
  return document.items(document.get(document.root, 'include')).flatMap((entry) => {
    const isShort = document.text(entry) !== undefined;
    const paths = readPaths(isShort ? entry : document.get(entry, 'path'), document, scope);
    const folders = readPaths(document.get(entry, 'project_directory'), document, scope);
    const variableFiles = readPaths(document.get(entry, 'env_file'), document, scope);
    const [first] = paths ?? [];
    if (paths !== undefined && first !== undefined && folders !== undefined && variableFiles !== undefined) {
      const folder = folders[0] ?? posix.dirname(first);
      const shared = { as: 'included', by: document.file.path, folder, given: scope.variables } as const;
      return paths.map((path) => ({ ...shared, path, variableFiles: variableFiles.length === 0 ? undefined : variableFiles }));
    }
    collection.remark('error', entry, 'the file that is included here was not read: it is not one of this repository');
    return [];
  });
}

/** A path or a list of them, in the workspace; undefined where one is not known, or leads to another machine. */
function readPaths(node: Node | undefined, document: YamlDocument, scope: ComposeScope): readonly string[] | undefined {
  if (document.isNull(node)) return [];
  const paths = (isSeq(node) ? document.items(node) : [node]).map((item) => toPath(document.text(item), scope));
  return paths.some((path) => path === undefined) ? undefined : paths.filter((path) => path !== undefined);
}

function toPath(text: string | undefined, { variables, folder }: ComposeScope): string | undefined {
  const path = interpolate(text ?? '', variables);
  if (path.kind === 'missing' || path.text === '' || /^[a-z][a-z0-9+.-]*:|^git@/i.test(path.text)) return undefined;
  return resolvePath(folder, path.text);
}

/** `path` as seen from a folder of the workspace. */
export function resolvePath(folder: string, path: string): string {
  return path.startsWith('/') ? posix.normalize(path) : posix.join(folder, path);
}
