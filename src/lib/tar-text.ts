import { isUtf8 } from 'node:buffer';

/**
 * Text up to the first NUL. Bytes that are not UTF-8 become lone surrogates U+DC80 to U+DCFF (as Python's surrogateescape), so that two
 * names are equal only if their bytes are.
 */
export function readTarText(bytes: Buffer, start: number, end: number): string {
  let length = start;
  let high = 0;
  while (length < end && bytes[length] !== 0) high |= bytes[length++] as number;
  return high < 0x80 ? bytes.toString('latin1', start, length) : decodeTarText(bytes.subarray(start, length));
}

/** As `readTarText`, with any NUL kept. */
export function decodeTarText(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8');
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes[at] ?? 0);
    const sequence = bytes.subarray(at, at + length);
    if (sequence.length === length && isUtf8(sequence)) {
      text += sequence.toString('utf8');
      at += length;
    } else {
      text += String.fromCharCode(0xdc00 + (bytes[at] ?? 0));
      at += 1;
    }
  }
  return text;
}

function sequenceLength(lead: number): number {
  return lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}
