import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { changeArchive } from '../../bench/changed-archive.ts';
import { badShop } from '../../src/sandbox/demo/shop.ts';
import { type LoopbackRegistry, startRegistry } from './loopback-registry.ts';
import { peer } from './peers.ts';
import { expectProgram, runProgram } from './step.ts';

/** The benchmark on a small image: that it measures what its page says, not how fast anything is. */
let folder: string;
let archive: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bench-test-'));
  archive = join(folder, 'shop.tar');
  await writeFile(archive, badShop(randomBytes).archive);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const bench = (...args: readonly string[]) => {
  const program = fileURLToPath(new URL('../../bench/bench.ts', import.meta.url));
  return runProgram(process.execPath, [program, ...args], { env: process.env });
};

test('every program publishes, and the table has a line for each', async () => {
  const { exitCode, stdout, stderr } = await bench('--rows', 'push,gzip,skopeo,crane', archive, '1');
  expect(exitCode, stderr).toBe(0);
  const lines = stdout.split('\n').filter((line) => line.startsWith('| '));
  const titles = lines.map((line) =>
    line
      .split(' | ')[0]
      ?.replace(/^\| /, '')
      .replace(/Node \d+/, 'Node N'),
  );
  expect(titles).toEqual(
    expect.arrayContaining([
      'push alone, gzip, Node N',
      'whole job, gzip, Node N',
      'whole job, gzip, Node N: second push, one line changed',
      'skopeo copy',
      'skopeo copy: second push, one line changed, new machine',
      'crane push',
    ]),
  );
  expect(stdout).not.toContain('NaN');
});

test('a row that there is not is refused, with those that there are', async () => {
  const { exitCode, stdout, stderr } = await bench('--rows', 'gzpi', archive, '1');
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
  expect(stderr).toContain('there are no rows gzpi, only push, ');
});

describe('the archive with one line changed', () => {
  let registry: LoopbackRegistry;
  beforeAll(async () => {
    registry = await startRegistry();
  });
  afterAll(() => registry?.stop());

  async function pushedLayers(path: string, name: string): Promise<readonly string[]> {
    const reference = `${registry.host}/${name}:1`;
    await expectProgram(peer('crane'), ['push', path, reference]);
    await expectProgram(peer('crane'), ['validate', '--remote', reference]);
    const manifest = JSON.parse(await expectProgram(peer('crane'), ['manifest', reference])) as { layers: { digest: string }[] };
    return manifest.layers.map(({ digest }) => digest);
  }

  test('is valid, and differs in one layer', async () => {
    const first = await pushedLayers(archive, 'first');
    const second = await pushedLayers(await changeArchive(archive, folder), 'second');
    expect(second).toHaveLength(first.length);
    expect(second.filter((digest, index) => digest !== first[index])).toHaveLength(1);
  });
});
