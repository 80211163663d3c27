import { constants, createHash, randomBytes, sign, type X509Certificate } from 'node:crypto';
import {
  Attribute,
  CertificateChoices,
  CertificateSet,
  CMSVersion,
  ContentInfo,
  DigestAlgorithmIdentifiers,
  EncapsulatedContent,
  EncapsulatedContentInfo,
  IssuerAndSerialNumber,
  id_contentType,
  id_messageDigest,
  id_signedData,
  SignedData,
  SignerIdentifier,
  SignerInfo,
  SignerInfos,
} from '@peculiar/asn1-cms';
import { id_mgf1, id_RSASSA_PSS, RsaSaPssParams } from '@peculiar/asn1-rsa';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import { Accuracy, id_ct_tstInfo, MessageImprint, type TimeStampReq, TSTInfo } from '@peculiar/asn1-tsp';
import { AlgorithmIdentifier, Certificate } from '@peculiar/asn1-x509';
import { toTagged } from '../../lib/ber.ts';
import { toSignatureAlgorithm } from '../certificate/x509.ts';
import type { TimestampChain } from './chain.ts';

/** What a token says and how it is made; by default as RFC 3161 and RFC 5816 want it. */
export interface TokenOptions {
  /** Default: nothing is said. */
  readonly accuracy?: { readonly seconds?: number; readonly millis?: number; readonly micros?: number } | undefined;
  /** OID. Default: one of the sandbox's own. */
  readonly policy?: string | undefined;
  /** Default `sha256`. */
  readonly hash?: 'sha256' | 'sha384' | 'sha512' | undefined;
  /** An RSA key signs with PSS instead of PKCS#1 v1.5. */
  readonly isPss?: boolean | undefined;
  readonly flaw?: TokenFlaw | undefined;
}

/** Ways in which a token is refused. */
export type TokenFlaw =
  | 'other-imprint'
  | 'other-nonce'
  | 'no-nonce'
  | 'no-certificates'
  | 'no-signing-certificate'
  | 'other-certificate-hash'
  | 'other-issuer-serial'
  | 'damaged-signature'
  | 'other-content'
  | 'no-signature'
  | 'two-signatures';

/** Signs the time `now` for a request: a TimeStampToken, DER (RFC 3161, 2.4.2). */
export function issueToken(request: TimeStampReq, chain: TimestampChain, now: Date, options: TokenOptions = {}): ContentInfo {
  const { flaw } = options;
  const content = Buffer.from(AsnConvert.serialize(toInfo(request, now, options)));
  const signer = toSigner(content, chain, options);
  const signers = flaw === 'no-signature' ? [] : flaw === 'two-signatures' ? [signer, toSigner(content, chain, options)] : [signer];
  const certificates =
    flaw === 'no-certificates' || !request.certReq ? [] : chain.certificates.slice(0, Math.max(1, chain.certificates.length - 1));
  const signed = new SignedData({
    version: CMSVersion.v3,
    digestAlgorithms: new DigestAlgorithmIdentifiers([signer.digestAlgorithm]),
    encapContentInfo: new EncapsulatedContentInfo({
      eContentType: id_ct_tstInfo,
      eContent: new EncapsulatedContent({ single: new OctetString(flaw === 'other-content' ? toOther(content) : content) }),
    }),
    ...(certificates.length === 0 ? {} : { certificates: new CertificateSet(certificates.map(toChoice)) }),
    signerInfos: new SignerInfos(signers),
  });
  return new ContentInfo({ contentType: id_signedData, content: AsnConvert.serialize(signed) });
}

function toInfo(request: TimeStampReq, now: Date, { accuracy, policy = sandboxPolicy, flaw }: TokenOptions): TSTInfo {
  const { hashAlgorithm, hashedMessage } = request.messageImprint;
  const imprint = new OctetString(flaw === 'other-imprint' ? toOther(Buffer.from(hashedMessage.buffer)) : hashedMessage.buffer);
  const nonce = flaw === 'other-nonce' && request.nonce ? toBuffer(toOther(Buffer.from(request.nonce))) : request.nonce;
  return new TSTInfo({
    policy,
    messageImprint: new MessageImprint({ hashAlgorithm, hashedMessage: imprint }),
    serialNumber: toBuffer(Buffer.concat([Buffer.of(1), randomBytes(15)])),
    genTime: now,
    ...(accuracy === undefined ? {} : { accuracy: Object.assign(new Accuracy(), accuracy) }),
    ...(nonce === undefined || flaw === 'no-nonce' ? {} : { nonce }),
  });
}

function toSigner(
  content: Buffer,
  { certificates, keys }: TimestampChain,
  { hash = 'sha256', isPss = false, flaw }: TokenOptions,
): SignerInfo {
  const [leaf] = certificates;
  if (leaf === undefined) throw new Error('a timestamp authority without a certificate');
  const { issuer, serialNumber } = AsnConvert.parse(leaf.raw, Certificate).tbsCertificate;
  const attributes = [
    new Attribute({ attrType: id_contentType, attrValues: [toBuffer(toTagged(0x06, oidOfInfo))] }),
    new Attribute({
      attrType: id_messageDigest,
      attrValues: [AsnConvert.serialize(new OctetString(createHash(hash).update(content).digest()))],
    }),
    ...(flaw === 'no-signing-certificate'
      ? []
      : [new Attribute({ attrType: signingCertificateV2, attrValues: [toSigningCertificate(leaf, flaw)] })]),
  ];
  // What is signed is a SET OF in order, and so is what is sent (RFC 5652, 5.4).
  const ordered = attributes.sort((a, b) => Buffer.compare(Buffer.from(AsnConvert.serialize(a)), Buffer.from(AsnConvert.serialize(b))));
  const signedBytes = toTagged(0x31, Buffer.concat(ordered.map((attribute) => Buffer.from(AsnConvert.serialize(attribute)))));
  const padding = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
  const signature = sign(hash, signedBytes, { key: keys.privateKey, ...(isPss && padding) });
  return new SignerInfo({
    version: CMSVersion.v1,
    sid: new SignerIdentifier({ issuerAndSerialNumber: new IssuerAndSerialNumber({ issuer, serialNumber }) }),
    digestAlgorithm: new AlgorithmIdentifier({ algorithm: hashIds[hash] }),
    signedAttrs: ordered,
    signatureAlgorithm: isPss ? toPssAlgorithm(hash) : toSignatureAlgorithm(keys.privateKey, hash),
    signature: new OctetString(flaw === 'damaged-signature' ? toOther(signature) : signature),
  });
}

/** RFC 4055, 3.1. */
function toPssAlgorithm(hash: keyof typeof hashIds): AlgorithmIdentifier {
  const hashAlgorithm = new AlgorithmIdentifier({ algorithm: hashIds[hash], parameters: null });
  const maskGenAlgorithm = new AlgorithmIdentifier({ algorithm: id_mgf1, parameters: AsnConvert.serialize(hashAlgorithm) });
  const saltLength = Number(hash.slice('sha'.length)) / 8;
  const parameters = AsnConvert.serialize(new RsaSaPssParams({ hashAlgorithm, maskGenAlgorithm, saltLength }));
  return new AlgorithmIdentifier({ algorithm: id_RSASSA_PSS, parameters });
}

/** RFC 5035, 3 and 4, with issuer and serial number, as openssl ts writes it. */
function toSigningCertificate(leaf: X509Certificate, flaw: TokenFlaw | undefined): ArrayBuffer {
  const { issuer, serialNumber } = AsnConvert.parse(leaf.raw, Certificate).tbsCertificate;
  const hash = createHash('sha256').update(leaf.raw).digest();
  const serial = flaw === 'other-issuer-serial' ? toOther(Buffer.from(serialNumber)) : Buffer.from(serialNumber);
  const names = toTagged(0x30, toTagged(0xa4, Buffer.from(AsnConvert.serialize(issuer))));
  const issuerSerial = toTagged(0x30, Buffer.concat([names, toTagged(0x02, serial)]));
  const id = toTagged(0x30, Buffer.concat([toTagged(0x04, flaw === 'other-certificate-hash' ? toOther(hash) : hash), issuerSerial]));
  return toBuffer(toTagged(0x30, toTagged(0x30, id)));
}

/** The same but for its last bit. */
function toOther(bytes: Buffer): Buffer {
  const other = Buffer.from(bytes);
  other[other.length - 1] = (other[other.length - 1] ?? 0) ^ 1;
  return other;
}

function toChoice(certificate: X509Certificate): CertificateChoices {
  return new CertificateChoices({ certificate: AsnConvert.parse(certificate.raw, Certificate) });
}

function toBuffer(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}

/** 1.2.840.113549.1.9.16.1.4, encoded. */
const oidOfInfo = Buffer.from('2a864886f70d0109100104', 'hex');
const signingCertificateV2 = '1.2.840.113549.1.9.16.2.47';
const sandboxPolicy = '1.3.6.1.4.1.57264.2';
export const hashIds = { sha256: '2.16.840.1.101.3.4.2.1', sha384: '2.16.840.1.101.3.4.2.2', sha512: '2.16.840.1.101.3.4.2.3' } as const;
