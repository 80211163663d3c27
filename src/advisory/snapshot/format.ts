import { createHash } from 'node:crypto';
import * as v from 'valibot';

/** The blob of a snapshot in a registry. docs/advisories.md, "The snapshot's format". */
export const snapshotMediaType = 'application/vnd.image-custody.advisories.snapshot.v1';
/** The manifest that it is the only layer of. */
export const snapshotArtifactType = 'application/vnd.image-custody.advisories.v1';

/** First and last bytes of a snapshot; the digit is the version of the format. */
export const magic = Buffer.from('\x89ICADV1\n', 'latin1');

/** Behind the header: its length (32 bits, little endian), its SHA-256, and `magic` again. */
export const trailerBytes = 4 + 32 + magic.length;

/** Where a block of packages is closed. Smaller ones compress worse, larger ones take longer for one package. */
export const blockTargetBytes = 64 * 1024;

export const snapshotLimits = {
  fileBytes: 4 * 1024 ** 3,
  headerBytes: 16 * 1024 ** 2,
  /** Of an index or a block, inflated. */
  sectionBytes: 256 * 1024 ** 2,
  ecosystems: 1_000,
  /** Records of one ecosystem that are not in OSV format. */
  damagedRecords: 1_000,
} as const;

/** A compressed piece of the file (brotli, RFC 7932). The digest is over what is in the file, so that nothing is inflated before it is known. */
export interface Section {
  readonly length: number;
  readonly inflatedBytes: number;
  /** Hexadecimal digits. */
  readonly sha256: string;
}

/** Packages, one a line, each under its `nameKey`. */
export interface Block extends Section {
  readonly offset: number;
  readonly keys: readonly string[];
}

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const time = v.pipe(v.string(), v.isoTimestamp());

const sectionSchema = v.strictObject({
  length: count,
  inflatedBytes: v.pipe(count, v.maxValue(snapshotLimits.sectionBytes)),
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
});

const ecosystemSchema = v.strictObject({
  /** Without a release, as osv.dev's folders are named. */
  name: v.string(),
  records: count,
  packages: count,
  /** Newest `modified` of its records. */
  newest: v.optional(time),
  /** Every ecosystem that its records name, with release: what is not among them is not the same as clean. */
  releases: v.array(v.string()),
  /** Records that are not in OSV format, and the packages that their text names; none: it may be any. */
  damaged: v.pipe(v.array(v.strictObject({ file: v.string(), keys: v.array(v.string()) })), v.maxLength(snapshotLimits.damagedRecords)),
  blocksBytes: count,
  index: sectionSchema,
});

export type SnapshotEcosystem = v.InferOutput<typeof ecosystemSchema>;

/** What a snapshot says of itself, as JSON at its end. Its sections lie before it without a gap: of each ecosystem the blocks, then their index. */
export const headerSchema = v.strictObject({
  format: v.literal(1),
  created: time,
  /** Up to when it knows: that time for osv.dev, the newest record of a directory. Absent where there is none. */
  asOf: v.optional(time),
  /** `osv.dev`, an address, or `directory`. */
  source: v.string(),
  /** Name and version of the program that wrote it. */
  program: v.string(),
  ecosystems: v.pipe(v.array(ecosystemSchema), v.maxLength(snapshotLimits.ecosystems)),
});

export type SnapshotHeader = v.InferOutput<typeof headerSchema>;

/**
 * Under which a package is found. Coarser than any ecosystem's own idea of equal names, which the records themselves are held against: so a snapshot
 * hides nothing from a program that knows better than the one which wrote it.
 */
export function nameKey(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, '-');
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
