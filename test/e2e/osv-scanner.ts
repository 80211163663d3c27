import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canonicalName, toBase, toSubject } from '../../src/advisory/ecosystem.ts';
import type { AdvisoryMatch } from '../../src/model/advisory.ts';
import type { Package } from '../../src/model/package.ts';
import { packageOf } from '../advisory/packages.ts';
import { peer, shared } from './peers.ts';

/** A package as osv-scanner names it, with the ids of the records that it matches. */
export interface Scanned {
  readonly item: Package;
  readonly ids: readonly string[];
}

/** osv-scanner on the shared database, offline. Undefined where it refuses what it is given. */
export function osvScanner(command: readonly string[]): readonly Scanned[] | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'osv-scanner-'));
  try {
    mkdirSync(join(folder, 'database'));
    symlinkSync(shared('testdata/osv'), join(folder, 'database/osv-scalibr'));
    const output = join(folder, 'scan.json');
    const options = ['--offline', '--local-db-path', join(folder, 'database'), '--all-packages', '--all-vulns', '--format', 'json'];
    const status = run([...command, ...options, '--output-file', output]);
    // 0: nothing found; 1: vulnerabilities found; 128: no packages found.
    if (status === 128) return [];
    return status > 1 ? undefined : readScan(output);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The same of packages that it is told of: a CycloneDX file of their purls. */
export function osvScannerOf(packages: readonly Package[]): readonly Scanned[] {
  const folder = mkdtempSync(join(tmpdir(), 'osv-scanner-sbom-'));
  try {
    const path = join(folder, 'packages.cdx.json');
    const components = packages.map(({ name, version, purl }) => ({ type: 'library', name, version, purl }));
    writeFileSync(path, JSON.stringify({ bomFormat: 'CycloneDX', specVersion: '1.5', components }));
    const scanned = osvScanner(['scan', 'source', '-L', path]);
    if (scanned === undefined) throw new Error('osv-scanner refuses the CycloneDX file');
    return scanned;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** One finding as both name it: distributions by source package. */
export function toLine(item: Package, id: string): string {
  const base = toBase(item.ecosystem ?? '');
  const { name, version } = toSubject(item) ?? item;
  return `${base} ${canonicalName(base, name)} ${version} ${id}`;
}

export function toLines(matches: readonly AdvisoryMatch[]): string[] {
  return [...new Set(matches.map((match) => toLine(match.package, match.advisory.id)))].sort();
}

export function theirLines(scanned: readonly Scanned[]): string[] {
  return [...new Set(scanned.flatMap(({ item, ids }) => ids.map((id) => toLine(item, id))))].sort();
}

function run(args: readonly string[]): number {
  try {
    execFileSync(peer('osv-scanner'), args, { stdio: 'pipe' });
    return 0;
  } catch (error) {
    const { status } = error as { status?: number };
    if (typeof status !== 'number') throw error;
    return status;
  }
}

function readScan(path: string): readonly Scanned[] {
  interface Row {
    readonly package: { readonly name: string; readonly version: string; readonly ecosystem: string };
    readonly vulnerabilities?: readonly { readonly id: string }[];
  }
  const { results } = JSON.parse(readFileSync(path, 'utf8')) as { results: readonly { readonly packages: readonly Row[] }[] };
  return results.flatMap(({ packages }) =>
    packages.map((row) => ({
      item: packageOf(row.package.ecosystem, row.package.name, row.package.version),
      ids: (row.vulnerabilities ?? []).map(({ id }) => id),
    })),
  );
}
