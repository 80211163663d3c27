import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { toAdvisory } from '../../src/advisory/advisory-record.ts';
import { toBase } from '../../src/advisory/ecosystem.ts';
import { readZip } from '../../src/advisory/zip.ts';
import type { Package } from '../../src/model/package.ts';
import { packageOf } from '../advisory/packages.ts';
import { shared } from './peers.ts';

export interface RecordedQuery {
  readonly item: Package;
  /** What the newest recording of the question was answered. */
  readonly ids: readonly string[];
  /** Only older recordings have the question. */
  readonly isOld: boolean;
}

/** What image scans asked api.osv.dev, each (ecosystem, package, version) once. */
export function recordedQueries(): readonly RecordedQuery[] {
  interface Line {
    readonly cassette: string;
    readonly query: { readonly package?: { readonly ecosystem: string; readonly name: string }; readonly version?: string };
    readonly ids: readonly string[];
  }
  const lines = readFileSync(shared('testdata/osv-api/queries.jsonl'), 'utf8').trimEnd().split('\n');
  const unique = new Map<string, RecordedQuery>();
  for (const { cassette, query, ids } of lines.map((line): Line => JSON.parse(line))) {
    const { package: named, version } = query;
    if (named === undefined || version === undefined) continue;
    const key = JSON.stringify([named.ecosystem, named.name, version]);
    const isOld = !/^(?:image|source)-main\//.test(cassette);
    if (isOld && unique.has(key)) continue;
    unique.set(key, { item: packageOf(named.ecosystem, named.name, version), ids, isOld });
  }
  return [...unique.values()];
}

/** Packages in the versions that the records of an ecosystem name, `count` of them, spread evenly over its archive. */
export async function boundaryPackages(base: string, count: number): Promise<Package[]> {
  const packages = new Map<string, Package>();
  for await (const { bytes } of readZip(join(shared('testdata/osv'), base, 'all.zip'))) {
    for (const affected of toAdvisory(JSON.parse(bytes.toString()))?.affected ?? []) {
      const { ecosystem = '', name = '' } = affected.package ?? {};
      if (toBase(ecosystem) !== base) continue;
      const events = (affected.ranges ?? [])
        .filter(({ type }) => type !== 'GIT')
        .flatMap((range) => range.events.flatMap((event) => Object.values(event)));
      for (const version of [...events, affected.versions?.[0], affected.versions?.at(-1)]) {
        if (version === undefined || version === '0') continue;
        packages.set(`${ecosystem} ${name} ${version}`, packageOf(ecosystem, name, version));
      }
    }
  }
  const all = [...packages.values()];
  return all.filter((_, index) => Math.floor((index * count) / all.length) !== Math.floor(((index - 1) * count) / all.length));
}
