/**
 * An ECDSA signature as JWS and COSE have it (r || s, both as long as the curve's order; RFC 7518, 3.4) in the DER of X.509 and cosign: a SEQUENCE of two
 * INTEGERs (RFC 3279, 2.2.3), each without leading zeros, but for the one that keeps it positive.
 */
export function toDerSignature(signature: Uint8Array): Uint8Array {
  const half = signature.length / 2;
  const integers = Buffer.concat([toInteger(signature.subarray(0, half)), toInteger(signature.subarray(half))]);
  return Buffer.concat([toHead(0x30, integers.length), integers]);
}

function toInteger(bytes: Uint8Array): Uint8Array {
  const start = bytes.findIndex((byte) => byte !== 0);
  const digits = start === -1 ? Buffer.of(0) : bytes.subarray(start);
  const isHigh = (digits[0] ?? 0) >= 0x80;
  return Buffer.concat([toHead(0x02, digits.length + (isHigh ? 1 : 0)), isHigh ? Buffer.of(0) : Buffer.alloc(0), digits]);
}

/** Tag and length; no part of a P-521 signature is longer than 255 bytes. */
function toHead(tag: number, length: number): Uint8Array {
  return length < 0x80 ? Buffer.of(tag, length) : Buffer.of(tag, 0x81, length);
}
