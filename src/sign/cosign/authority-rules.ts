import { AsnConvert } from '@peculiar/asn1-schema';
import {
  Certificate,
  id_ce_basicConstraints,
  id_ce_certificatePolicies,
  id_ce_cRLDistributionPoints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_nameConstraints,
  id_ce_subjectAltName,
  id_kp_codeSigning,
} from '@peculiar/asn1-x509';
import { parseCertificate } from '../notary/certificate.ts';
import { isFitKey } from './fit-key.ts';

/**
 * Holds the certificate of an authority against the rules of RFC 5280 that Go holds chains against and @sigstore/verify does not look at. Names may not be constrained,
 * for nothing here compares them. Throws an Error with a reason.
 */
export function verifyAuthority(der: Uint8Array): void {
  const { subject, criticalExtensions, extendedKeyUsage } = parseCertificate(der);
  const refuse = (reason: string) => new Error(`the authority "${subject}" ${reason}`);
  const { extensions = [] } = AsnConvert.parse(der, Certificate).tbsCertificate;
  if (extensions.some(({ extnID }) => extnID === id_ce_nameConstraints))
    throw refuse('may certify some names alone, which are not compared here');
  const unknown = criticalExtensions.find((id) => !knownExtensions.has(id));
  if (unknown !== undefined) throw refuse(`has a critical extension that is not known here (${unknown})`);
  if (extendedKeyUsage.length > 0 && !extendedKeyUsage.some((id) => id === id_kp_codeSigning || id === anyUsage))
    throw refuse('may not certify who signs code');
}

/** The same of the certificate of a signer, but for what `readCertificateIdentity` asks of it. */
export function verifySigner(der: Uint8Array): void {
  const { publicKey, criticalExtensions } = parseCertificate(der);
  const unknown = criticalExtensions.find((id) => !knownExtensions.has(id));
  if (unknown !== undefined) throw new Error(`the certificate has a critical extension that is not known here (${unknown})`);
  if (!isFitKey(publicKey)) throw new Error('the key of the certificate is none that signatures count by');
}

/** 2.5.29.37.0 of RFC 5280 (4.2.1.12). */
const anyUsage = '2.5.29.37.0';
/** RFC 5280, 4.2.1: what is looked at, and what takes nothing from a certificate that is not looked at. */
const knownExtensions: ReadonlySet<string> = new Set([
  id_ce_basicConstraints,
  id_ce_keyUsage,
  id_ce_extKeyUsage,
  id_ce_subjectAltName,
  id_ce_certificatePolicies,
  id_ce_cRLDistributionPoints,
]);
