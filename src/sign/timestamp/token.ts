import {
  type BerElement,
  BerFields,
  berTags,
  onlyChild,
  readBer,
  readChildren,
  readInteger,
  readOctetString,
  readOid,
  toDer,
} from '../../lib/ber.ts';
import { parseRevocationList } from '../revocation/revocation-list.ts';
import { timestampError } from './timestamp-error.ts';
import { parseTimestampInfo, readTime, type TimestampInfo } from './token-info.ts';

/** A token as RFC 3161 (2.4.2) and CMS (RFC 5652, 5) have it, read and not verified. */
export interface TimestampToken {
  readonly info: TimestampInfo;
  /** What `info` was read from, which the signature is over by way of its hash. */
  readonly content: Buffer;
  /** DER, in no order. */
  readonly certificates: readonly Buffer[];
  /** The one that there is. */
  readonly signer: TokenSigner;
}

export interface TokenSigner {
  readonly issuer: Buffer;
  readonly serialNumber: bigint;
  /** OIDs. */
  readonly digestAlgorithm: string;
  readonly signatureAlgorithm: string;
  /** What is signed: the DER of the SET OF signed attributes (RFC 5652, 5.4). */
  readonly signedBytes: Buffer;
  readonly contentType: string;
  readonly messageDigest: Buffer;
  readonly signingCertificate: SigningCertificate;
  /** By the signer's own clock, where it says so; the time that counts is the one of `info`. */
  readonly signingTime: Date | undefined;
  readonly signature: Buffer;
}

/** Which certificate signed, by its hash (RFC 5816; RFC 5035, 4). */
export interface SigningCertificate {
  readonly hashAlgorithm: string;
  readonly hash: Buffer;
  readonly issuerSerial: { readonly issuer: Buffer; readonly serialNumber: bigint } | undefined;
}

/** Of a token; those that there are have 2 to 20 kB. */
export const maxTokenBytes = 1024 * 1024;
/** In a token; those that there are have 2 to 4. */
const maxCertificates = 32;

/** Reads a TimeStampToken, in DER or with longer lengths. Throws a StepError `timestamp-format`. */
export function parseTimestampToken(bytes: Uint8Array): TimestampToken {
  try {
    if (bytes.length > maxTokenBytes) throw new Error(`more than ${maxTokenBytes} bytes`);
    return readToken(bytes);
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unreadable';
    throw timestampError('timestamp-format', `Cannot read the timestamp: it is no token of RFC 3161 (${reason})`);
  }
}

function readToken(bytes: Uint8Array): TimestampToken {
  const contentInfo = new BerFields(readBer(bytes));
  expectOid(contentInfo.take(berTags.oid), oids.signedData, 'SignedData');
  const data = new BerFields(onlyChild(contentInfo.take(0xa0)));
  contentInfo.end();
  // Version 3, for the content is not plain data (RFC 5652, 5.1).
  if (readInteger(data.take(berTags.integer)) !== 3n) throw new Error('its SignedData is not of version 3');
  data.take(berTags.set);
  const encapsulated = new BerFields(data.take(berTags.sequence));
  expectOid(encapsulated.take(berTags.oid), oids.timestampInfo, 'TSTInfo');
  const content = readOctetString(onlyChild(encapsulated.take(0xa0)));
  encapsulated.end();
  const certificates = readCertificates(data.takeOptional(0xa0));
  verifyLists(data.takeOptional(0xa1));
  const signers = readChildren(data.take(berTags.set));
  data.end();
  const [signer] = signers;
  // RFC 3161, 2.4.2: no signatures but the authority's.
  if (signer === undefined || signers.length > 1) throw new Error(`it has ${signers.length} signatures instead of one`);
  return { info: parseTimestampInfo(content), content, certificates, signer: readSigner(signer) };
}

function readCertificates(element: BerElement | undefined): readonly Buffer[] {
  const certificates = element === undefined ? [] : readChildren(element);
  if (certificates.length > maxCertificates) throw new Error(`more than ${maxCertificates} certificates`);
  return certificates.map(({ tag, raw }) => {
    if (tag !== berTags.sequence) throw new Error('a certificate that is none of X.509');
    return raw;
  });
}

/** Revocation lists, which are not looked into but have to be some. */
function verifyLists(element: BerElement | undefined): void {
  for (const { raw } of element === undefined ? [] : readChildren(element)) parseRevocationList(raw);
}

function readSigner(element: BerElement): TokenSigner {
  const fields = new BerFields(element);
  // Version 1 names the certificate by issuer and serial number, 3 by an identifier of its key, which notation does not read.
  if (readInteger(fields.take(berTags.integer)) !== 1n) throw new Error('its SignerInfo is not of version 1');
  const { issuer, serialNumber } = readIssuerAndSerial(fields.take(berTags.sequence));
  const digestAlgorithm = readAlgorithm(fields.take(berTags.sequence));
  const attributes = fields.take(0xa0);
  const signatureAlgorithm = readAlgorithm(fields.take(berTags.sequence));
  const signature = readOctetString(fields.takeAny());
  fields.takeOptional(0xa1);
  fields.end();
  const signedBytes = toDer(attributes, true);
  signedBytes[0] = berTags.set;
  const values = readAttributes(attributes);
  const contentType = readOid(onlyValue(values, oids.contentType, 'content-type'));
  const messageDigest = readOctetString(onlyValue(values, oids.messageDigest, 'message-digest'));
  const signingCertificate = readSigningCertificate(onlyValue(values, oids.signingCertificateV2, 'SigningCertificateV2'));
  const signingTime = values.has(oids.signingTime) ? readSigningTime(onlyValue(values, oids.signingTime, 'signing-time')) : undefined;
  const names = { issuer, serialNumber, digestAlgorithm, signatureAlgorithm, contentType, signingCertificate };
  return { ...names, signedBytes, messageDigest, signingTime, signature };
}

/** RFC 5652, 11.3: UTCTime until 2049. */
function readSigningTime({ tag, content }: BerElement): Date {
  const text = content.toString('latin1');
  if (tag !== berTags.utcTime) return readTime(text);
  return readTime(`${Number(text.slice(0, 2)) < 50 ? '20' : '19'}${text}`);
}

function readIssuerAndSerial(element: BerElement) {
  const fields = new BerFields(element);
  const issuer = fields.take(berTags.sequence).raw;
  const serialNumber = readInteger(fields.take(berTags.integer));
  fields.end();
  return { issuer, serialNumber };
}

/** The OID of an AlgorithmIdentifier; its parameters say nothing that is not known from elsewhere. */
export function readAlgorithm(element: BerElement): string {
  return readOid(new BerFields(element).take(berTags.oid));
}

/** RFC 5652, 5.3: an attribute stands there once. */
function readAttributes(element: BerElement): ReadonlyMap<string, readonly BerElement[]> {
  const values = new Map<string, readonly BerElement[]>();
  for (const attribute of readChildren(element)) {
    const fields = new BerFields(attribute);
    const type = readOid(fields.take(berTags.oid));
    if (values.has(type)) throw new Error(`the signed attribute ${type} is there twice`);
    values.set(type, readChildren(fields.take(berTags.set)));
    fields.end();
  }
  return values;
}

function onlyValue(attributes: ReadonlyMap<string, readonly BerElement[]>, type: string, name: string): BerElement {
  const [value, ...rest] = attributes.get(type) ?? [];
  if (value === undefined || rest.length > 0) throw new Error(`it has no signed attribute ${name} of one value`);
  return value;
}

/** RFC 5035, 3 and 4: the first is the certificate that signed. */
function readSigningCertificate(element: BerElement): SigningCertificate {
  const [first] = readChildren(new BerFields(element).take(berTags.sequence));
  if (first === undefined) throw new Error('its SigningCertificateV2 names no certificate');
  const fields = new BerFields(first);
  const algorithm = fields.takeOptional(berTags.sequence);
  const hash = fields.take(berTags.octetString).content;
  const issuerSerial = fields.takeOptional(berTags.sequence);
  fields.end();
  return {
    hashAlgorithm: algorithm === undefined ? oids.sha256 : readAlgorithm(algorithm),
    hash,
    issuerSerial: issuerSerial && readIssuerSerial(issuerSerial),
  };
}

/** Its issuer is a GeneralNames of one directory name. */
function readIssuerSerial(element: BerElement) {
  const fields = new BerFields(element);
  const name = onlyChild(fields.take(berTags.sequence));
  if (name.tag !== 0xa4) throw new Error('its SigningCertificateV2 names the issuer in another way than by its name');
  const serialNumber = readInteger(fields.take(berTags.integer));
  fields.end();
  return { issuer: onlyChild(name).raw, serialNumber };
}

function expectOid(element: BerElement, oid: string, name: string): void {
  const found = readOid(element);
  if (found !== oid) throw new Error(`its content is ${found} and not ${name}`);
}

const oids = {
  /** RFC 5652, 5.1 and 11. */
  signedData: '1.2.840.113549.1.7.2',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingTime: '1.2.840.113549.1.9.5',
  /** RFC 3161, 2.4.2. */
  timestampInfo: '1.2.840.113549.1.9.16.1.4',
  /** RFC 5035, 3. */
  signingCertificateV2: '1.2.840.113549.1.9.16.2.47',
  sha256: '2.16.840.1.101.3.4.2.1',
} as const;
