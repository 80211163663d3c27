import { type KeyObject, sign, type X509Certificate } from 'node:crypto';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import {
  BaseCRLNumber,
  Certificate,
  CertificateList,
  CRLDistributionPoints,
  CRLNumber,
  CRLReason,
  type CRLReasons,
  DistributionPoint,
  DistributionPointName,
  Extension,
  GeneralName,
  InvalidityDate,
  IssuingDistributionPoint,
  id_ce_cRLNumber,
  id_ce_cRLReasons,
  id_ce_deltaCRLIndicator,
  id_ce_freshestCRL,
  id_ce_invalidityDate,
  id_ce_issuingDistributionPoint,
  RevokedCertificate,
  TBSCertList,
  Time,
  Version,
} from '@peculiar/asn1-x509';
import { toSignatureAlgorithm } from '../certificate/x509.ts';

/** Who revokes: the issuer of the certificates, or somebody who should not. */
export interface RevokingAuthority {
  readonly certificate: X509Certificate;
  readonly privateKey: KeyObject;
}

/** That a certificate is revoked. */
export interface Revocation {
  readonly certificate: X509Certificate;
  readonly time: Date;
  /** Of RFC 5280, 5.3.1. */
  readonly reason?: number | undefined;
  readonly invalidFrom?: Date | undefined;
  /** Any further extensions of the entry; `value` is the DER inside the OCTET STRING. */
  readonly extensions?: readonly RawExtension[] | undefined;
}

export interface RawExtension {
  readonly oid: string;
  readonly critical: boolean;
  readonly value: Uint8Array;
}

/** What a list says; what is absent here is absent there. */
export interface RevocationListFields {
  readonly revocations: readonly Revocation[];
  readonly thisUpdate: Date;
  readonly nextUpdate?: Date | undefined;
  readonly number?: number | undefined;
  /** Makes it a delta of the list with that number. */
  readonly baseNumber?: number | undefined;
  /** Where its delta is. */
  readonly deltaUrl?: string | undefined;
  readonly scope?: ListScope | undefined;
  readonly extensions?: readonly RawExtension[] | undefined;
  readonly hash?: 'sha1' | 'sha256' | 'sha384' | 'sha512' | undefined;
}

/** Of which certificates a list speaks (RFC 5280, 5.2.5). */
export interface ListScope {
  readonly url?: string;
  readonly onlyUsers?: boolean;
  readonly onlyAuthorities?: boolean;
  readonly isIndirect?: boolean;
}

/** Makes a revocation list (RFC 5280, 5), in DER. */
export function issueRevocationList(fields: RevocationListFields, { certificate, privateKey }: RevokingAuthority): Buffer {
  const hash = fields.hash ?? 'sha256';
  const signature = toSignatureAlgorithm(privateKey, hash);
  const tbs = new TBSCertList({
    version: Version.v2,
    signature,
    issuer: AsnConvert.parse(certificate.raw, Certificate).tbsCertificate.subject,
    thisUpdate: new Time(fields.thisUpdate),
    ...(fields.nextUpdate && { nextUpdate: new Time(fields.nextUpdate) }),
    ...(fields.revocations.length > 0 && { revokedCertificates: fields.revocations.map(toEntry) }),
    crlExtensions: toListExtensions(fields),
  });
  const bytes = Buffer.from(AsnConvert.serialize(tbs));
  const list = new CertificateList({
    tbsCertList: tbs,
    signatureAlgorithm: signature,
    signature: toArrayBuffer(sign(hash, bytes, privateKey)),
  });
  return Buffer.from(AsnConvert.serialize(list));
}

function toEntry({ certificate, time, reason, invalidFrom, extensions = [] }: Revocation): RevokedCertificate {
  const all = [
    ...(reason === undefined ? [] : [toExtension(id_ce_cRLReasons, false, new CRLReason(reason as CRLReasons))]),
    ...(invalidFrom === undefined ? [] : [toExtension(id_ce_invalidityDate, false, new InvalidityDate(invalidFrom))]),
    ...extensions.map(toRawExtension),
  ];
  return new RevokedCertificate({
    userCertificate: AsnConvert.parse(certificate.raw, Certificate).tbsCertificate.serialNumber,
    revocationDate: new Time(time),
    ...(all.length > 0 && { crlEntryExtensions: all }),
  });
}

function toListExtensions({ number, baseNumber, deltaUrl, scope, extensions = [] }: RevocationListFields): Extension[] {
  return [
    ...(number === undefined ? [] : [toExtension(id_ce_cRLNumber, false, new CRLNumber(number))]),
    ...(baseNumber === undefined ? [] : [toExtension(id_ce_deltaCRLIndicator, true, new BaseCRLNumber(baseNumber))]),
    ...(deltaUrl === undefined
      ? []
      : [
          toExtension(
            id_ce_freshestCRL,
            false,
            new CRLDistributionPoints([new DistributionPoint({ distributionPoint: toPoint(deltaUrl) })]),
          ),
        ]),
    ...(scope === undefined ? [] : [toExtension(id_ce_issuingDistributionPoint, true, toScope(scope))]),
    ...extensions.map(toRawExtension),
  ];
}

function toScope({ url, onlyUsers = false, onlyAuthorities = false, isIndirect = false }: ListScope): IssuingDistributionPoint {
  return new IssuingDistributionPoint({
    ...(url !== undefined && { distributionPoint: toPoint(url) }),
    onlyContainsUserCerts: onlyUsers,
    onlyContainsCACerts: onlyAuthorities,
    indirectCRL: isIndirect,
  });
}

function toPoint(url: string): DistributionPointName {
  return new DistributionPointName({ fullName: [new GeneralName({ uniformResourceIdentifier: url })] });
}

function toExtension(extnID: string, critical: boolean, value: object): Extension {
  return new Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) });
}

function toRawExtension({ oid, critical, value }: RawExtension): Extension {
  return new Extension({ extnID: oid, critical, extnValue: new OctetString(toArrayBuffer(value)) });
}

function toArrayBuffer(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}
