import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readIssued } from './canary/credentials.ts';
import { type Programs, packPrograms } from './canary/programs.ts';
import { fromFiles, fromRegistry, fromVault, toAzure } from './canary/scenes.ts';
import { CanarySearch } from './canary/search.ts';
import { type CanaryWorld, openCanaryWorld } from './canary/world.ts';

/**
 * The thread that reads images has no credential: not in its heap at the end of a whole run, nor in anything that it was sent. The heap of the main thread,
 * taken at the same moment, has them: the search finds what is there.
 */

const recorder = fileURLToPath(new URL('canary/heap-recorder.mjs', import.meta.url));

/** More than the words in planted values that the inspectors of secrets look for. */
const enoughBytes = 20;

let programs: Programs;
let world: CanaryWorld;
let runs = 0;

beforeAll(async () => {
  programs = await packPrograms();
  world = await openCanaryWorld(programs.folder);
});

afterAll(async () => {
  await world.close();
  await programs.remove();
});

it.each([
  ['github', 'secrets and key of the vault', fromVault, ['token of registry password', 'token of entra', 'request token of GitHub']],
  ['azure-pipelines', 'secrets and key of the vault', fromVault, ['token of registry password', 'token of entra', 'token of the job']],
  ['cli', 'secrets and key of the vault', fromVault, ['token of registry password', 'token of entra', 'client secret']],
  ['github', 'Azure Container Registry, through a proxy', toAzure, ['proxy password', 'token of entra']],
  ['cli', 'a password and a key file', fromFiles, ['token of registry password']],
  ['cli', 'an image of a registry', fromRegistry, ['token of registry password', 'client secret']],
] as const)('%s: %s', async (host, _what, set, held) => {
  const folder = join(world.place.folder, `heaps-${runs++}`);
  await mkdir(folder);
  const scene = await set(world);
  const { exitCode, errors, exchanges } = await world.run(
    host,
    { ...scene, env: { ...scene.env, CANARY_HEAPS: folder, CANARY_PROGRAM: pathToFileURL(join(programs.folder, `${host}.js`)).href } },
    { program: recorder },
  );
  expect(exitCode, errors.join('\n')).toBe(0);

  const search = new CanarySearch([...world.planted, ...readIssued(exchanges)]);
  const find = async (file: string) => {
    const sightings = search.find(await readFile(join(folder, file)));
    return new Set(sightings.filter(({ sizeBytes }) => sizeBytes >= enoughBytes).map(({ canary }) => canary));
  };
  expect((await readdir(folder)).toSorted()).toEqual(['main.heapsnapshot', 'thread-0.heapsnapshot', 'thread-0.messages']);
  expect(await find('thread-0.heapsnapshot')).toEqual(new Set());
  expect(await find('thread-0.messages')).toEqual(new Set());
  const onMain = await find('main.heapsnapshot');
  expect([...onMain]).toEqual(expect.arrayContaining([...held]));
  // It is the thread that has read the image.
  expect((await readFile(join(folder, 'thread-0.heapsnapshot'))).includes('var/lib/dpkg/status')).toBe(true);
});
