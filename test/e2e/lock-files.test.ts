import { copyFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { lockFileReader } from '../../src/inspect/inventory/lock/lock-file.ts';
import { peer } from './peers.ts';
import { expectProgram } from './step.ts';

/**
 * What we read in lock files that their tools have written, beside what trivy reads in them in a folder (in images it reads few of them). It too leaves out what is
 * for development, where the file says so. It does not read pdm.lock, deno.lock and pnpm-lock.yaml of version 5.
 */
const samples = join(import.meta.dirname, '../inspect/inventory/lock/samples');

interface Compared {
  readonly sample: string;
  readonly file: string;
  readonly onlyTrivy?: readonly string[];
  readonly onlyUs?: readonly string[];
}

/** trivy tells what is for development by the package.json beside yarn.lock; without one it counts all, as we do. */
const compared: readonly Compared[] = [
  // An alias by its own name, and a workspace.
  {
    sample: 'package-lock-1.golden.json',
    file: 'package-lock.json',
    onlyTrivy: ['@shop/tool@file:tool', 'lodash-four@npm:lodash@4.17.15'],
    onlyUs: ['lodash@4.17.15'],
  },
  { sample: 'package-lock-2.golden.json', file: 'package-lock.json', onlyTrivy: ['@shop/tool@1.0.0'] },
  { sample: 'package-lock-3.golden.json', file: 'package-lock.json', onlyTrivy: ['@shop/tool@1.0.0'] },
  { sample: 'yarn-1.golden.lock', file: 'yarn.lock', onlyTrivy: ['lodash-four@4.17.15'], onlyUs: ['lodash@4.17.15'] },
  { sample: 'yarn-4.golden.lock', file: 'yarn.lock', onlyTrivy: ['lodash-four@4.17.15'], onlyUs: ['lodash@4.17.15'] },
  { sample: 'pnpm-8.golden.yaml', file: 'pnpm-lock.yaml' },
  // trivy loses an alias and an optional dependency of the project.
  { sample: 'pnpm-9.golden.yaml', file: 'pnpm-lock.yaml', onlyUs: ['fsevents@2.3.2', 'lodash@4.17.15'] },
  { sample: 'pnpm-11.golden.yaml', file: 'pnpm-lock.yaml', onlyUs: ['fsevents@2.3.2', 'lodash@4.17.15'] },
  // It takes the nested one of two versions for the other.
  { sample: 'bun.golden.lock', file: 'bun.lock', onlyTrivy: ['lodash-four@lodash@4.17.15'], onlyUs: ['lodash@4.17.15', 'ms@0.7.2'] },
  { sample: 'poetry.golden.lock', file: 'poetry.lock' },
  { sample: 'uv.golden.lock', file: 'uv.lock', onlyTrivy: ['shop@1.0.0'] },
  { sample: 'pylock.golden.toml', file: 'pylock.toml' },
  { sample: 'pipfile.golden.lock', file: 'Pipfile.lock' },
  { sample: 'requirements.golden.txt', file: 'requirements.txt' },
  { sample: 'gemfile.golden.lock', file: 'Gemfile.lock', onlyTrivy: ['own@0.1.0'] },
  { sample: 'composer.golden.lock', file: 'composer.lock' },
  { sample: 'cargo.golden.lock', file: 'Cargo.lock', onlyTrivy: ['shop@0.1.0'] },
];

async function readWithTrivy(folder: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const flags = [
    '--cache-dir',
    join(folder, 'cache'),
    '--offline-scan',
    '--skip-db-update',
    '--scanners',
    'license',
    '--list-all-pkgs',
    '--quiet',
  ];
  const stdout = await expectProgram(peer('trivy'), ['fs', ...flags, '--format', 'json', join(folder, 'projects')], {
    env: process.env,
  });
  interface Report {
    readonly Results: readonly {
      readonly Target: string;
      readonly Packages?: readonly { readonly Name: string; readonly Version: string }[];
    }[];
  }
  const { Results } = JSON.parse(stdout) as Report;
  return new Map(
    Results.flatMap(({ Target, Packages }) =>
      Packages === undefined ? [] : [[Target, Packages.map(({ Name, Version }) => toId(Name, Version))]],
    ),
  );
}

function toId(name: string, version: string): string {
  return `${name.replace(/^zope\.event$/, 'zope-event')}@${version}`.toLowerCase();
}

describe('lock files', () => {
  it('say to us what they say to trivy', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'locks-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    for (const { sample, file } of compared) {
      await mkdir(join(folder, 'projects', sample), { recursive: true });
      await copyFile(join(samples, sample), join(folder, 'projects', sample, file));
    }
    const theirs = await readWithTrivy(folder);
    for (const { sample, file, onlyTrivy = [], onlyUs = [] } of compared) {
      const observed = lockFileReader.read(`app/${file}`, await readFile(join(samples, sample)));
      const ours = new Set(
        observed.flatMap((item) => (item.kind === 'packages' ? item.packages.map(({ name, version }) => toId(name, version)) : [])),
      );
      const their = new Set(theirs.get(`${sample}/${file}`));
      expect(their.size, sample).toBeGreaterThan(0);
      expect([...their].filter((id) => !ours.has(id)).sort(), `${sample}: trivy alone`).toEqual(onlyTrivy);
      expect([...ours].filter((id) => !their.has(id)).sort(), `${sample}: we alone`).toEqual(onlyUs);
    }
  });
});
