/** The output: bits, least significant first (RFC 1951, 3.1.1). Up to 56 bits can be put between two flushes. */

let at: usize = 0;
let bits: u64 = 0;
let bitCount: u64 = 0;

export function startStream(output: usize): void {
  at = output;
  bits = 0;
  bitCount = 0;
}

/** Where the next byte goes; after `endStream`, the end of the output. */
export function streamEnd(): usize {
  return at;
}

// @ts-expect-error: decorator
@inline
export function putBits(value: u64, width: u64): void {
  bits |= value << bitCount;
  bitCount += width;
}

/** Writes whole bytes; what is left is less than one. */
// @ts-expect-error: decorator
@inline
export function flushBits(): void {
  store<u64>(at, bits);
  at += <usize>(bitCount >>> 3);
  bits >>>= bitCount & ~7;
  bitCount &= 7;
}

/** Fills the last byte up with zeros. */
export function endStream(): void {
  flushBits();
  if (bitCount > 0) at += 1;
  bits = 0;
  bitCount = 0;
}

/** The empty stored block that ends a sync flush. */
export function putEmptyStored(): void {
  putStoredPart(0, 0, false);
}

/** Bytes as they are, in stored blocks (RFC 1951, 3.2.4). */
export function putStored(from: usize, bytes: usize, last: bool): void {
  let left = bytes;
  let next = from;
  while (left > 0) {
    const part: usize = left < 65535 ? left : 65535;
    left -= part;
    putStoredPart(next, part, last && left === 0);
    next += part;
  }
}

function putStoredPart(from: usize, bytes: usize, last: bool): void {
  putBits(last ? 1 : 0, 3);
  endStream();
  store<u16>(at, <u16>bytes);
  store<u16>(at + 2, ~(<u16>bytes));
  memory.copy(at + 4, from, bytes);
  at += 4 + bytes;
}
