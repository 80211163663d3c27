import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestOfSnapshot, toSnapshotBytes } from '../../../src/advisory/snapshot/snapshot-bytes.ts';
import { openSnapshotSource } from '../../../src/advisory/snapshot/snapshot-source.ts';
import { type EcosystemFeed, type WrittenSnapshot, writeSnapshot } from '../../../src/advisory/snapshot/snapshot-writer.ts';
import type { AdvisorySource } from '../../../src/model/advisory.ts';

export interface TestSnapshot {
  readonly bytes: Buffer;
  readonly written: WrittenSnapshot;
  readonly source: AdvisorySource;
}

/** Records (or texts) by ecosystem. */
export type Database = Readonly<Record<string, readonly (object | string)[]>>;

export const created = new Date('2026-06-15T12:00:00Z');

/** Writes a snapshot and opens it. */
export async function makeSnapshot(database: Database, { isCurrent = true } = {}): Promise<TestSnapshot> {
  const path = join(mkdtempSync(join(tmpdir(), 'snapshot-')), 'advisories.snapshot');
  const origin = { created, source: 'osv.dev', isCurrent, program: 'image-custody/test' };
  const written = await writeSnapshot(path, origin, toFeeds(database));
  const bytes = readFileSync(path);
  return { bytes, written, source: toSource(bytes) };
}

export function toSource(bytes: Buffer): AdvisorySource {
  const open = async () => toSnapshotBytes(bytes);
  return openSnapshotSource({ name: 'test.snapshot', open, fetchDigest: async () => digestOfSnapshot(await open()) });
}

async function* toFeeds(database: Database): AsyncGenerator<EcosystemFeed> {
  for (const [name, records] of Object.entries(database)) yield { name, records: toFiles(records) };
}

async function* toFiles(records: readonly (object | string)[]) {
  for (const [at, record] of records.entries()) {
    yield { name: `${at}.json`, bytes: Buffer.from(typeof record === 'string' ? record : JSON.stringify(record)) };
  }
}

export function recordOf(id: string, ecosystem: string, name: string, fields: object = {}): { readonly id: string } {
  const ranges = [{ type: 'ECOSYSTEM', events: [{ introduced: '0' }, { fixed: '2.0' }] }];
  const own = { modified: '2026-01-01T00:00:00Z', affected: [{ package: { ecosystem, name }, ranges }] };
  return { id, ...own, ...fields };
}
