import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { peer } from './peers.ts';
import { expectProgram, runProgram } from './step.ts';

/** A package as another program reads it from a bill of materials. */
export interface ReadPackage {
  readonly name: string;
  readonly version: string;
  /** As the program reads it; osv-scanner shows none. */
  readonly purl?: string | undefined;
  /** Source package, layer and file, where the program reads them. */
  readonly source?: string | undefined;
  readonly diffId?: string | undefined;
  readonly path?: string | undefined;
  readonly licences?: readonly string[] | undefined;
  readonly type?: string | undefined;
}

export type SbomFile = 'sbom.cdx.json' | 'sbom.spdx.json';

/** What trivy, syft and osv-scanner read from it. */
export async function readSbom(bytes: Uint8Array, file: SbomFile) {
  const folder = await mkdtemp(join(tmpdir(), 'sbom-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, file);
  await writeFile(path, bytes);
  const env = { ...process.env, HOME: folder };
  return { trivy: await readWithTrivy(path, env), syft: await readWithSyft(path, env), osvScanner: await readWithOsvScanner(path, env) };
}

interface TrivyReport {
  readonly Metadata: { readonly OS?: { readonly Family: string; readonly Name: string }; readonly DiffIDs?: readonly string[] };
  readonly Results?: readonly { readonly Packages?: readonly TrivyPackage[] }[];
}

interface TrivyPackage {
  readonly Name: string;
  readonly Version: string;
  /** Of rpm, which it takes apart. */
  readonly Epoch?: number;
  readonly Release?: string;
  readonly Identifier: { readonly PURL?: string };
  readonly SrcName?: string;
  readonly Layer?: { readonly DiffID?: string };
  readonly FilePath?: string;
  readonly Licenses?: readonly string[];
}

/** Licences are the only thing that it scans for without a database. */
async function readWithTrivy(path: string, env: NodeJS.ProcessEnv) {
  const flags = ['--format', 'json', '--list-all-pkgs', '--scanners', 'license', '--skip-db-update', '--offline-scan', '--quiet'];
  const report = JSON.parse(await expectProgram(peer('trivy'), ['sbom', ...flags, path], { env })) as TrivyReport;
  const packages = (report.Results ?? []).flatMap(({ Packages = [] }) => Packages);
  const read = packages.map(
    (item): ReadPackage => ({
      name: item.Name,
      version: toWholeVersion(item),
      purl: item.Identifier.PURL,
      source: item.SrcName,
      diffId: item.Layer?.DiffID,
      path: item.FilePath,
      licences: item.Licenses,
    }),
  );
  return { system: report.Metadata.OS, diffIds: report.Metadata.DiffIDs, packages: read };
}

function toWholeVersion({ Version, Epoch, Release }: TrivyPackage): string {
  return `${Epoch === undefined ? '' : `${Epoch}:`}${Version}${Release === undefined ? '' : `-${Release}`}`;
}

interface SyftDocument {
  readonly distro: { readonly id?: string; readonly versionID?: string };
  readonly artifacts: readonly {
    readonly name: string;
    readonly version: string;
    readonly type: string;
    readonly purl: string;
    readonly locations: readonly { readonly path: string; readonly layerID?: string }[];
    readonly licenses: readonly { readonly value: string }[];
  }[];
}

async function readWithSyft(path: string, env: NodeJS.ProcessEnv) {
  const document = JSON.parse(await expectProgram(peer('syft'), ['convert', path, '-o', 'syft-json', '-q'], { env })) as SyftDocument;
  const read = document.artifacts.map((item): ReadPackage => {
    const place = item.locations.find(({ layerID }) => layerID !== undefined);
    const licences = item.licenses.map(({ value }) => value);
    return {
      name: item.name,
      version: item.version,
      type: item.type,
      purl: item.purl,
      diffId: place?.layerID,
      path: place?.path,
      licences,
    };
  });
  return { system: document.distro, packages: read };
}

/** It ends with 128 where it finds no vulnerability, as it cannot without a database. */
async function readWithOsvScanner(path: string, env: NodeJS.ProcessEnv): Promise<readonly ReadPackage[]> {
  const output = `${path}.out`;
  const flags = ['--offline', '--all-packages', '--format', 'json', '--output-file', output];
  const { stderr } = await runProgram(peer('osv-scanner'), ['scan', 'source', ...flags, '-L', path], { env });
  const text = await readFile(output, 'utf8').catch(() => Promise.reject(new Error(stderr)));
  const { results } = JSON.parse(text) as { results: readonly { packages: readonly { package: ReadPackage }[] }[] };
  return results.flatMap(({ packages }) => packages.map((item) => item.package));
}
