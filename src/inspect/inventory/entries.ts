import type { Observation } from '../../model/observation.ts';
import type { PackageRecord } from '../../model/package.ts';
import { gap } from './file-inspector.ts';

/** One entry of a file that lists packages, or what stands in the place of one that cannot be read. */
export type Entry = PackageRecord | DamagedEntry;

interface DamagedEntry {
  /** The entry as its file names it. */
  readonly damaged: string;
}

/** The record, or the damaged entry of that label where there is none. */
export function toEntry(record: PackageRecord | undefined, label: unknown): Entry {
  return record ?? { damaged: typeof label === 'string' ? label : '' };
}

/**
 * The packages of a file, each once, and a gap where entries are damaged or the rest of the file could not be read: an exception of `entries`
 * keeps the packages before it.
 */
export function toObservations(path: string, entries: Iterable<Entry>): readonly Observation[] {
  const packages = new Map<string, PackageRecord>();
  const damage: string[] = [];
  let damaged = 0;
  let example = '';
  try {
    for (const entry of entries) {
      if ('damaged' in entry) {
        if (damaged === 0) example = JSON.stringify(entry.damaged.slice(0, 80));
        damaged++;
      } else packages.set(`${entry.name} ${entry.version}`, entry);
    }
  } catch (error) {
    damage.push(error instanceof Error ? error.message : 'it cannot be read');
  }
  if (damaged > 0) damage.push(`${damaged} of its entries cannot be read, the first is ${example}`);
  return [
    ...(packages.size > 0 ? [{ kind: 'packages' as const, path, packages: [...packages.values()] }] : []),
    ...(damage.length > 0 ? [gap(path, 'damaged', damage.join('; '))] : []),
  ];
}
