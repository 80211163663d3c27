import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { PackageType } from '../../../src/model/package.ts';
import { peer, shared } from '../peers.ts';
import { runProgram, type StepResult } from '../step.ts';
import { cached } from './cached-output.ts';
import { keyText, normalize, type PackageKey, purlToKey } from './package-key.ts';

export type Peer = 'syft' | 'trivy' | 'osv-scanner';

/** What a program finds in an archive of one image; a text where it refuses it. */
export async function findWith(program: Peer, archive: string): Promise<readonly PackageKey[] | string> {
  const found = await cached(program, 'packages', archive, () => inEmptyFolder((folder) => finders[program](archive, folder)));
  if (typeof found === 'string') return found;
  return [
    ...new Map(
      found.map((item) => (typeof item === 'string' ? purlToKey(item) : normalize(item))).map((key) => [keyText(key), key]),
    ).values(),
  ];
}

/** Purls, or keys where there is none; what it wrote to standard error where it found nothing to say. */
type Found = readonly (string | PackageKey)[] | string;

const finders: Readonly<Record<Peer, (archive: string, folder: string) => Promise<Found>>> = {
  syft: findWithSyft,
  trivy: findWithTrivy,
  'osv-scanner': findWithOsvScanner,
};

async function inEmptyFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'comparison-'));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function findWithSyft(archive: string, folder: string): Promise<Found> {
  const { result, document } = await scanWithSyft(archive, folder);
  if (document === undefined) return reasonOf(result);
  return document.artifacts.map(({ type, name, version, purl }) => (purl === '' ? { type, name, version } : purl));
}

interface SyftArtifact extends PackageKey {
  readonly purl: string;
  readonly licenses: readonly { readonly value: string; readonly spdxExpression: string }[];
}

async function scanWithSyft(archive: string, folder: string) {
  const out = join(folder, 'out.json');
  const env = { ...process.env, SYFT_CHECK_FOR_APP_UPDATE: 'false', SYFT_CACHE_DIR: folder };
  const result = await runProgram(peer('syft'), ['scan', archive, '-o', `syft-json=${out}`, '-q'], { env });
  return { result, document: await readOutput<{ artifacts: readonly SyftArtifact[] }>(out) };
}

/** The licences that syft finds in an archive, by package (`keyText`), as SPDX expressions where it knows one. */
export async function findLicences(archive: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = await cached('syft', 'licences', archive, () => inEmptyFolder((folder) => scanWithSyft(archive, folder)));
  if (found.document === undefined) throw new Error(reasonOf(found.result));
  return new Map(
    found.document.artifacts.map(({ purl, licenses }) => {
      return [keyText(purlToKey(purl)), licenses.map(({ value, spdxExpression }) => spdxExpression || value)];
    }),
  );
}

/** Its database of Java archives is not to be had here; with an empty one it goes by what the archives say of themselves. */
async function findWithTrivy(archive: string, folder: string): Promise<Found> {
  const out = join(folder, 'out.json');
  await writeEmptyJavaDatabase(join(folder, 'java-db'));
  const flags = ['--cache-dir', folder, '--skip-db-update', '--skip-java-db-update', '--offline-scan', '--quiet'];
  const result = await runProgram(peer('trivy'), ['image', ...flags, '--format', 'cyclonedx', '--output', out, '--input', archive], {
    env: process.env,
  });
  const bom = await readOutput<{ components: readonly { type: string; purl?: string }[] }>(out);
  if (bom === undefined) return reasonOf(result);
  return bom.components.flatMap(({ purl }) => purl ?? []);
}

/** https://github.com/aquasecurity/trivy-java-db/blob/main/pkg/db/db.go */
async function writeEmptyJavaDatabase(folder: string): Promise<void> {
  await mkdir(folder);
  const database = new DatabaseSync(join(folder, 'trivy-java.db'));
  database.exec('CREATE TABLE artifacts(id INTEGER PRIMARY KEY, group_id TEXT, artifact_id TEXT)');
  database.exec('CREATE TABLE indices(artifact_id INTEGER, version TEXT, sha1 BLOB, archive_type TEXT)');
  database.close();
  const [past, future] = ['2026-01-01T00:00:00Z', '2099-01-01T00:00:00Z'];
  const metadata = { Version: 1, NextUpdate: future, UpdatedAt: past, DownloadedAt: past };
  await writeFile(join(folder, 'metadata.json'), JSON.stringify(metadata));
}

/** It names packages of a distribution by their source. */
async function findWithOsvScanner(archive: string, folder: string): Promise<Found> {
  await symlink(shared('testdata/osv'), join(folder, 'osv-scalibr'));
  const out = join(folder, 'out.json');
  const flags = ['--archive', '--all-packages', '--offline', '--local-db-path', folder, '--format', 'json', '--output-file', out];
  const result = await runProgram(peer('osv-scanner'), ['scan', 'image', ...flags, archive], { env: process.env });
  interface Scanned {
    readonly package: { readonly ecosystem: string; readonly name: string; readonly version: string };
  }
  const report = await readOutput<{ results: readonly { packages: readonly Scanned[] }[] }>(out);
  if (report === undefined) return reasonOf(result);
  return report.results.flatMap(({ packages }) =>
    packages.map(({ package: { ecosystem, name, version } }) => ({ type: toType(ecosystem), name, version })),
  );
}

/** Of what is not in the table the ecosystem itself. */
function toType(ecosystem: string): string {
  const name = ecosystem.split(':', 1)[0] ?? '';
  return types.get(name) ?? name;
}

/** https://ossf.github.io/osv-schema/#defined-ecosystems */
const types: ReadonlyMap<string, PackageType> = new Map([
  ['Debian', 'deb'],
  ['Ubuntu', 'deb'],
  ['Alpine', 'apk'],
  ['Wolfi', 'apk'],
  ['Chainguard', 'apk'],
  ['Red Hat', 'rpm'],
  ['Rocky Linux', 'rpm'],
  ['AlmaLinux', 'rpm'],
  ['npm', 'npm'],
  ['PyPI', 'pypi'],
  ['Go', 'golang'],
  ['Maven', 'maven'],
  ['RubyGems', 'gem'],
  ['Packagist', 'composer'],
  ['crates.io', 'cargo'],
  ['NuGet', 'nuget'],
]);

async function readOutput<T>(path: string): Promise<T | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text === '' ? undefined : JSON.parse(text);
}

function reasonOf({ exitCode, stderr }: StepResult): string {
  return `it ended with ${exitCode}: ${stderr.trim().split('\n').at(-1)?.slice(0, 300)}`;
}
