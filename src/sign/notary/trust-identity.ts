import { AsnConvert } from '@peculiar/asn1-schema';
import { Name } from '@peculiar/asn1-x509';

/** Attributes of a distinguished name by their short names. */
export type DistinguishedName = ReadonlyMap<string, string>;

const mandatory = ['C', 'ST', 'O'] as const;

/**
 * Reads a distinguished name of a trust policy (RFC 4514) as notation does: names of attributes in their case, `S` for `ST`, each once, and C, ST
 * and O there. Throws an Error that says what is wrong.
 * https://github.com/notaryproject/specifications/blob/v1.1.0/specs/trust-store-trust-policy.md#trusted-identities-constraints
 */
export function parseDistinguishedName(text: string): DistinguishedName {
  if (text.includes('=#')) throw new Error('values in hexadecimal form (=#) are not supported');
  const attributes = text.trim() === '' ? [] : splitAttributes(text);
  return toName(attributes.map(({ type, value }) => ({ type: type === 'S' ? 'ST' : type, value })));
}

/**
 * The subject of a certificate (the DER of its Name) in the same form, for matching. Throws where it holds what no identity can name: other attributes
 * than the nine that have short names, or one of them twice that may not be.
 */
export function readSubject(der: Uint8Array): DistinguishedName {
  const attributes = [...AsnConvert.parse(der, Name)].flatMap((relative) =>
    [...relative].map(({ type, value }) => ({ type: shortNames[type] ?? '', oid: type, value: value.toString() })),
  );
  for (const { type, oid, value } of attributes) {
    if (type === '') throw new Error(`it has the attribute ${oid}, for which there is no name`);
    if (value.includes('=#')) throw new Error('a value in it holds "=#"');
  }
  // Of these the last one counts for Go; of others several are one attribute, which notation refuses.
  return toName(attributes.filter(({ type }, at) => !single.has(type) || attributes.findLastIndex((other) => other.type === type) === at));
}

const single: ReadonlySet<string> = new Set(['CN', 'SERIALNUMBER']);

/** Whether each attribute of `identity` is in `subject` with the same value. */
export function isSubset(identity: DistinguishedName, subject: DistinguishedName): boolean {
  return [...identity].every(([type, value]) => (subject.get(type) ?? '') === value);
}

interface Attribute {
  readonly type: string;
  readonly value: string;
}

function toName(attributes: readonly Attribute[]): DistinguishedName {
  const name = new Map<string, string>();
  for (const { type, value } of attributes) {
    if (name.get(type)) throw new Error(`the attribute ${JSON.stringify(type)} is there twice`);
    name.set(type, value);
  }
  const missing = mandatory.filter((type) => !name.get(type));
  if (missing.length > 0) throw new Error(`${missing.join(', ')} is missing: C, ST (or S) and O have to be there`);
  return name;
}

function splitAttributes(text: string): readonly Attribute[] {
  const attributes: Attribute[] = [];
  let type = '';
  let start = 0;
  const endAttribute = (at: number) => {
    if (type === '') throw new Error('an attribute has no name');
    attributes.push({ type, value: decodeEscapes(text.slice(start, at)) });
    type = '';
    start = at + 1;
  };
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (character === '\\') at += 1;
    else if (character === '=' && type === '') {
      type = decodeEscapes(text.slice(start, at));
      start = at + 1;
    } else if (character === '+') throw new Error('attributes joined by + are not supported');
    else if (character === ',' || character === ';') endAttribute(at);
  }
  endAttribute(text.length);
  return attributes;
}

/** RFC 4514, section 3: a special character or two hexadecimal digits (one byte of UTF-8) after a backslash. */
function decodeEscapes(text: string): string {
  const inner = text.replace(/^ +/, '').replace(/(\\ )? *$/, '$1');
  const parts = inner.match(/\\(?:[ "#+,;<=>\\]|[\dA-Fa-f]{2})|[^\\]+/g) ?? [];
  if (parts.join('') !== inner) throw new Error('a backslash is followed by neither a special character nor two hexadecimal digits');
  const bytes = parts.map((part) => {
    if (!part.startsWith('\\')) return Buffer.from(part);
    return part.length === 2 ? Buffer.from(part.slice(1)) : Buffer.from(part.slice(1), 'hex');
  });
  return Buffer.concat(bytes).toString('utf8');
}

/** RFC 4514, section 3, and serialNumber and postalCode, as Go's crypto/x509/pkix names them. */
const shortNames: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.5': 'SERIALNUMBER',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.9': 'STREET',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '2.5.4.17': 'POSTALCODE',
};
