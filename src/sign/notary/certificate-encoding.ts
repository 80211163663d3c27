import { isUtf8 } from 'node:buffer';
import { type BerElement, BerFields, berTags, onlyChild, readChildren, readOid } from '../../lib/ber.ts';
import { isAscii, readDer, readDerBits, readDerBoolean, readDerInteger } from '../../lib/der.ts';
import { ed25519Id } from '../hash-algorithm.ts';
import { readTime } from '../revocation/extensions.ts';
import { verifyExtensionValue } from './certificate-extensions.ts';

/**
 * Throws an Error that says what is wrong where a certificate is not the DER that RFC 5280 asks for. OpenSSL reads many that Go, and so notation, refuses:
 * what is signed with them nobody could verify.
 */
export function verifyCertificateEncoding(der: Uint8Array): void {
  const outer = new BerFields(readDer(der));
  const fields = new BerFields(outer.take(berTags.sequence));
  const algorithm = outer.take(berTags.sequence);
  readDerBits(outer.take(berTags.bitString));
  outer.end();
  const version = readVersion(fields.takeOptional(0xa0));
  if (readDerInteger(fields.take(berTags.integer)) < 0n) throw new Error('its serial number is negative');
  if (!fields.take(berTags.sequence).raw.equals(algorithm.raw)) throw new Error('it names two algorithms of its signature');
  verifyName(fields.take(berTags.sequence));
  const validity = new BerFields(fields.take(berTags.sequence));
  for (const time of [validity.takeAny(), validity.takeAny()]) readTime(time);
  validity.end();
  verifyName(fields.take(berTags.sequence));
  verifyKey(fields.take(berTags.sequence));
  fields.takeOptional(0x81);
  fields.takeOptional(0x82);
  const extensions = fields.takeOptional(0xa3);
  fields.end();
  if (extensions === undefined) return;
  if (version !== 2n) throw new Error('it has extensions, and is not of version 3');
  for (const extension of readChildren(onlyChild(extensions))) verifyExtension(extension);
}

function readVersion(element: BerElement | undefined): bigint {
  const version = element === undefined ? 0n : readDerInteger(onlyChild(element));
  if (version < 0n || version > 2n) throw new Error('it is of a version that does not exist');
  return version;
}

/** RFC 5280, 4.1.2.4 and appendix A.1. */
function verifyName(name: BerElement): void {
  for (const relative of readChildren(name)) {
    if (relative.tag !== berTags.set) throw new Error('a name in it is none');
    for (const attribute of readChildren(relative)) {
      const fields = new BerFields(attribute);
      const type = readOid(fields.take(berTags.oid));
      const { tag, content } = fields.takeAny();
      fields.end();
      if (textForms[tag]?.(content) !== true)
        throw new Error(`the attribute ${type} of a name in it holds what its type of string does not allow`);
    }
  }
}

/** By tag of X.690; `*` and `&` are in PrintableStrings of real authorities. */
const textForms: Readonly<Record<number, (content: Buffer) => boolean>> = {
  12: isUtf8,
  18: (content) => /^[\d ]*$/.test(content.toString('latin1')),
  19: (content) => /^[A-Za-z\d '()+,\-./:=?*&]*$/.test(content.toString('latin1')),
  20: () => true,
  22: isAscii,
  30: (content) =>
    content.length % 2 === 0 && !/[\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]/.test(Buffer.from(content).swap16().toString('utf16le')),
};

/** RFC 3279, 2.3, and RFC 5480, 2: an RSA key with NULL, a curve by its name and a point in full. */
function verifyKey(info: BerElement): void {
  const fields = new BerFields(info);
  const algorithm = new BerFields(fields.take(berTags.sequence));
  const bits = readDerBits(fields.take(berTags.bitString));
  fields.end();
  const kind = readOid(algorithm.take(berTags.oid));
  if (kind === keyKinds.rsa) {
    if (algorithm.take(berTags.null).content.length > 0) throw new Error('its RSA key has parameters');
    const numbers = new BerFields(readDer(bits));
    for (const number of [numbers.take(berTags.integer), numbers.take(berTags.integer)])
      if (readDerInteger(number) <= 0n) throw new Error('its RSA key is not of positive numbers');
  } else if (kind === keyKinds.ec) {
    const curve = algorithm.takeAny();
    if (curve.tag !== berTags.oid || !namedCurves.has(readOid(curve)))
      throw new Error('its EC key is not on a curve that verifiers know by its name (P-224, P-256, P-384, P-521)');
    if (bits[0] !== 4) throw new Error('its EC key is a compressed point');
  } else if (kind !== ed25519Id) throw new Error(`its key is of the kind ${kind}, which is none of RSA, EC and Ed25519`);
}

function verifyExtension(extension: BerElement): void {
  const fields = new BerFields(extension);
  const oid = readOid(fields.take(berTags.oid));
  const critical = fields.takeOptional(berTags.boolean);
  const value = fields.take(berTags.octetString).content;
  fields.end();
  try {
    verifyExtensionValue(oid, critical !== undefined && readDerBoolean(critical), value);
  } catch (error) {
    throw new Error(`its extension ${oid} is not as it should be: ${error instanceof Error ? error.message : 'unreadable'}`);
  }
}

const keyKinds = { rsa: '1.2.840.113549.1.1.1', ec: '1.2.840.10045.2.1' } as const;
const namedCurves: ReadonlySet<string> = new Set(['1.3.132.0.33', '1.2.840.10045.3.1.7', '1.3.132.0.34', '1.3.132.0.35']);
