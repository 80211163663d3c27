/** A stretch of a file. */
export interface FileRange {
  readonly offset: number;
  readonly sizeBytes: number;
}

/** A stretch of a file that is mapped to an address when the program is loaded. */
export interface Segment extends FileRange {
  readonly address: number;
  readonly isWritable: boolean;
}

export interface Section extends FileRange {
  readonly name: string;
}

/** What the headers at the beginning of an executable say of the rest. */
export interface Layout {
  /** Those that hold data rather than code. */
  readonly segments: readonly Segment[];
  /** What else has to be kept, for `sections` to be read from it. */
  readonly tables: readonly FileRange[];
  readonly isBigEndian: boolean;
  /** The named sections, from what was kept; none where their table is stripped. */
  sections(read: (offset: number, sizeBytes: number) => Buffer | undefined): readonly Section[];
}

/** More headers than any linker writes. */
export const maxHeaders = 4096;

export function fourBytes(head: Buffer): number {
  return head.length < 4 ? 0 : head.readUInt32BE(0);
}

/** What would have to be read lies outside of what is kept of a program. */
export class UnkeptError extends Error {}
