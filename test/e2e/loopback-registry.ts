import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { peer } from './peers.ts';

export interface LoopbackRegistry {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** Where it keeps what was committed to it. */
  readonly storage: string;
  stop(): Promise<void>;
}

export interface LoopbackRegistryOptions {
  /** Folder in which its own folder is made; by default the system's temporary one. */
  readonly parent?: string;
  /** Whose tokens it takes; by default it takes everybody. */
  readonly tokens?: { readonly realm: string; readonly service: string; readonly issuer: string; readonly keys: object };
  /** Lines of an htpasswd file, in bcrypt: users who log in with Basic. */
  readonly htpasswd?: string;
  /** Patterns of the addresses of foreign layers that it allows; by default none. */
  readonly foreignUrls?: readonly string[];
}

/** Starts CNCF Distribution with an empty storage of its own. */
export async function startRegistry({
  parent = tmpdir(),
  tokens,
  htpasswd,
  foreignUrls,
}: LoopbackRegistryOptions = {}): Promise<LoopbackRegistry> {
  const folder = await mkdtemp(join(parent, 'registry-'));
  const host = `127.0.0.1:${await freePort()}`;
  const storage = join(folder, 'storage');
  const config = {
    version: '0.1',
    log: { level: 'error' },
    storage: { filesystem: { rootdirectory: storage }, delete: { enabled: true } },
    http: { addr: host },
    ...(foreignUrls === undefined ? {} : { validation: { manifests: { urls: { allow: foreignUrls } } } }),
    ...(tokens === undefined ? {} : { auth: { token: await toTokenConfig(tokens, join(folder, 'jwks.json')) } }),
    ...(htpasswd === undefined ? {} : { auth: { htpasswd: await toPasswordConfig(htpasswd, join(folder, 'htpasswd')) } }),
  };
  // JSON is YAML.
  await writeFile(join(folder, 'config.yml'), JSON.stringify(config));
  const child = spawn(peer('registry'), ['serve', join(folder, 'config.yml')], { stdio: 'ignore' });
  const stop = async () => {
    if (child.exitCode === null && child.kill()) await once(child, 'exit');
    await rm(folder, { recursive: true, force: true });
  };
  for (let round = 0; round < 100; round++) {
    const answer = await fetch(`http://${host}/v2/`).catch(() => undefined);
    if (answer?.ok || answer?.status === 401) return { host, storage, stop };
    await wait(100);
  }
  await stop();
  throw new Error('the registry did not start');
}

async function toPasswordConfig(lines: string, file: string): Promise<object> {
  await writeFile(file, lines);
  return { realm: 'registry', path: file };
}

async function toTokenConfig({ keys, ...names }: Required<LoopbackRegistryOptions>['tokens'], file: string): Promise<object> {
  await writeFile(file, JSON.stringify(keys));
  return { ...names, jwks: file, signingalgorithms: ['ES256'] };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
