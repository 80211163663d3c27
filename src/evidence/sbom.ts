import { createHash } from 'node:crypto';
import { toPackageUrl } from '../lib/package-url.ts';
import type { Digest } from '../model/digest.ts';
import type { Platform } from '../model/image.ts';
import type { Inventory, Package } from '../model/package.ts';

/** The digests of one layer: as it is published, and of its tar. */
export interface SbomLayer {
  readonly digest: Digest;
  readonly diffId: Digest;
}

/** An image, or an index of some. */
export interface NamedImage {
  /** As its user calls it, e.g. `shop` or `registry.example/team/shop`. */
  readonly name: string;
  /** Where it is published, `registry/repository` without tag and digest. */
  readonly repository: string | undefined;
  readonly tag: string | undefined;
  /** Of the manifest; undefined where none was made. */
  readonly digest: Digest | undefined;
  /** Undefined for an index. */
  readonly platform: Platform | undefined;
}

/** What the bill of materials is of: one image for one platform. */
export interface SbomSubject extends NamedImage {
  readonly platform: Platform;
  /** Bottom layer first. */
  readonly layers: readonly SbomLayer[];
}

export interface SbomRequest {
  readonly subject: SbomSubject;
  readonly inventory: Inventory;
  /** Of this program. */
  readonly version: string;
  readonly timestamp: Date;
}

/** A package with the name by which the bill of materials refers to it, which is its own. */
export interface ListedPackage {
  readonly item: Package;
  /** Its purl, with `#2` and so on behind it where several have the same. */
  readonly ref: string;
  readonly layer: SbomLayer | undefined;
}

/** By purl and path, whatever the order of the inventory. */
export function listPackages({ packages }: Inventory, layers: readonly SbomLayer[]): readonly ListedPackage[] {
  const sorted = packages.toSorted((a, b) => compareText(a.purl, b.purl) || compareText(a.path, b.path) || a.layer - b.layer);
  const seen = new Map<string, number>();
  return sorted.map((item) => {
    const count = (seen.get(item.purl) ?? 0) + 1;
    seen.set(item.purl, count);
    return { item, ref: count === 1 ? item.purl : `${item.purl}#${count}`, layer: layers[item.layer] };
  });
}

/** Undefined where there is no digest. https://github.com/package-url/purl-spec/blob/main/types-doc/oci-definition.md */
export function toImagePurl({ name, repository, tag, digest, platform }: NamedImage): string | undefined {
  if (digest === undefined) return undefined;
  const qualifiers = {
    ...(platform !== undefined && { arch: platform.architecture }),
    ...(repository !== undefined && { repository_url: repository }),
    ...(tag !== undefined && { tag }),
  };
  const last = (repository ?? name).split('/').at(-1) || 'image';
  return toPackageUrl({ type: 'oci', name: last.toLowerCase(), version: digest, qualifiers });
}

/** A UUID of a text (RFC 9562, version 8): the same for the same, another one for another. */
export function toUuid(text: string): string {
  const bytes = createHash('sha256').update(text).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** The value as JSON. Half a surrogate pair is JSON to us, written as an escape, and an error to other readers. */
export function toWellFormedJson(value: unknown): string {
  const text = JSON.stringify(value);
  if (!text.includes('\\ud')) return text;
  return JSON.stringify(value, (_key, entry: unknown) => (typeof entry === 'string' ? entry.replace(/\p{Surrogate}/gu, '\ufffd') : entry));
}

/** By code units: the order must not depend on the machine's language. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
