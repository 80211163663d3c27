import { type Fields, membersOf, parseJsonFields, textsOf, toFields } from '../document.ts';
import { type Entry, toEntry } from '../entries.ts';
import { splitNpmId, toNpmRecord } from '../npm-name.ts';

/**
 * `package-lock.json` and `npm-shrinkwrap.json` of versions 1 to 3 (https://docs.npmjs.com/cli/configuring-npm/package-lock-json), without
 * what is only for development, and without what is no package of a registry: links, workspaces and, in version 1, repositories and archives.
 */
export function* parseNpmLock(content: Buffer): Generator<Entry> {
  const lock = parseJsonFields(content);
  if (lock.packages === undefined) yield* fromTree(lock);
  else yield* fromPlaces(lock);
}

/** Versions 2 and 3: by the folder that each package is installed to. */
function* fromPlaces(lock: Fields): Generator<Entry> {
  for (const [place, value] of membersOf(lock, 'packages')) {
    const start = place.lastIndexOf(folder);
    if (start === -1) continue;
    const fields = toFields(value);
    if (fields === undefined) yield { damaged: place };
    else if (isShipped(fields)) {
      const name = fields.name ?? place.slice(start + folder.length);
      yield toEntry(toNpmRecord(name, fields.version, textsOf(fields.license)), place);
    }
  }
}

const folder = 'node_modules/';

/** npm leaves a place without a version for an optional peer that it did not resolve. */
function isShipped(fields: Fields): boolean {
  return fields.dev !== true && fields.link !== true && fields.version !== undefined;
}

/** Version 1: a tree, walked without recursion as its depth is the file's word. */
function* fromTree(lock: Fields): Generator<Entry> {
  const trees = [lock];
  for (let tree = trees.pop(); tree !== undefined; tree = trees.pop()) {
    for (const [key, value] of membersOf(tree, 'dependencies')) {
      const fields = toFields(value);
      if (fields === undefined) {
        yield { damaged: key };
        continue;
      }
      trees.push(fields);
      if (!isShipped(fields)) continue;
      const [name, version] = resolveAlias(key, fields.version);
      if (!isAddress(version)) yield toEntry(toNpmRecord(name, version), key);
    }
  }
}

/** `"version": "npm:REAL@1.2.3"` */
function resolveAlias(name: string, version: unknown): readonly [name: string, version: unknown] {
  if (typeof version !== 'string' || !version.startsWith('npm:')) return [name, version];
  return splitNpmId(version.slice('npm:'.length)) ?? [name, version];
}

/** `git+ssh://…`, `github:…`, `file:…`, `https://….tgz` */
function isAddress(version: unknown): boolean {
  return typeof version === 'string' && version.includes(':');
}
