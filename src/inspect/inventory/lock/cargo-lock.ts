import semver from 'semver';
import type { PackageRecord } from '../../../model/package.ts';
import type { Fields } from '../document.ts';
import { type Entry, toEntry } from '../entries.ts';
import { parseTomlTables } from './toml-packages.ts';

/** `Cargo.lock` (https://doc.rust-lang.org/cargo/guide/cargo-toml-vs-cargo-lock.html). What has no source are the project's own crates. */
export function* parseCargoLock(content: Buffer): Generator<Entry> {
  for (const fields of parseTomlTables(content, 'package')) {
    if (fields.source !== undefined || typeof fields.name !== 'string') yield toEntry(toRecord(fields), fields.name);
  }
}

function toRecord({ name, version }: Fields): PackageRecord | undefined {
  if (typeof name !== 'string' || typeof version !== 'string' || !/^[A-Za-z0-9_-]{1,64}$/.test(name)) return undefined;
  return version.length > 256 || semver.valid(version) === null ? undefined : { type: 'cargo', name, version };
}
