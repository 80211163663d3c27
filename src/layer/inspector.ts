import type { Observation } from '../model/observation.ts';

/** A tar entry of a layer as Go's archive/tar reads it. */
export interface LayerEntry {
  /**
   * Cleaned: no leading `/` or `./`, no `..`, no trailing `/`; never empty (the root is not shown). Whiteouts keep their `.wh.` name. Bytes
   * that are not UTF-8 are lone surrogates U+DC80 to U+DCFF, so that two paths are equal only if their bytes are.
   */
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink' | 'hardlink' | 'device' | 'fifo';
  /** Content bytes that follow (0 but for files). */
  readonly sizeBytes: number;
  readonly mode: number;
  /** Target of a symlink as it stands, of a hard link cleaned as `path` is; else empty. */
  readonly linkName: string;
}

/**
 * How much of a file an inspector wants. `whole`: one buffer, where the file is at most `wholeFileLimitBytes`, shared with other
 * inspectors (not to be changed or kept). `stream`: every byte in order, in windows.
 */
export type Interest = 'none' | 'whole' | 'stream';

/**
 * Makes one inspection for each reading of each layer, so that a retry never sees half-fed state. Where a layer has a file of the same path
 * twice, the inspection is ended and a new one made before the second, and what the first said of that path is dropped (secrets and malware
 * stay): so an inspection never sees a file's path twice.
 */
export interface Inspector {
  readonly name: string;
  /** Largest file that it wants whole. Default `wholeFileLimitBytes`. */
  readonly wholeLimitBytes?: number;
  inspect(): LayerInspection;
}

/** Looks at one layer, entry by entry, in the order of the tar. All calls are synchronous and must be fast: they are in the layer pass. */
export interface LayerInspection {
  /**
   * Called for each entry before its content; decides by path, type and size alone, so it must be cheap. `magic` puts the decision off until the
   * first bytes are there.
   */
  entry(entry: LayerEntry): Interest | 'magic';
  /**
   * Decides on an entry for which `entry` gave `magic`, by its first `magicBytes` bytes (all of a shorter file): called before any content of it is
   * shown to this inspection. A file that nobody wants after that costs no more than this call.
   */
  magic(entry: LayerEntry, head: Buffer): Interest;
  /** The whole content of an entry for which `entry` gave `whole`. */
  file(entry: LayerEntry, content: Buffer): void;
  /**
   * A part of an entry for which `entry` gave `stream`. `window` begins with the last `windowOverlapBytes` of the part before (none for
   * the first part); `offset` is the place in the file of the window's first byte; `last` is set on the final part (also of an empty file).
   * Every part but the last is longer than the overlap, so `offset` is 0 for the first part alone.
   */
  window(entry: LayerEntry, window: Buffer, offset: number, last: boolean): void;
  /** A file that was wanted whole and is larger than the limit. The inspector answers with a gap from `end`, or lets it be. */
  tooLarge(entry: LayerEntry): void;
  /** After the last entry. */
  end(): readonly Observation[];
}

/** Largest file that is collected whole. A package database above it is a coverage gap. */
export const wholeFileLimitBytes = 32 * 1024 * 1024;

/** As many first bytes as tell the formats of executables and archives. */
export const magicBytes = 16;

/** Bytes that adjoining windows share: no secret that a rule matches is longer. */
export const windowOverlapBytes = 4 * 1024;
