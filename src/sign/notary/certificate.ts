import { type KeyObject, X509Certificate } from 'node:crypto';
import { id_mgf1, id_RSASSA_PSS, RsaSaPssParams } from '@peculiar/asn1-rsa';
import { AsnConvert } from '@peculiar/asn1-schema';
import {
  AlgorithmIdentifier,
  BasicConstraints,
  Certificate as CertificateAsn,
  ExtendedKeyUsage,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  KeyUsage,
  type KeyUsageType,
} from '@peculiar/asn1-x509';
import { nameText } from '../../lib/certificate-chain.ts';
import { ed25519Id, hashNames, signatureKinds } from '../hash-algorithm.ts';
import { verifyCertificateEncoding } from './certificate-encoding.ts';

/** The parts of a certificate that the rules of the Notary Project look at. */
export interface Certificate {
  readonly x509: X509Certificate;
  readonly publicKey: KeyObject;
  /** On one line. */
  readonly subject: string;
  readonly subjectBytes: Buffer;
  readonly issuerBytes: Buffer;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Hash of the signature on it by OID; undefined where it is none of SHA-256, -384 and -512 (or Ed25519), or PSS in a form that verifiers do not know. */
  readonly signatureHash: 'sha256' | 'sha384' | 'sha512' | undefined;
  readonly basicConstraints: { readonly critical: boolean; readonly ca: boolean; readonly pathLength: number | undefined } | undefined;
  readonly keyUsage: { readonly critical: boolean; readonly usages: readonly KeyUsageType[] } | undefined;
  /** OIDs. */
  readonly extendedKeyUsage: readonly string[];
  /** OIDs of the extensions that whoever does not know them must not pass over. */
  readonly criticalExtensions: readonly string[];
  /** OIDs of extensions that are there twice, which RFC 5280 (4.2) forbids and readers resolve differently. */
  readonly repeatedExtensions: readonly string[];
}

/** Throws an Error that says what is wrong where the bytes are not one certificate that verifiers read. */
export function parseCertificate(der: Uint8Array): Certificate {
  verifyCertificateEncoding(der);
  const x509 = new X509Certificate(der);
  const asn = AsnConvert.parse(der, CertificateAsn);
  const { subject, issuer, validity, extensions = [] } = asn.tbsCertificate;
  const ids = [...extensions].map((extension) => extension.extnID);
  return {
    x509,
    // Read now: the getter throws where the key is of a kind that OpenSSL does not know.
    publicKey: x509.publicKey,
    subject: nameText(x509.subject),
    subjectBytes: Buffer.from(AsnConvert.serialize(subject)),
    issuerBytes: Buffer.from(AsnConvert.serialize(issuer)),
    notBefore: validity.notBefore.getTime(),
    notAfter: validity.notAfter.getTime(),
    signatureHash: signatureHashOf(asn),
    basicConstraints: readExtension(asn, id_ce_basicConstraints, BasicConstraints, (value, critical) => ({
      critical,
      ca: value.cA,
      pathLength: value.pathLenConstraint,
    })),
    keyUsage: readExtension(asn, id_ce_keyUsage, KeyUsage, (value, critical) => ({ critical, usages: value.toJSON() })),
    extendedKeyUsage: readExtension(asn, id_ce_extKeyUsage, ExtendedKeyUsage, (value) => [...value]) ?? [],
    criticalExtensions: extensions.filter(({ critical }) => critical).map(({ extnID }) => extnID),
    repeatedExtensions: ids.filter((id, index) => ids.indexOf(id) !== index),
  };
}

function readExtension<Value, Read>(
  certificate: CertificateAsn,
  id: string,
  shape: new () => Value,
  read: (value: Value, critical: boolean) => Read,
): Read | undefined {
  const extension = certificate.tbsCertificate.extensions?.find((candidate) => candidate.extnID === id);
  return extension && read(AsnConvert.parse(extension.extnValue, shape), extension.critical);
}

function signatureHashOf(certificate: CertificateAsn): Certificate['signatureHash'] {
  const { algorithm, parameters } = certificate.signatureAlgorithm;
  // It hashes with SHA-512.
  if (algorithm === ed25519Id) return 'sha512';
  if (algorithm !== id_RSASSA_PSS) return signatureKinds[algorithm]?.hash;
  if (!parameters) return undefined;
  const { hashAlgorithm, maskGenAlgorithm, saltLength, trailerField } = AsnConvert.parse(parameters, RsaSaPssParams);
  const hash = hashNames[hashAlgorithm.algorithm];
  const mask = maskGenAlgorithm.parameters && AsnConvert.parse(maskGenAlgorithm.parameters, AlgorithmIdentifier).algorithm;
  // Go verifies no others.
  const isUsual = maskGenAlgorithm.algorithm === id_mgf1 && mask === hashAlgorithm.algorithm && trailerField === 1;
  return hash !== undefined && isUsual && saltLength * 8 === Number(hash.slice('sha'.length)) ? hash : undefined;
}
