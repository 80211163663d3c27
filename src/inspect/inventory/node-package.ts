import type { Observation } from '../../model/observation.ts';
import { parseJsonFields, textsOf, toFields } from './document.ts';
import type { FileReader } from './file-inspector.ts';
import { toNpmRecord } from './npm-name.ts';

const rootPath = /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/@.][^/]*)\/package\.json$/;
const yarnPath = /^opt\/(yarn)-v[^/]+\/package\.json$/;
/** Corepack keeps the package managers that it runs (`COREPACK_HOME`), Deno the npm packages (`DENO_DIR`). */
const corepackPath = /(?:^|\/)corepack\/(?:v\d+\/)?(npm|pnpm|yarn)\/\d[^/]*\/package\.json$/;
const denoPath = /(?:^|\/)npm\/[^/]+\.[^/]+\/((?:@[^/]+\/)?[^/@.][^/]*)\/\d[^/]*\/package\.json$/;
const places = [rootPath, yarnPath, corepackPath, denoPath];

/**
 * Installed npm packages: each `package.json` that stands at the root of a package in a `node_modules` folder at any depth, where Node looks for
 * it (also npm's own, pnpm's and global ones), Yarn where the official Node images unpack it, and what Corepack and Deno have fetched. Others, which syft and osv-scanner also take,
 * are a package's test fixtures, its `{"type": "module"}` markers or the application itself: nothing that npm has installed.
 */
export const nodePackageReader: FileReader = {
  name: 'node-packages',
  weight: 'database',
  isWanted: (path) => path.endsWith('/package.json') && places.some((place) => place.test(path)),
  read: readPackage,
};

/** What has no version, or none that is one, cannot have come from a registry. */
function readPackage(path: string, content: Buffer): readonly Observation[] {
  const manifest = parseJsonFields(content);
  const name = typeof manifest.name === 'string' && manifest.name !== '' ? manifest.name : folderName(path);
  const licences = licenceNames(manifest.license);
  const record = toNpmRecord(name, manifest.version, licences.length > 0 ? licences : licenceNames(manifest.licenses));
  return record === undefined ? [] : [{ kind: 'packages', path, packages: [record] }];
}

function folderName(path: string): string | undefined {
  for (const place of places) {
    const name = place.exec(path)?.[1];
    if (name !== undefined) return name;
  }
  return undefined;
}

/** `license` is an SPDX expression today; it was an object, or a list of them, in old packages. */
function licenceNames(field: unknown): readonly string[] {
  return (Array.isArray(field) ? field : [field]).flatMap((licence: unknown) => textsOf(toFields(licence)?.type ?? licence));
}
