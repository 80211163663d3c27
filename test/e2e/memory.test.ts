import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeLargeImage } from './large-image.ts';
import { type LoopbackRegistry, startRegistry } from './loopback-registry.ts';
import { openPolicy } from './open-policy.ts';
import { peer } from './peers.ts';
import { expectProgram, startBundle } from './step.ts';

const mebibyte = 1024 * 1024;
const limitBytes = 350 * mebibyte;
let folder: string;
let registry: LoopbackRegistry;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'memory-'));
  registry = await startRegistry({ parent: folder });
  await writeFile(join(folder, 'policy.yml'), openPolicy);
});

afterAll(async () => {
  await registry?.stop();
  await rm(folder, { recursive: true, force: true });
});

it.each([
  ['0.6 GB, in gzip', 6, 100, 'gzip'],
  ['10 GB, in gzip', 3, 3300, 'gzip'],
  ['0.6 GB, in zstd', 12, 50, 'zstd'],
] as const)(
  'an image of %s is published by the packaged step with at most 350 MB of memory',
  async (name, layers, megabytes, compression) => {
    const file = join(folder, 'large.tar');
    await writeLargeImage(file, layers, megabytes * mebibyte);
    const reference = `${registry.host}/${compression}/${layers}:1`;
    const inputs = ['--image', `docker-archive:${file}`, '--push', reference, '--advisories', folder, '--policy', 'policy.yml'];
    const startMs = performance.now();
    const { exitCode, output, peakBytes } = await publish([
      ...inputs,
      '--compression',
      compression,
      '--report',
      join(folder, 'report.json'),
    ]);
    console.log(`${name}: ${Math.round(peakBytes / mebibyte)} MiB, ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
    expect(exitCode, output).toBe(0);
    expect(peakBytes).toBeLessThan(limitBytes);
    expect(peakBytes).toBeGreaterThan(20 * mebibyte);
    await expectProgram(peer('crane'), ['validate', '--fast', '--remote', reference]);
    await rm(file);
  },
);

/** Runs the packaged step, and asks the system for its peak memory until it ends. */
async function publish(inputs: readonly string[]) {
  const { child, ended } = startBundle('cli.js', ['secure', ...inputs], { cwd: folder });
  let isOver = false;
  let peakBytes = 0;
  const asking = (async () => {
    while (!isOver) {
      // VmHWM is the highest there was: what comes between two looks is not missed, but for the last one.
      const status = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => '');
      peakBytes = Math.max(peakBytes, Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024);
      await wait(20);
    }
  })();
  const result = await ended;
  isOver = true;
  await asking;
  return { ...result, peakBytes };
}
