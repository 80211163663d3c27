/** Blocks with dynamic Huffman codes (RFC 1951, 3.2.7), or stored where that is smaller. */
import { flushBits, putBits, putStored } from './bit-stream';
import { codesAt, distanceSymbolsAt, frequenciesAt, lengthCodesAt, lengthSymbolsAt, lengthsAt, runsAt, sequencesAt } from './memory';
import { buildCode } from './prefix-code';

const litLenCount: u32 = 286;
const distanceCount: u32 = 30;
const codeLengthCount: u32 = 19;
const endOfBlock: usize = 256;

export const litLenFrequencies: usize = frequenciesAt;
export const distanceFrequencies: usize = frequenciesAt + 2048;
const codeLengthFrequencies: usize = frequenciesAt + 3072;
const litLenLengths: usize = lengthsAt;
const distanceLengths: usize = lengthsAt + 512;
const codeLengthLengths: usize = lengthsAt + 768;
/** Each code as u32: its bits in the order of the stream, its length in the upper half. */
const litLenCodes: usize = codesAt;
const distanceCodes: usize = codesAt + 2048;
const codeLengthCodes: usize = codesAt + 3072;

/** Fills the tables from lengths and distances to symbols, and clears the frequencies. */
export function prepareTables(): void {
  for (let length: u32 = 3; length <= 258; length++) store<u16>(lengthSymbolsAt + (<usize>length << 1), <u16>toLengthSymbol(length));
  for (let at: u32 = 0; at < 256; at++) {
    store<u8>(distanceSymbolsAt + at, <u8>toDistanceSymbol(at + 1));
    store<u8>(distanceSymbolsAt + 256 + at, <u8>toDistanceSymbol((at << 7) + 1));
  }
  memory.fill(frequenciesAt, 0, 4096);
}

// @ts-expect-error: decorator
@inline
export function lengthSymbol(length: usize): u32 {
  return load<u16>(lengthSymbolsAt + (length << 1));
}

/** Distances up to 256 have an entry each, longer ones one for every 128: no symbol begins in between. */
// @ts-expect-error: decorator
@inline
export function distanceSymbol(distance: u32): u32 {
  const less = distance - 1;
  return load<u8>(distanceSymbolsAt + (less < 256 ? <usize>less : 256 + <usize>(less >>> 7)));
}

/** Writes the bytes from `start` to `end` as the sequences up to `sequencesEnd` tell it, and clears the frequencies. */
export function emitBlock(start: usize, end: usize, sequencesEnd: usize, last: bool): void {
  store<u32>(litLenFrequencies + (endOfBlock << 2), 1);
  buildCode(litLenFrequencies, litLenCount, 15, litLenLengths, litLenCodes);
  buildCode(distanceFrequencies, distanceCount, 15, distanceLengths, distanceCodes);
  const litLens = usedCount(litLenLengths, litLenCount, 257);
  const distances = usedCount(distanceLengths, distanceCount, 1);
  const runsEnd = collectRuns(litLens, distances);
  buildCode(codeLengthFrequencies, codeLengthCount, 7, codeLengthLengths, codeLengthCodes);
  const bytes = end - start;
  const storedBits = <u64>bytes * 8 + (<u64>bytes / 65535 + 1) * 40;
  if (bytes > 0 && contentBits() + 17 + 57 >= storedBits) {
    putStored(start, bytes, last);
  } else {
    putBits(last ? 5 : 4, 3);
    emitCodes(litLens, distances, runsEnd);
    emitSequences(start, sequencesEnd);
  }
  memory.fill(frequenciesAt, 0, 4096);
}

/** Bits that the content takes, without the codes. */
function contentBits(): u64 {
  let sum: u64 = 0;
  for (let symbol: u32 = 0; symbol < litLenCount; symbol++) {
    const width = <u32>load<u8>(litLenLengths + symbol) + (symbol < 257 ? 0 : lengthExtraBits(symbol));
    sum += <u64>load<u32>(litLenFrequencies + (<usize>symbol << 2)) * width;
  }
  for (let symbol: u32 = 0; symbol < distanceCount; symbol++) {
    const width = <u32>load<u8>(distanceLengths + symbol) + distanceExtraBits(symbol);
    sum += <u64>load<u32>(distanceFrequencies + (<usize>symbol << 2)) * width;
  }
  return sum;
}

function usedCount(lengths: usize, count: u32, least: u32): u32 {
  let used = count;
  while (used > least && load<u8>(lengths + used - 1) === 0) used -= 1;
  return used;
}

/** Order in which the lengths of the code length code are written (RFC 1951, 3.2.7), five bits each. */
// @ts-expect-error: decorator
@inline
function codeLengthOrder(place: u32): u32 {
  const first: u64 = 16 | (17 << 5) | (18 << 10) | (0 << 15) | (8 << 20) | (<u64>7 << 25) | (<u64>9 << 30) | (<u64>6 << 35) | (<u64>10 << 40) | (<u64>5 << 45);
  const rest: u64 = 11 | (4 << 5) | (12 << 10) | (3 << 15) | (13 << 20) | (<u64>2 << 25) | (<u64>14 << 30) | (<u64>1 << 35) | (<u64>15 << 40);
  return <u32>((place < 10 ? first >>> (place * 5) : rest >>> ((place - 10) * 5)) & 31);
}

/** Writes the code lengths run by run as u16 (symbol, and the repeat above bit 5), counts the symbols, and gives the end of the list. */
function collectRuns(litLens: u32, distances: u32): usize {
  let to = runsAt;
  const total = litLens + distances;
  for (let at: u32 = 0; at < total; ) {
    const length = codeLengthAt(at, litLens);
    let run: u32 = 1;
    while (at + run < total && codeLengthAt(at + run, litLens) === length) run += 1;
    at += run;
    to = length === 0 ? putZeroRun(to, run) : putRun(to, length, run);
  }
  return to;
}

// @ts-expect-error: decorator
@inline
function codeLengthAt(at: u32, litLens: u32): u32 {
  return at < litLens ? load<u8>(litLenLengths + at) : load<u8>(distanceLengths + at - litLens);
}

function putZeroRun(to: usize, run: u32): usize {
  let left = run;
  let next = to;
  while (left >= 11) {
    const part: u32 = left < 138 ? left : 138;
    next = putRunSymbol(next, 18, part - 11);
    left -= part;
  }
  if (left >= 3) return putRunSymbol(next, 17, left - 3);
  for (; left > 0; left--) next = putRunSymbol(next, 0, 0);
  return next;
}

function putRun(to: usize, length: u32, run: u32): usize {
  let left = run - 1;
  let next = putRunSymbol(to, length, 0);
  while (left >= 3) {
    const part: u32 = left < 6 ? left : 6;
    next = putRunSymbol(next, 16, part - 3);
    left -= part;
  }
  for (; left > 0; left--) next = putRunSymbol(next, length, 0);
  return next;
}

function putRunSymbol(to: usize, symbol: u32, repeat: u32): usize {
  store<u16>(to, <u16>(symbol | (repeat << 5)));
  const frequency = codeLengthFrequencies + (<usize>symbol << 2);
  store<u32>(frequency, load<u32>(frequency) + 1);
  return to + 2;
}

function emitCodes(litLens: u32, distances: u32, runsEnd: usize): void {
  let shown = codeLengthCount;
  while (shown > 4 && load<u8>(codeLengthLengths + codeLengthOrder(shown - 1)) === 0) shown -= 1;
  putBits(litLens - 257, 5);
  putBits(distances - 1, 5);
  putBits(shown - 4, 4);
  flushBits();
  for (let place: u32 = 0; place < shown; place++) {
    putBits(load<u8>(codeLengthLengths + codeLengthOrder(place)), 3);
    flushBits();
  }
  for (let at = runsAt; at < runsEnd; at += 2) {
    const run = <u32>load<u16>(at);
    const symbol = run & 31;
    putCode(load<u32>(codeLengthCodes + (<usize>symbol << 2)));
    if (symbol > 15) putBits(run >>> 5, symbol === 16 ? 2 : symbol === 17 ? 3 : 7);
    flushBits();
  }
}

function emitSequences(start: usize, sequencesEnd: usize): void {
  prepareLengthCodes();
  let at = start;
  for (let sequence = sequencesAt; sequence < sequencesEnd; sequence += 8) {
    const end = at + load<u32>(sequence);
    at = emitLiterals(at, end);
    const match = load<u32>(sequence + 4);
    if (match === 0) break;
    at += <usize>(match >>> 16);
    emitMatch(match >>> 16, match & 0xffff);
  }
  putCode(load<u32>(litLenCodes + (endOfBlock << 2)));
  flushBits();
}

/** Three codes of 15 bits fit between two flushes. */
// @ts-ignore: decorator
@inline
function emitLiterals(from: usize, to: usize): usize {
  let at = from;
  for (; at + 3 <= to; at += 3) {
    putCode(literalCode(at));
    putCode(literalCode(at + 1));
    putCode(literalCode(at + 2));
    flushBits();
  }
  if (at < to) {
    putCode(literalCode(at));
    if (at + 1 < to) putCode(literalCode(at + 1));
    flushBits();
  }
  return to;
}

// @ts-ignore: decorator
@inline
function literalCode(at: usize): u32 {
  return load<u32>(litLenCodes + (<usize>load<u8>(at) << 2));
}

// @ts-ignore: decorator
@inline
function emitMatch(length: u32, distance: u32): void {
  const lengthCode = load<u32>(lengthCodesAt + (<usize>length << 2));
  putBits(lengthCode & 0xffffff, lengthCode >>> 24);
  const symbol = distanceSymbol(distance);
  putCode(load<u32>(distanceCodes + (<usize>symbol << 2)));
  const extraBits = distanceExtraBits(symbol);
  putBits((distance - 1) & ((1 << extraBits) - 1), extraBits);
  flushBits();
}

/** Code and extra bits of each length in one: up to 20 bits, their number in the upper byte. */
function prepareLengthCodes(): void {
  for (let length: u32 = 3; length <= 258; length++) {
    const symbol = lengthSymbol(length);
    const code = load<u32>(litLenCodes + (<usize>symbol << 2));
    const extraBits = lengthExtraBits(symbol);
    const extra = length === 258 ? 0 : (length - 3) & ((1 << extraBits) - 1);
    const width = code >>> 16;
    store<u32>(lengthCodesAt + (<usize>length << 2), (code & 0xffff) | (extra << width) | ((width + extraBits) << 24));
  }
}

// @ts-expect-error: decorator
@inline
function putCode(code: u32): void {
  putBits(code & 0xffff, code >>> 16);
}

/** RFC 1951, 3.2.5. */
function toLengthSymbol(length: u32): u32 {
  if (length === 258) return 285;
  const less = length - 3;
  if (less < 8) return 257 + less;
  const extraBits = 29 - clz(less);
  return 257 + (extraBits << 2) + (less >>> extraBits);
}

// @ts-expect-error: decorator
@inline
function lengthExtraBits(symbol: u32): u32 {
  return symbol < 265 || symbol === 285 ? 0 : (symbol - 261) >>> 2;
}

function toDistanceSymbol(distance: u32): u32 {
  const less = distance - 1;
  if (less < 4) return less;
  const extraBits = 30 - clz(less);
  return (extraBits << 1) + (less >>> extraBits);
}

// @ts-expect-error: decorator
@inline
function distanceExtraBits(symbol: u32): u32 {
  return symbol < 4 ? 0 : (symbol >>> 1) - 1;
}
