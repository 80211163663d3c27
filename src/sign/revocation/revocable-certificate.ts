import { AsnConvert } from '@peculiar/asn1-schema';
import {
  AuthorityInfoAccessSyntax,
  Certificate as CertificateAsn,
  CRLDistributionPoints,
  id_ad_ocsp,
  id_ce_cRLDistributionPoints,
  id_ce_freshestCRL,
  id_pe_authorityInfoAccess,
} from '@peculiar/asn1-x509';
import { type Certificate, parseCertificate } from '../notary/certificate.ts';

/** A place where a revocation list is: each of its names leads to the same list. */
export interface DistributionPoint {
  readonly urls: readonly string[];
  /** The list is by another authority than the one that issued the certificate (RFC 5280, 4.2.1.13). */
  readonly isIndirect: boolean;
}

/** A certificate with what it says of its revocation. */
export interface RevocableCertificate extends Certificate {
  /** Without leading zeros. */
  readonly serialNumber: Buffer;
  /** Content of the BIT STRING of its public key. */
  readonly keyBits: Buffer;
  readonly ocspUrls: readonly string[];
  readonly distributionPoints: readonly DistributionPoint[];
  /** It names a delta list itself (RFC 5280, 4.2.1.15). */
  readonly namesDeltas: boolean;
}

/** Throws where the certificate, or what it says of revocation, cannot be read. */
export function parseRevocable(der: Uint8Array): RevocableCertificate {
  const { tbsCertificate } = AsnConvert.parse(der, CertificateAsn);
  const extensionOf = (oid: string) => tbsCertificate.extensions?.find(({ extnID }) => extnID === oid)?.extnValue;
  const access = extensionOf(id_pe_authorityInfoAccess);
  const points = extensionOf(id_ce_cRLDistributionPoints);
  return {
    ...parseCertificate(der),
    serialNumber: withoutZeros(Buffer.from(tbsCertificate.serialNumber)),
    keyBits: Buffer.from(tbsCertificate.subjectPublicKeyInfo.subjectPublicKey),
    ocspUrls: access === undefined ? [] : readResponders(AsnConvert.parse(access, AuthorityInfoAccessSyntax)),
    distributionPoints: points === undefined ? [] : readPoints(AsnConvert.parse(points, CRLDistributionPoints)),
    namesDeltas: extensionOf(id_ce_freshestCRL) !== undefined,
  };
}

/** The content of an INTEGER in one form. */
export function withoutZeros(bytes: Buffer): Buffer {
  let at = 0;
  while (at < bytes.length - 1 && bytes[at] === 0) at += 1;
  return bytes.subarray(at);
}

function readResponders(access: AuthorityInfoAccessSyntax): readonly string[] {
  return access.flatMap(({ accessMethod, accessLocation }) =>
    accessMethod === id_ad_ocsp && accessLocation.uniformResourceIdentifier !== undefined ? [accessLocation.uniformResourceIdentifier] : [],
  );
}

function readPoints(points: CRLDistributionPoints): readonly DistributionPoint[] {
  return points.flatMap(({ distributionPoint, cRLIssuer }) => {
    const urls = (distributionPoint?.fullName ?? []).flatMap((name) => name.uniformResourceIdentifier ?? []);
    return urls.length === 0 && cRLIssuer === undefined ? [] : [{ urls, isIndirect: cRLIssuer !== undefined }];
  });
}
