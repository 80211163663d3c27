import type { Package } from '../../../src/model/package.ts';
import { keyText, type PackageKey, toOwnKey } from './package-key.ts';
import type { Peer } from './peer-inventory.ts';

/** A package that some found and others did not. */
export interface Difference {
  /** `us` for what nobody else found, else who found it: `syft, trivy`. */
  readonly foundBy: string;
  /** As `keyText` gives it. */
  readonly package: string;
}

export interface Comparison {
  /** Packages with a version that syft or trivy found. */
  readonly union: number;
  /** Those of them that we found. */
  readonly covered: number;
  readonly ours: number;
  readonly differences: readonly Difference[];
}

/** What a peer does not tell the version of counts as found where we have the name, and not in the union. */
export function compare(packages: readonly Package[], peers: ReadonlyMap<Peer, readonly PackageKey[]>): Comparison {
  const own = new Map(packages.map((item) => [keyText(toOwnKey(item)), item]));
  const known = new Set(packages.flatMap(keysOf));
  const finders = new Map<string, Peer[]>();
  for (const [peer, keys] of peers) for (const key of keys) finders.set(keyText(key), [...(finders.get(keyText(key)) ?? []), peer]);
  const union = [...finders].filter(([key, by]) => !key.endsWith(' ?') && by.some((peer) => peer !== 'osv-scanner')).map(([key]) => key);
  const misses = [...finders].filter(([key]) => !known.has(key)).map(([key, by]) => ({ foundBy: by.join(', '), package: key }));
  const extras = [...own.values()]
    .filter((item) => !keysOf(item).some((key) => finders.has(key)))
    .map((item) => ({ foundBy: 'us', package: keyText(toOwnKey(item)) }));
  return {
    union: union.length,
    covered: union.filter((key) => known.has(key)).length,
    ours: own.size,
    differences: [...misses, ...extras],
  };
}

/** By its name and by that of its source, under which osv-scanner has packages of distributions, each with and without a version. */
function keysOf(item: Package): readonly string[] {
  const key = toOwnKey(item);
  const source = item.source && toOwnKey({ ...item, name: item.source.name });
  return [key, ...(source === undefined ? [] : [source])].flatMap((one) => [keyText(one), keyText({ ...one, version: '' })]);
}
