/**
 * Compresses one block to raw deflate (RFC 1951), fast: one hash probe, matches taken greedily, a dynamic Huffman code for each 128 KiB, stored where that is smaller. Deterministic: equal bytes give equal bytes on every machine. AssemblyScript, compiled by
 * scripts/generate.ts into src/layer/deflate-wasm.ts; no data segments and no allocation, so that the caller lays out the memory.
 */
import { endStream, putEmptyStored, startStream, streamEnd } from './bit-stream';
import { distanceFrequencies, distanceSymbol, emitBlock, lengthSymbol, litLenFrequencies, prepareTables } from './huffman';
import { hashAt, sequenceLimit, sequencesAt, workAreaBytes } from './memory';

/** Bytes at the start of the memory that are ours; blocks and outputs lie behind them. */
export function workBytes(): usize {
  return workAreaBytes;
}

/** Once for each memory. */
export function init(): void {
  prepareTables();
}

/**
 * Compresses `bytes` at `input`, before which lie `dictionaryBytes` (32 KiB at most) of the same stream, and gives the number of bytes
 * written at `output`, where `bytes + bytes / 64 + 1024` have to be free. Ends with a sync flush, or the stream where `last`. The 8 bytes behind the
 * input are read and do not matter.
 */
export function deflate(input: usize, bytes: usize, dictionaryBytes: usize, output: usize, last: bool): usize {
  startStream(output);
  memory.fill(hashAt, 0, hashEntries * 2);
  const base = input - dictionaryBytes;
  for (let at = base; at < input; at++) insert(at, base);
  let start = input;
  const end = input + bytes;
  while (start < end) start = compressPart(start, end, base, last);
  if (bytes === 0 && last) emitBlock(start, start, sequencesAt, true);
  if (!last) putEmptyStored();
  endStream();
  return streamEnd() - output;
}

const hashBits: u32 = 14;
const hashEntries: usize = 1 << hashBits;
const windowBytes: u32 = 32768;
const maxMatch: usize = 258;
/** Matches are sought by 4 bytes and compared by 8. */
const minMatch: usize = 4;
/** After this many misses in a row every second byte is looked up, after twice as many every third, and so on. */
const missShift: u32 = 6;
const mostMisses: u32 = 32 << missShift;
/** Bytes of one block, unless a match goes beyond: the next one gets codes of its own. */
const partBytes: usize = 128 * 1024;

// @ts-expect-error: decorator
@inline
function slotOf(value: u32): usize {
  return hashAt + (<usize>((value * 0x9e3779b1) >>> (32 - hashBits)) << 1);
}

// @ts-expect-error: decorator
@inline
function insert(at: usize, base: usize): void {
  store<u16>(slotOf(load<u32>(at)), <u16>(at - base));
}

/** Finds the matches of one block, writes it, and gives where the next one starts. */
function compressPart(start: usize, end: usize, base: usize, last: bool): usize {
  const stop = end - start > partBytes ? start + partBytes : end;
  const searchEnd = end - start > minMatch ? min(stop, end - minMatch) : start;
  const full = sequencesAt + sequenceLimit * 8;
  let sequence = sequencesAt;
  let anchor = start;
  let misses: u32 = 0;
  for (let at = start; at < searchEnd && sequence < full; ) {
    const value = load<u32>(at);
    const slot = slotOf(value);
    const distance = (<u32>(at - base) - <u32>load<u16>(slot)) & 0xffff;
    store<u16>(slot, <u16>(at - base));
    if (distance - 1 >= windowBytes || load<u32>(at - distance) !== value) {
      at += 1 + <usize>(misses >>> missShift);
      if (misses < mostMisses) misses += 1;
      continue;
    }
    const length = matchLength(at, distance, end);
    countLiterals(anchor, at);
    sequence = putSequence(sequence, at - anchor, length, distance);
    insert(at + 1, base);
    at += length;
    insert(at - 1, base);
    anchor = at;
    misses = 0;
  }
  if (sequence < full && anchor < stop) {
    countLiterals(anchor, stop);
    sequence = putSequence(sequence, stop - anchor, 0, 0);
    anchor = stop;
  }
  emitBlock(start, anchor, sequence, last && anchor === end);
  return anchor;
}

function countLiterals(from: usize, to: usize): void {
  for (let at = from; at < to; at++) count(litLenFrequencies + (<usize>load<u8>(at) << 2));
}

/** A match, and how many literals stand before it; without a match where the block ends. */
// @ts-ignore: decorator
@inline
function putSequence(sequence: usize, literals: usize, length: usize, distance: u32): usize {
  store<u32>(sequence, <u32>literals);
  store<u32>(sequence + 4, (<u32>length << 16) | distance);
  if (length > 0) {
    count(litLenFrequencies + (<usize>lengthSymbol(length) << 2));
    count(distanceFrequencies + (<usize>distanceSymbol(distance) << 2));
  }
  return sequence + 8;
}

// @ts-ignore: decorator
@inline
function count(at: usize): void {
  store<u32>(at, load<u32>(at) + 1);
}

/** Length of the match at `at` whose first 4 bytes are known to be equal. */
// @ts-expect-error: decorator
@inline
function matchLength(at: usize, distance: usize, end: usize): usize {
  const most = end - at < maxMatch ? end - at : maxMatch;
  let length: usize = minMatch;
  while (length < most) {
    const difference = load<u64>(at + length) ^ load<u64>(at + length - distance);
    if (difference !== 0) {
      length += <usize>(ctz(difference) >>> 3);
      break;
    }
    length += 8;
  }
  return length < most ? length : most;
}
