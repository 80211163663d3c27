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
  /** Notes of the linker. */
  readonly notes: readonly FileRange[];
  /** What else has to be kept, for `section` to be read from it. */
  readonly tables: readonly FileRange[];
  /** The section of that name, by what was kept; undefined where there is none, or where the names of sections are stripped. */
  section(name: string, read: (offset: number, sizeBytes: number) => Buffer | undefined): FileRange | undefined;
}

/** More headers than any linker writes. */
export const maxHeaders = 4096;

export function fourBytes(head: Buffer): number {
  return head.length < 4 ? 0 : head.readUInt32BE(0);
}

/** What would have to be read lies outside of what is kept of a program. */
export class UnkeptError extends Error {}
