/**
 * Compresses one block to raw deflate (RFC 1951), fast: one hash probe, matches taken greedily, a dynamic Huffman code for each 32 Ki tokens,
 * stored where that is smaller. Deterministic: equal bytes give equal bytes on every machine. AssemblyScript, compiled by
 * scripts/generate.ts into src/layer/deflate-wasm.ts; no data segments and no allocation, so that the caller lays out the memory.
 */
import { endStream, putEmptyStored, startStream, streamEnd } from './bit-stream';
import { distanceFrequencies, distanceSymbol, emitBlock, lengthSymbol, litLenFrequencies, prepareTables } from './huffman';
import { hashAt, tokenLimit, tokensAt, workAreaBytes } from './memory';

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
  if (bytes === 0 && last) emitBlock(start, start, tokensAt, true);
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

/** Turns bytes into tokens until the input or the room for tokens ends, writes them as one block, and gives where the next one starts. */
function compressPart(start: usize, end: usize, base: usize, last: bool): usize {
  let at = start;
  let token = tokensAt;
  const full = tokensAt + tokenLimit * 4;
  const searchEnd = end - start > minMatch ? end - minMatch : start;
  let misses: u32 = 0;
  while (at < searchEnd && token < full) {
    const value = load<u32>(at);
    const slot = slotOf(value);
    const distance = (<u32>(at - base) - <u32>load<u16>(slot)) & 0xffff;
    store<u16>(slot, <u16>(at - base));
    if (distance - 1 < windowBytes && load<u32>(at - distance) === value) {
      const length = matchLength(at, distance, end);
      token = putMatch(token, length, distance);
      misses = 0;
      insert(at + 1, base);
      at += length;
      insert(at - 1, base);
      continue;
    }
    let stop = at + 1 + <usize>(misses >> missShift);
    if (stop > searchEnd) stop = searchEnd;
    if (misses < mostMisses) misses += 1;
    do {
      token = putLiteral(token, at);
      at += 1;
    } while (at < stop);
  }
  if (at >= searchEnd) while (at < end && token < full) {
    token = putLiteral(token, at);
    at += 1;
  }
  emitBlock(start, at, token, last && at === end);
  return at;
}

// @ts-expect-error: decorator
@inline
function putLiteral(token: usize, at: usize): usize {
  const byte = <u32>load<u8>(at);
  store<u32>(token, byte);
  count(litLenFrequencies + (<usize>byte << 2));
  return token + 4;
}

// @ts-expect-error: decorator
@inline
function putMatch(token: usize, length: usize, distance: u32): usize {
  store<u32>(token, (<u32>length << 16) | distance);
  count(litLenFrequencies + (<usize>lengthSymbol(length) << 2));
  count(distanceFrequencies + (<usize>distanceSymbol(distance) << 2));
  return token + 4;
}

// @ts-expect-error: decorator
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
