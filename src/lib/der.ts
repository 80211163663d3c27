import { type BerElement, readBer, readInteger, toDer } from './ber.ts';

/** The one element that `bytes` are, in DER (X.690, 10): lengths as short as can be, at every level. Throws an Error where they are not. */
export function readDer(bytes: Uint8Array): BerElement {
  const element = readBer(bytes);
  if (!toDer(element).equals(element.raw)) throw new Error('it is not in DER');
  return element;
}

/** An INTEGER without octets that could be left out (X.690, 8.3.2). */
export function readDerInteger(element: BerElement): bigint {
  const [first = 0, second = 0] = element.content;
  if (element.content.length > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80)))
    throw new Error('an INTEGER in it is longer than it has to be');
  return readInteger(element);
}

/** A BOOLEAN as DER has it (X.690, 11.1). */
export function readDerBoolean({ content }: BerElement): boolean {
  if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff)) throw new Error('a BOOLEAN in it is neither 0 nor 255');
  return content[0] === 0xff;
}

/** The octets of a BIT STRING, whose last bits are zero where they do not count (X.690, 11.2). */
export function readDerBits({ content }: BerElement): Buffer {
  const [unused = 8] = content;
  const last = content.length > 1 ? (content.at(-1) ?? 0) : 0;
  if (unused > 7 || (content.length === 1 && unused > 0) || (last & ((1 << unused) - 1)) !== 0)
    throw new Error('a BIT STRING in it is not in DER');
  return content.subarray(1);
}

export function isAscii(content: Buffer): boolean {
  return content.every((byte) => byte < 0x80);
}
