import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** Path of a real program that `../shared/peers/install NAME` or `test/e2e/install-peers NAME` has built. Throws, saying how to install it, where it is not there. */
export function peer(name: string): string {
  const path = join(process.env.PEERS_BIN ?? join(homedir(), '.cache/image-custody/peers/bin'), name);
  if (!existsSync(path))
    throw new Error(`${name} is not installed: run ../shared/peers/install ${name}, or test/e2e/install-peers ${name}`);
  return path;
}

/** Path of shared test data, e.g. `shared('testdata/osv')`. Throws where it is not there. */
export function shared(path: string): string {
  const absolute = resolve(import.meta.dirname, '../../../shared', path);
  if (!existsSync(absolute)) throw new Error(`no shared test data at ${absolute}`);
  return absolute;
}
