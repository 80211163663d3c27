/**
 * One element of BER (X.690, 8) with a length that is told. What authorities send is DER, but for timestamps whose lengths take more octets than they have
 * to. Indefinite lengths and strings in pieces, which CMS allows (RFC 5652, 2), are refused, for notation refuses them.
 */
export interface BerElement {
  /** The identifier octet, class and "constructed" included: 0x30 is a SEQUENCE. */
  readonly tag: number;
  /** All of it, as it was sent. */
  readonly raw: Buffer;
  /** Without identifier and length. */
  readonly content: Buffer;
}

export const berTags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Deeper than any certificate or token is. */
const maxDepth = 32;
/** More than any certificate, token or answer has in one element; a list of revoked certificates is read by `eachChild`. */
const maxElements = 100_000;
const constructedBit = 0x20;

/** The one element that `bytes` are. Throws an Error where they are not, or where something in it does not end where it should. */
export function readBer(bytes: Uint8Array): BerElement {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const element = readElement(buffer, 0);
  if (element.raw.length !== buffer.length) throw new Error('bytes follow it');
  return element;
}

/** The elements in a constructed one. */
export function readChildren({ tag, content }: BerElement): readonly BerElement[] {
  if ((tag & constructedBit) === 0) throw new Error(`element ${toHex(tag)} has no elements in it`);
  const elements: BerElement[] = [];
  for (let at = 0; at < content.length; ) {
    const element = readElement(content, at);
    if (elements.length === maxElements) throw new Error(`more than ${maxElements} elements in one`);
    elements.push(element);
    at += element.raw.length;
  }
  return elements;
}

/** The same one at a time, for lists that may have millions. */
export function* eachChild({ tag, content }: BerElement): Generator<BerElement> {
  if ((tag & constructedBit) === 0) throw new Error(`element ${toHex(tag)} has no elements in it`);
  for (let at = 0; at < content.length; ) {
    const element = readElement(content, at);
    yield element;
    at += element.raw.length;
  }
}

function readElement(buffer: Buffer, start: number): BerElement {
  const tag = octet(buffer, start);
  if ((tag & 0x1f) === 0x1f) throw new Error('a tag above 30');
  const first = octet(buffer, start + 1);
  if (first === 0x80) throw new Error('an indefinite length, which notation does not read');
  const longBytes = first < 0x80 ? 0 : first - 0x80;
  // Four octets of length are 4 GiB; 0xff is reserved.
  if (longBytes > 4) throw new Error('a length that cannot be');
  let length = longBytes === 0 ? first : 0;
  for (let at = 0; at < longBytes; at += 1) length = length * 256 + octet(buffer, start + 2 + at);
  if (longBytes > 0 && length === 0) throw new Error('a length of nothing in more octets than one, which notation does not read');
  const from = start + 2 + longBytes;
  if (from + length > buffer.length) throw new Error('it breaks off');
  return { tag, raw: buffer.subarray(start, from + length), content: buffer.subarray(from, from + length) };
}

function octet(buffer: Buffer, at: number): number {
  const value = buffer[at];
  if (value === undefined) throw new Error('it breaks off');
  return value;
}

/** The fields of a SEQUENCE, one after the other. */
export class BerFields {
  readonly #elements: readonly BerElement[];
  #at = 0;

  /** Throws where the element is not of `tag`. */
  constructor(element: BerElement, tag: number = berTags.sequence) {
    if (element.tag !== tag) throw new Error(`element ${toHex(element.tag)} is where ${toHex(tag)} belongs`);
    this.#elements = readChildren(element);
  }

  /** The next field. Throws where there is none, or one of another tag. */
  take(tag: number): BerElement {
    const element = this.takeAny();
    if (element.tag !== tag) throw new Error(`element ${toHex(element.tag)} is where ${toHex(tag)} belongs`);
    return element;
  }

  takeAny(): BerElement {
    const element = this.#elements[this.#at];
    if (element === undefined) throw new Error('a field is missing');
    this.#at += 1;
    return element;
  }

  /** The next field if it is of `tag`. */
  takeOptional(tag: number): BerElement | undefined {
    return this.#elements[this.#at]?.tag === tag ? this.takeAny() : undefined;
  }

  /** Throws where there are fields left. */
  end(): void {
    if (this.#at < this.#elements.length) throw new Error('a field is there that is not known');
  }
}

/** The one element in an explicitly tagged one. */
export function onlyChild(element: BerElement): BerElement {
  const [child, ...rest] = readChildren(element);
  if (child === undefined || rest.length > 0) throw new Error(`element ${toHex(element.tag)} has not one element in it`);
  return child;
}

export function readInteger({ tag, content }: BerElement): bigint {
  if (tag !== berTags.integer || content.length === 0) throw new Error('no INTEGER where one belongs');
  return BigInt.asIntN(content.length * 8, BigInt(`0x${content.toString('hex')}`));
}

/** In dotted form. */
export function readOid({ tag, content }: BerElement): string {
  if (tag !== berTags.oid || content.length === 0 || content.length > 64) throw new Error('no OBJECT IDENTIFIER where one belongs');
  const arcs: bigint[] = [];
  let arc = 0n;
  for (const [at, byte] of content.entries()) {
    if (arc === 0n && byte === 0x80) throw new Error('an OBJECT IDENTIFIER with leading zeros');
    arc = arc * 128n + BigInt(byte & 0x7f);
    if (byte >= 0x80 && at + 1 === content.length) throw new Error('an OBJECT IDENTIFIER that breaks off');
    if (byte >= 0x80) continue;
    arcs.push(arc);
    arc = 0n;
  }
  const [first = 0n, ...rest] = arcs;
  const top = first < 80n ? first / 40n : 2n;
  return [top, first - top * 40n, ...rest].join('.');
}

export function readOctetString({ tag, content }: BerElement): Buffer {
  if (tag === (berTags.octetString | constructedBit)) throw new Error('an OCTET STRING in pieces, which notation does not read');
  if (tag !== berTags.octetString) throw new Error('no OCTET STRING where one belongs');
  return content;
}

/** X.690, 10 and 11: lengths as short as can be, the elements of a SET OF in order if it is one. */
export function toDer(element: BerElement, isSetOf = false, depth = 0): Buffer {
  if (depth > maxDepth) throw new Error(`more than ${maxDepth} elements one in another`);
  if ((element.tag & constructedBit) === 0) return toTagged(element.tag, element.content);
  const children = readChildren(element).map((child) => toDer(child, false, depth + 1));
  return toTagged(element.tag, Buffer.concat(isSetOf ? children.sort(Buffer.compare) : children));
}

/** An element of definite length. */
export function toTagged(tag: number, content: Uint8Array): Buffer {
  const digits = content.length.toString(16);
  const length = Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex');
  const head = content.length < 0x80 ? Buffer.of(tag, content.length) : Buffer.concat([Buffer.of(tag, 0x80 + length.length), length]);
  return Buffer.concat([head, content]);
}

function toHex(tag: number): string {
  return `0x${tag.toString(16).padStart(2, '0')}`;
}
