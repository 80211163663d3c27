/** Prefix codes of limited length from frequencies. */
import { sortAt } from './memory';

const lengthCountsAt: usize = sortAt + 2048;
const nextCodesAt: usize = sortAt + 2304;

/**
 * The canonical code (RFC 1951, 3.2.2) for `count` frequencies (u32 each): a length for each symbol (u8, 0 where it does not occur) and a code (u32:
 * bits in the order of the stream, length in the upper half). At least two symbols get a code, as decoders want it.
 */
export function buildCode(frequencies: usize, count: u32, maxLength: u32, lengths: usize, codes: usize): void {
  memory.fill(lengths, 0, count);
  const used = sortUsed(frequencies, count);
  computeDepths(used);
  countLengths(used, maxLength);
  assignLengths(used, maxLength, lengths);
  assignCodes(count, maxLength, lengths, codes);
}

/** Lists what occurs as `frequency << 9 | symbol`, in ascending order. Frequencies are below 2^23. */
function sortUsed(frequencies: usize, count: u32): u32 {
  let used: u32 = 0;
  for (let symbol: u32 = 0; symbol < count; symbol++) {
    const frequency = load<u32>(frequencies + (<usize>symbol << 2));
    if (frequency > 0) putKey(used++, (frequency << 9) | symbol);
  }
  for (let symbol: u32 = 0; used < 2; symbol++) {
    if (used === 0 || (key(0) & 511) !== symbol) putKey(used++, (1 << 9) | symbol);
  }
  for (let gap = used >>> 1; gap > 0; gap = gap === 2 ? 1 : gap * 5 / 11) {
    for (let at = gap; at < used; at++) {
      const moved = key(at);
      let to = at;
      for (; to >= gap && key(to - gap) > moved; to -= gap) putKey(to, key(to - gap));
      putKey(to, moved);
    }
  }
  return used;
}

/** Moffat and Katajainen, "In-Place Calculation of Minimum-Redundancy Codes": keys become depths, the symbols stay. */
function computeDepths(used: u32): void {
  const last = used - 1;
  putWeight(0, weight(0) + weight(1));
  let root: u32 = 0;
  let leaf: u32 = 2;
  for (let next: u32 = 1; next < last; next++) {
    let sum: u32 = 0;
    for (let child = 0; child < 2; child++) {
      if (leaf >= used || (root < next && weight(root) < weight(leaf))) {
        sum += weight(root);
        putWeight(root++, next);
      } else {
        sum += weight(leaf++);
      }
    }
    putWeight(next, sum);
  }
  putWeight(last - 1, 0);
  for (let next = <i32>last - 2; next >= 0; next--) putWeight(next, weight(weight(next)) + 1);
  let available: u32 = 1;
  let depth: u32 = 0;
  let inner = <i32>last - 1;
  let to = <i32>last;
  while (available > 0) {
    let usedHere: u32 = 0;
    for (; inner >= 0 && weight(inner) === depth; inner--) usedHere += 1;
    for (; available > usedHere; available--) putWeight(to--, depth);
    available = 2 * usedHere;
    depth += 1;
  }
}

/** How many symbols have each length, none above `maxLength`, so that the code is complete. */
function countLengths(used: u32, maxLength: u32): void {
  memory.fill(lengthCountsAt, 0, 128);
  let room: u32 = 0;
  for (let at: u32 = 0; at < used; at++) {
    const depth = weight(at);
    const length = depth < maxLength ? depth : maxLength;
    putLengthCount(length, lengthCount(length) + 1);
    room += 1 << (maxLength - length);
  }
  for (; room > <u32>1 << maxLength; room--) {
    putLengthCount(maxLength, lengthCount(maxLength) - 1);
    let length = maxLength - 1;
    while (lengthCount(length) === 0) length -= 1;
    putLengthCount(length, lengthCount(length) - 1);
    putLengthCount(length + 1, lengthCount(length + 1) + 2);
  }
}

/** The rarest symbols get the longest codes. */
function assignLengths(used: u32, maxLength: u32, lengths: usize): void {
  let at: u32 = 0;
  for (let length = maxLength; length > 0; length--) {
    for (let left = lengthCount(length); left > 0; left--) store<u8>(lengths + (key(at++) & 511), <u8>length);
  }
}

function assignCodes(count: u32, maxLength: u32, lengths: usize, codes: usize): void {
  let code: u32 = 0;
  for (let length: u32 = 1; length <= maxLength; length++) {
    code = (code + (length === 1 ? 0 : lengthCount(length - 1))) << 1;
    store<u32>(nextCodesAt + (<usize>length << 2), code);
  }
  for (let symbol: u32 = 0; symbol < count; symbol++) {
    const length = <u32>load<u8>(lengths + symbol);
    if (length === 0) {
      store<u32>(codes + (<usize>symbol << 2), 0);
      continue;
    }
    const next = nextCodesAt + (<usize>length << 2);
    const value = load<u32>(next);
    store<u32>(next, value + 1);
    store<u32>(codes + (<usize>symbol << 2), reverseBits(value, length) | (length << 16));
  }
}

function reverseBits(value: u32, width: u32): u32 {
  let reversed: u32 = 0;
  for (let bit: u32 = 0; bit < width; bit++) reversed |= ((value >>> bit) & 1) << (width - 1 - bit);
  return reversed;
}

// @ts-expect-error: decorator
@inline
function key(at: u32): u32 {
  return load<u32>(sortAt + (<usize>at << 2));
}

// @ts-expect-error: decorator
@inline
function putKey(at: u32, value: u32): void {
  store<u32>(sortAt + (<usize>at << 2), value);
}

/** Of a key; depth and links of the tree take its place. */
// @ts-expect-error: decorator
@inline
function weight(at: u32): u32 {
  return key(at) >>> 9;
}

// @ts-expect-error: decorator
@inline
function putWeight(at: u32, value: u32): void {
  putKey(at, (value << 9) | (key(at) & 511));
}

// @ts-expect-error: decorator
@inline
function lengthCount(length: u32): u32 {
  return load<u32>(lengthCountsAt + (<usize>length << 2));
}

// @ts-expect-error: decorator
@inline
function putLengthCount(length: u32, value: u32): void {
  store<u32>(lengthCountsAt + (<usize>length << 2), value);
}
