/**
 * Finds where any of a few byte sequences may begin, in one pass at memory speed: a SIMD program (WebAssembly) looks at three bytes of 16
 * places at once and answers candidates, which the caller checks. One pass of `Buffer.indexOf` for each sequence takes five times as long,
 * and a regular expression over latin1 text ten times (bench: `test/e2e/inventory.test.ts` prints the rate).
 *
 * The method is "Teddy" (Hyperscan; also in Rust's aho-corasick): for each of the three places two tables of 16 bytes, indexed by the low
 * and the high half of a byte, hold a bit for each of at most eight patterns; a pattern may be there where its bit survives all six.
 */
export interface AnchorScanner {
  /** Calls `visit`, which must not scan in turn, with the offset in `content` of each candidate, in order. */
  scan(content: Uint8Array, visit: (offset: number) => void): void;
  /** How many line feeds `content` has. */
  countLines(content: Uint8Array): number;
}

/** Three bytes, each given as the characters (latin1) that it may be. */
export type AnchorPattern = readonly [string, string, string];

/** At most eight patterns. No pattern may match zero bytes, with which the end of the content is padded. */
export function makeAnchorScanner(patterns: readonly AnchorPattern[]): AnchorScanner {
  if (patterns.length > 8) throw new RangeError('at most eight anchor patterns');
  const { memory, find, countLines } = new WebAssembly.Instance(new WebAssembly.Module(scannerProgram())).exports;
  const bytes = new Uint8Array(memory.buffer);
  const hits = new Uint32Array(memory.buffer, hitsAt, maxHits);
  bytes.set(tables(patterns), 0);
  /** Copies in the slice that begins at `start` and answers the address of its end. */
  const place = (content: Uint8Array, start: number): number => {
    const slice = content.subarray(start, start + sliceBytes);
    bytes.set(slice, contentAt);
    bytes.fill(0, contentAt + slice.length, contentAt + slice.length + 16);
    return contentAt + slice.length;
  };
  return {
    scan(content, visit) {
      for (let start = 0; ; start += sliceBytes - 2) {
        const end = place(content, start);
        for (let from = contentAt; ; ) {
          const count = find(from, end);
          for (let index = 0; index < count; index++) visit(start + (hits[index] as number) - contentAt);
          if (count < maxHits - 16) break;
          from = (hits[count - 1] as number) + 1;
        }
        if (start + sliceBytes >= content.length) return;
      }
    },
    countLines(content) {
      let count = 0;
      for (let start = 0; start < content.length; start += sliceBytes) count += countLines(contentAt, place(content, start));
      return count;
    },
  };
}

/** The part of the WebAssembly interface that is used; Node's types leave it out. */
const { WebAssembly } = globalThis as unknown as {
  readonly WebAssembly: {
    readonly Module: new (program: Uint8Array) => object;
    readonly Instance: new (module: object) => { readonly exports: ScannerExports };
  };
};

interface ScannerExports {
  readonly memory: { readonly buffer: ArrayBuffer };
  /** Writes up to `maxHits` addresses of candidates in [from, end) to `hitsAt` and answers how many; stops early at `maxHits - 16`. */
  readonly find: (from: number, end: number) => number;
  /** Counts line feeds in [from, end); what lies up to 15 bytes behind must hold none. */
  readonly countLines: (from: number, end: number) => number;
}

const hitsAt = 1024;
const maxHits = 8192;
const contentAt = 65_536;
const sliceBytes = 4 * 65_536 - 64;
const pages = 5;

function tables(patterns: readonly AnchorPattern[]): Uint8Array {
  const table = new Uint8Array(96);
  for (const [bucket, pattern] of patterns.entries()) {
    for (const [place, characters] of pattern.entries()) {
      for (const character of characters) {
        const code = character.charCodeAt(0);
        const low = place * 32 + (code & 15);
        const high = place * 32 + 16 + (code >> 4);
        table[low] = (table[low] as number) | (1 << bucket);
        table[high] = (table[high] as number) | (1 << bucket);
      }
    }
  }
  return table;
}

/** https://webassembly.github.io/spec/core/binary/ , vector instructions in 5.4.8. */
function scannerProgram(): Uint8Array<ArrayBuffer> {
  const i32 = 0x7f;
  const v128 = 0x7b;
  return Uint8Array.of(
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, [1, 0x60, 2, i32, i32, 1, i32]),
    ...section(3, [2, 0, 0]),
    ...section(5, [1, 0x00, pages]),
    ...section(7, [3, ...exported('memory', 2, 0), ...exported('find', 0, 0), ...exported('countLines', 0, 1)]),
    ...section(10, [2, ...sized([2, 2, i32, 13, v128, ...findBody(), 0x0b]), ...sized([1, 1, i32, ...countLinesBody(), 0x0b])]),
  );
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...sized(content)];
}

function sized(content: readonly number[]): number[] {
  return [...unsigned(content.length), ...content];
}

function exported(name: string, kind: number, index: number): number[] {
  return [...sized([...Buffer.from(name)]), kind, index];
}

function unsigned(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >>> 7)];
}

function signed(value: number): number[] {
  const rest = value >> 7;
  const low = value & 127;
  return (rest === 0 && low < 64) || (rest === -1 && low >= 64) ? [low] : [low | 128, ...signed(rest)];
}

const get = (local: number): number[] => [0x20, local];
const set = (local: number): number[] => [0x21, local];
const constant = (value: number): number[] => [0x41, ...signed(value)];
const vector = (opcode: number, ...operands: number[]): number[] => [0xfd, ...unsigned(opcode), ...operands];
const load = (offset: number): number[] => vector(0x00, 0, ...unsigned(offset));
const splat = (value: number): number[] => [...constant(value), ...vector(0x0f)];

/** Locals: 0 `at`, 1 `end`, 2 `count`, 3 `mask`, 4–9 tables, 10 low halves, 11 high halves, 12 first, 13 second, 14 third, 15 first before, 16 second before. */
function findBody(): number[] {
  const [at, end, count, mask, table, low, high, first, second, third, firstBefore, secondBefore] = [
    0, 1, 2, 3, 4, 10, 11, 12, 13, 14, 15, 16,
  ];
  const and = vector(0x4e);
  const swizzle = vector(0x0e);
  const lookUp = (place: number, result: number): number[] => [
    ...[...get(table + 2 * place), ...get(low), ...swizzle],
    ...[...get(table + 2 * place + 1), ...get(high), ...swizzle],
    ...and,
    ...set(result),
  ];
  const shifted = (before: number, now: number, by: number): number[] => [
    ...get(before),
    ...get(now),
    ...vector(0x0d, ...Array.from({ length: 16 }, (_, lane) => 16 - by + lane)),
  ];
  const emitHits = [
    ...[0x03, 0x40], // loop over the set bits of `mask`
    ...[...constant(hitsAt), ...get(count), ...constant(2), 0x74, 0x6a], // hitsAt + (count << 2)
    ...[...get(at), ...get(mask), 0x68, 0x6a, ...constant(2), 0x6b], // at + ctz(mask) - 2
    ...[0x36, 2, 0], // i32.store
    ...[...get(count), ...constant(1), 0x6a, ...set(count)],
    ...[...get(mask), ...get(mask), ...constant(1), 0x6b, 0x71, 0x22, mask], // mask &= mask - 1
    ...[0x0d, 0, 0x0b],
  ];
  return [
    ...Array.from({ length: 6 }, (_, index) => [...constant(0), ...load(index * 16), ...set(table + index)]).flat(),
    ...[0x03, 0x40], // loop over blocks of 16 bytes
    ...[...get(at), ...load(0), 0x22, high, ...splat(15), ...and, ...set(low)],
    ...[...get(high), ...constant(4), ...vector(0x6d), ...set(high)],
    ...lookUp(0, first),
    ...lookUp(1, second),
    ...lookUp(2, third),
    ...[...shifted(firstBefore, first, 2), ...shifted(secondBefore, second, 1), ...and, ...get(third), ...and],
    ...[...splat(0), ...vector(0x24), ...vector(0x64), 0x22, mask], // i8x16.ne, i8x16.bitmask
    ...[0x04, 0x40, ...emitHits, 0x0b],
    ...[...get(first), ...set(firstBefore), ...get(second), ...set(secondBefore)],
    ...[...get(at), ...constant(16), 0x6a, 0x22, at, ...get(end), 0x49], // at += 16; at < end
    ...[...get(count), ...constant(maxHits - 16), 0x48, 0x71], // and count < maxHits - 16
    ...[0x0d, 0, 0x0b],
    ...get(count),
  ];
}

/** Locals: 0 `at`, 1 `end`, 2 `count`. */
function countLinesBody(): number[] {
  const [at, end, count] = [0, 1, 2];
  return [
    ...[0x03, 0x40],
    ...[...get(at), ...load(0), ...splat(10), ...vector(0x23), ...vector(0x64), 0x69], // popcnt(bitmask(bytes == LF))
    ...[...get(count), 0x6a, ...set(count)],
    ...[...get(at), ...constant(16), 0x6a, 0x22, at, ...get(end), 0x49, 0x0d, 0, 0x0b],
    ...get(count),
  ];
}
