import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { advisoryError } from '../advisory-error.ts';
import { readZip } from '../zip.ts';
import type { EcosystemFeed } from './snapshot-writer.ts';

/** Records of a directory in the layout of osv.dev's bucket: of the ecosystems that are named, or of all that it has. */
export async function* openDirectoryFeeds(path: string, ecosystems: readonly string[]): AsyncGenerator<EcosystemFeed> {
  const there = await listEcosystems(path);
  for (const name of chooseEcosystems(ecosystems, there, there, path)) yield { name, records: readZip(join(path, name, 'all.zip')) };
}

/** Those that are named, else `byDefault`. Throws where one is not there; sorted, for equal feeds give an equal snapshot. */
export function chooseEcosystems(
  named: readonly string[],
  there: readonly string[],
  byDefault: readonly string[],
  source: string,
): readonly string[] {
  const missing = named.filter((name) => !there.includes(name));
  if (missing.length > 0 || byDefault.length === 0) {
    const what = missing.length > 0 ? missing.map((name) => JSON.stringify(name)).join(', ') : 'any ecosystem';
    throw advisoryError(
      'no-ecosystem',
      `cannot take advisories of ${what} from ${source}: ${there.length === 0 ? 'it holds no ECOSYSTEM/all.zip' : 'it does not have them'}`,
      `the input ecosystem accepts, without release and as OSV writes them: ${there.join(', ')}`,
    );
  }
  return [...new Set(named.length > 0 ? named : byDefault)].sort();
}

async function listEcosystems(path: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(path);
    const found = await Promise.all(entries.map(async (name) => ((await isFile(join(path, name, 'all.zip'))) ? [name] : [])));
    return found.flat().sort();
  } catch (cause) {
    const hint = 'name a directory that holds ECOSYSTEM/all.zip, e.g. Debian/all.zip';
    throw advisoryError('no-directory', `cannot read advisories from ${path}: ${(cause as Error).message}`, hint, cause);
  }
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}
