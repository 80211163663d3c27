import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { peer } from '../peers.ts';

/** Folder of the machine in which results are kept that take long to make. */
export const cacheFolder = process.env.IMAGE_CUSTODY_CACHE ?? join(homedir(), '.cache/image-custody');

/** What a program said of a file when asked for `topic`, from the cache where this version of it was asked about these bytes before. */
export async function cached<T>(program: string, topic: string, file: string, run: () => Promise<T>): Promise<T> {
  const path = join(cacheFolder, 'comparison', await versionOf(program), `${await digestOf(file)}.${topic}.json`);
  const known = await readFile(path, 'utf8').catch(() => undefined);
  if (known !== undefined) return JSON.parse(known);
  const result = await run();
  await mkdir(dirname(path), { recursive: true });
  // Whoever dies while writing leaves no half of it.
  await writeFile(`${path}.${process.pid}`, JSON.stringify(result));
  await rename(`${path}.${process.pid}`, path);
  return result;
}

/** `syft@v1.42.0`: the installer leaves it beside the program. */
async function versionOf(program: string): Promise<string> {
  const stamps = (await readdir(dirname(peer(program)))).filter((name) => basename(name).startsWith(`.${program}@`));
  if (stamps[0] === undefined || stamps.length > 1) throw new Error(`${program} has ${stamps.length} versions: install it anew`);
  return stamps[0].slice(1);
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
