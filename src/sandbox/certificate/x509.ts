import { createHash, createPublicKey, type KeyObject, randomBytes, sign, X509Certificate } from 'node:crypto';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import {
  AccessDescription,
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  AuthorityInfoAccessSyntax,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  CRLDistributionPoints,
  DistributionPoint,
  DistributionPointName,
  ExtendedKeyUsage,
  Extension,
  Extensions,
  GeneralName,
  id_ad_caIssuers,
  id_ad_ocsp,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_cRLDistributionPoints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectAltName,
  id_ce_subjectKeyIdentifier,
  id_pe_authorityInfoAccess,
  KeyIdentifier,
  KeyUsage,
  Name,
  RelativeDistinguishedName,
  SubjectAlternativeName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
} from '@peculiar/asn1-x509';

/** Who signs a certificate: the subject of its own, and its key. */
export interface Issuer {
  readonly name: string;
  readonly privateKey: KeyObject;
}

/** What a certificate says; extensions that are absent here are absent there (RFC 5280, section 4.2.1). */
export interface CertificateFields {
  /** The common name. */
  readonly name: string;
  readonly publicKey: KeyObject;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly isAuthority?: { readonly value: boolean; readonly critical: boolean; readonly pathLength?: number | undefined } | undefined;
  /** Bits of KeyUsage, see `keyUsages`. */
  readonly keyUsage?: { readonly flags: number; readonly critical: boolean } | undefined;
  /** Object identifiers. */
  readonly extendedKeyUsage?: readonly string[] | undefined;
  /** Default false. RFC 3161, section 2.3: that of a timestamp authority is critical. */
  readonly isExtendedKeyUsageCritical?: boolean | undefined;
  readonly dnsNames?: readonly string[] | undefined;
  readonly ipAddresses?: readonly string[] | undefined;
  /** URLs of revocation lists, one distribution point each. */
  readonly crlUrls?: readonly string[] | undefined;
  /** URLs of OCSP responders (authority information access). */
  readonly ocspUrls?: readonly string[] | undefined;
  /** URLs of the issuer's certificate (authority information access). */
  readonly issuerUrls?: readonly string[] | undefined;
  /** Any further extensions; `value` is the DER inside the OCTET STRING. */
  readonly extensions?: readonly { readonly oid: string; readonly critical: boolean; readonly value: Uint8Array }[] | undefined;
  /** Default `sha256`; `sha1` makes one that nobody should accept. */
  readonly hash?: 'sha1' | 'sha256' | 'sha384' | 'sha512' | undefined;
}

/** RFC 5280, section 4.2.1.3. */
export const keyUsages = { digitalSignature: 1, keyEncipherment: 4, dataEncipherment: 8, keyCertSign: 32, cRLSign: 64 } as const;

/** RFC 5280, section 4.2.1.12. */
export const extendedKeyUsages = {
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  codeSigning: '1.3.6.1.5.5.7.3.3',
  timeStamping: '1.3.6.1.5.5.7.3.8',
  ocspSigning: '1.3.6.1.5.5.7.3.9',
} as const;

const signatureOids = {
  rsa: { sha1: '1.2.840.113549.1.1.5', sha256: '1.2.840.113549.1.1.11', sha384: '1.2.840.113549.1.1.12', sha512: '1.2.840.113549.1.1.13' },
  ec: { sha1: '1.2.840.10045.4.1', sha256: '1.2.840.10045.4.3.2', sha384: '1.2.840.10045.4.3.3', sha512: '1.2.840.10045.4.3.4' },
} as const;

/** Makes one certificate, signed by `issuer`. */
export function issueCertificate(fields: CertificateFields, issuer: Issuer): X509Certificate {
  const hash = fields.hash ?? 'sha256';
  const signature = toSignatureAlgorithm(issuer.privateKey, hash);
  const tbs = new TBSCertificate({
    version: Version.v3,
    serialNumber: toSerialNumber(),
    signature,
    issuer: toName(issuer.name),
    subject: toName(fields.name),
    validity: new Validity({ notBefore: fields.notBefore, notAfter: fields.notAfter }),
    subjectPublicKeyInfo: AsnConvert.parse(fields.publicKey.export({ type: 'spki', format: 'der' }), SubjectPublicKeyInfo),
    extensions: new Extensions(toExtensions(fields, issuer)),
  });
  const bytes = Buffer.from(AsnConvert.serialize(tbs));
  const signatureValue = toArrayBuffer(sign(hash, bytes, issuer.privateKey));
  const certificate = new Certificate({ tbsCertificate: tbs, signatureAlgorithm: signature, signatureValue });
  return new X509Certificate(Buffer.from(AsnConvert.serialize(certificate)));
}

function toExtensions(fields: CertificateFields, issuer: Issuer): Extension[] {
  const { isAuthority, keyUsage, extendedKeyUsage, extensions = [] } = fields;
  return [
    toExtension(id_ce_subjectKeyIdentifier, false, new SubjectKeyIdentifier(toKeyIdentifier(fields.publicKey))),
    toExtension(
      id_ce_authorityKeyIdentifier,
      false,
      new AuthorityKeyIdentifier({ keyIdentifier: new KeyIdentifier(toKeyIdentifier(createPublicKey(issuer.privateKey))) }),
    ),
    ...(isAuthority === undefined ? [] : [toExtension(id_ce_basicConstraints, isAuthority.critical, toBasicConstraints(isAuthority))]),
    ...(keyUsage === undefined ? [] : [toExtension(id_ce_keyUsage, keyUsage.critical, new KeyUsage(keyUsage.flags))]),
    ...(extendedKeyUsage === undefined
      ? []
      : [toExtension(id_ce_extKeyUsage, fields.isExtendedKeyUsageCritical ?? false, new ExtendedKeyUsage([...extendedKeyUsage]))]),
    ...toLocations(fields),
    ...extensions.map(({ oid, critical, value }) => {
      return new Extension({ extnID: oid, critical, extnValue: new OctetString(toArrayBuffer(value)) });
    }),
  ];
}

function toBasicConstraints({ value, pathLength }: NonNullable<CertificateFields['isAuthority']>): BasicConstraints {
  return new BasicConstraints({ cA: value, ...(pathLength === undefined ? {} : { pathLenConstraint: pathLength }) });
}

function toLocations({ dnsNames = [], ipAddresses = [], crlUrls = [], ocspUrls = [], issuerUrls = [] }: CertificateFields): Extension[] {
  const names = [
    ...dnsNames.map((dNSName) => new GeneralName({ dNSName })),
    ...ipAddresses.map((iPAddress) => new GeneralName({ iPAddress })),
  ];
  const points = crlUrls.map(
    (url) => new DistributionPoint({ distributionPoint: new DistributionPointName({ fullName: [toUrlName(url)] }) }),
  );
  const accesses = [
    ...ocspUrls.map((url) => new AccessDescription({ accessMethod: id_ad_ocsp, accessLocation: toUrlName(url) })),
    ...issuerUrls.map((url) => new AccessDescription({ accessMethod: id_ad_caIssuers, accessLocation: toUrlName(url) })),
  ];
  return [
    ...(names.length === 0 ? [] : [toExtension(id_ce_subjectAltName, false, new SubjectAlternativeName(names))]),
    ...(points.length === 0 ? [] : [toExtension(id_ce_cRLDistributionPoints, false, new CRLDistributionPoints(points))]),
    ...(accesses.length === 0 ? [] : [toExtension(id_pe_authorityInfoAccess, false, new AuthorityInfoAccessSyntax(accesses))]),
  ];
}

function toUrlName(url: string): GeneralName {
  return new GeneralName({ uniformResourceIdentifier: url });
}

function toExtension(extnID: string, critical: boolean, value: object): Extension {
  return new Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) });
}

/** RSA keys sign with PKCS#1 v1.5, EC keys with ECDSA. */
export function toSignatureAlgorithm(key: KeyObject, hash: keyof typeof signatureOids.rsa): AlgorithmIdentifier {
  // RSA's parameters are NULL (RFC 4055, section 5), those of ECDSA absent (RFC 5758, section 3.2).
  return key.asymmetricKeyType === 'rsa'
    ? new AlgorithmIdentifier({ algorithm: signatureOids.rsa[hash], parameters: null })
    : new AlgorithmIdentifier({ algorithm: signatureOids.ec[hash] });
}

/** The name of every subject and issuer of the sandbox: C, ST and O are the same for all. */
export function toName(commonName: string): Name {
  // Notary trust policies name a signer by C, ST and O, all three required (trust-store-trust-policy.md, "Trusted Identities Constraints").
  const parts: [string, AttributeValue][] = [
    ['2.5.4.6', new AttributeValue({ printableString: 'US' })],
    ['2.5.4.8', new AttributeValue({ utf8String: 'WA' })],
    ['2.5.4.10', new AttributeValue({ utf8String: 'Image Custody sandbox' })],
    ['2.5.4.3', new AttributeValue({ utf8String: commonName })],
  ];
  return new Name(parts.map(([type, value]) => new RelativeDistinguishedName([new AttributeTypeAndValue({ type, value })])));
}

function toSerialNumber(): ArrayBuffer {
  const serial = randomBytes(16);
  // Positive, and without a leading zero byte (RFC 5280, section 4.1.2.2).
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  return toArrayBuffer(serial);
}

function toKeyIdentifier(publicKey: KeyObject): ArrayBuffer {
  return toArrayBuffer(
    createHash('sha1')
      .update(publicKey.export({ type: 'spki', format: 'der' }))
      .digest(),
  );
}

function toArrayBuffer(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}
