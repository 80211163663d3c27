import type { FileRange } from './layout.ts';

/**
 * Keeps some ranges of a file that passes by in windows. What would make it more than the limit is left out, the last ranges first. The memory is
 * used again for the next file.
 */
export class KeptBytes {
  readonly #limitBytes: number;
  #memory = Buffer.alloc(0);
  /** Each with its place in the memory; ascending, apart from each other. */
  #ranges: readonly (FileRange & { readonly at: number })[] = [];
  #end = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** For the next file, of `fileBytes`; the most important range first. */
  begin(ranges: readonly FileRange[], fileBytes: number): void {
    const fitting: FileRange[] = [];
    let total = 0;
    for (const { offset, sizeBytes } of ranges) {
      const within = Math.min(sizeBytes, fileBytes - offset);
      if (!(within > 0) || total + within > this.#limitBytes) continue;
      fitting.push({ offset, sizeBytes: within });
      total += within;
    }
    let at = 0;
    this.#ranges = joinRanges(fitting).map((range) => {
      const placed = { ...range, at };
      at += range.sizeBytes;
      return placed;
    });
    this.#end = 0;
    if (at > this.#memory.length) this.#memory = Buffer.allocUnsafeSlow(Math.min(this.#limitBytes, Math.max(at, 2 * this.#memory.length)));
  }

  /** A window of the file; windows come in order and may overlap. */
  write(window: Buffer, offset: number): void {
    const end = offset + window.length;
    for (const range of this.#ranges) {
      const from = Math.max(range.offset, offset, this.#end);
      const to = Math.min(range.offset + range.sizeBytes, end);
      if (from < to) window.copy(this.#memory, range.at + from - range.offset, from - offset, to - offset);
    }
    this.#end = end;
  }

  /** Bytes that were kept; undefined where one of them was not. Valid until the next file. */
  read(offset: number, sizeBytes: number): Buffer | undefined {
    const range = this.#ranges.find((kept) => offset >= kept.offset && offset + sizeBytes <= kept.offset + kept.sizeBytes);
    if (range === undefined || sizeBytes < 0 || offset + sizeBytes > this.#end) return undefined;
    const at = range.at + offset - range.offset;
    return this.#memory.subarray(at, at + sizeBytes);
  }
}

function joinRanges(ranges: readonly FileRange[]): readonly FileRange[] {
  const joined: { offset: number; sizeBytes: number }[] = [];
  for (const { offset, sizeBytes } of [...ranges].sort((a, b) => a.offset - b.offset)) {
    const before = joined.at(-1);
    const end = before === undefined ? -1 : before.offset + before.sizeBytes;
    if (before !== undefined && offset <= end) before.sizeBytes = Math.max(end, offset + sizeBytes) - before.offset;
    else joined.push({ offset, sizeBytes });
  }
  return joined;
}
