import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { bundleOptions } from '../scripts/bundle-options.ts';
import { toSubject } from '../src/advisory/ecosystem.ts';
import { openDirectoryFeeds } from '../src/advisory/snapshot/directory-feed.ts';
import { writeSnapshot } from '../src/advisory/snapshot/snapshot-writer.ts';
import type { Package } from '../src/model/package.ts';
import { boundaryPackages, recordedQueries } from '../test/e2e/advisory-packages.ts';
import { shared } from '../test/e2e/peers.ts';
import type { Command } from './measure.ts';

const packageCount = 1_000;
const packagesOfEach = 500;

const root = fileURLToPath(new URL('..', import.meta.url));

export interface AdvisoryWork {
  readonly program: string;
  readonly directory: string;
  readonly snapshot: string;
  readonly snapshotBytes: number;
  /** Of the archives that it was made of. */
  readonly zippedBytes: number;
  readonly packages: string;
}

/** Bundles the program, makes a snapshot of the shared database, and chooses the packages. */
export async function prepareAdvisories(folder: string): Promise<AdvisoryWork> {
  const directory = shared('testdata/osv');
  const [snapshot, packages, outdir] = ['all.snapshot', 'packages.json', 'advisories'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  await build({ ...bundleOptions, entryPoints: ['bench/match-advisories.ts'], absWorkingDir: root, outdir, logLevel: 'error' });
  await writeFile(join(outdir, 'package.json'), '{ "type": "module" }\n');
  const origin = { created: new Date(), source: 'directory', isCurrent: false, program: 'bench' };
  const { header, sizeBytes } = await writeSnapshot(snapshot, origin, openDirectoryFeeds(directory, []));
  const sizes = await Promise.all(header.ecosystems.map(async ({ name }) => (await stat(join(directory, name, 'all.zip'))).size));
  const zippedBytes = sizes.reduce((sum, size) => sum + size, 0);
  const chosen = await choosePackages(header.ecosystems.map(({ name }) => name));
  await writeFile(packages, JSON.stringify(chosen));
  return { program: join(outdir, 'match-advisories.js'), directory, snapshot, snapshotBytes: sizeBytes, zippedBytes, packages };
}

/** What scans of real images asked osv.dev, and packages that the records name, of all ecosystems, up to 1,000. */
async function choosePackages(ecosystems: readonly string[]): Promise<readonly Package[]> {
  const named = (await Promise.all(ecosystems.map((name) => boundaryPackages(name, packagesOfEach)))).flat();
  const once = new Map(named.map((item) => [`${item.ecosystem} ${item.name}`, item]));
  const all = [...recordedQueries().map(({ item }) => item), ...once.values()].filter((item) => toSubject(item) !== undefined);
  if (all.length < packageCount) throw new Error(`only ${all.length} packages`);
  return all.slice(0, packageCount);
}

/** One process that loads a source and matches the 1,000 packages. */
export function matchCommand(work: AdvisoryWork, kind: 'snapshot' | 'directory', node: string): Command {
  return { program: node, args: [work.program, kind, work[kind], work.packages] };
}
