import { generateKeyPairSync, type X509Certificate } from 'node:crypto';
import { type CertificateFields, extendedKeyUsages, issueCertificate, keyUsages } from '../../../src/sandbox/certificate/x509.ts';
import type { RevokingAuthority } from '../../../src/sandbox/revocation/revocation-list.ts';

/** Real, as notation has no other clock; whole seconds, as X.509 has no others. */
export const now = new Date(Math.floor(Date.now() / 1000) * 1000);
export const hourMs = 3_600_000;
export const before = new Date(now.getTime() - hourMs);
export const after = new Date(now.getTime() + hourMs);

export interface Party extends RevokingAuthority {
  readonly name: string;
}

const dayMs = 24 * hourMs;
const validity = { notBefore: new Date(now.getTime() - 30 * dayMs), notAfter: new Date(now.getTime() + 30 * dayMs) };

function makeParty(name: string, fields: Partial<CertificateFields>, issuer: Party | undefined, keyType: 'ec' | 'rsa' = 'ec'): Party {
  const keys = keyType === 'ec' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('rsa', { modulusLength: 2048 });
  const by = issuer ?? { name, privateKey: keys.privateKey };
  const certificate = issueCertificate({ name, publicKey: keys.publicKey, ...validity, ...fields }, by);
  return { name, certificate, privateKey: keys.privateKey };
}

export function makeRoot(name = 'Root', fields: Partial<CertificateFields> = {}, keyType: 'ec' | 'rsa' = 'ec'): Party {
  const flags = keyUsages.keyCertSign | keyUsages.cRLSign;
  return makeParty(
    name,
    { isAuthority: { value: true, critical: true }, keyUsage: { flags, critical: true }, ...fields },
    undefined,
    keyType,
  );
}

/** Who signs images. */
export function makeSigningParty(issuer: Party, fields: Partial<CertificateFields> = {}, name = 'Leaf'): Party {
  return makeParty(name, { keyUsage: { flags: keyUsages.digitalSignature, critical: true }, ...fields }, issuer);
}

export function makeLeaf(issuer: Party, fields: Partial<CertificateFields> = {}, name = 'Leaf'): X509Certificate {
  return makeSigningParty(issuer, fields, name).certificate;
}

/** Who may answer by OCSP for the issuer. */
export function makeResponder(issuer: Party, fields: Partial<CertificateFields> = {}, name = 'Responder'): Party {
  const keyUsage = { flags: keyUsages.digitalSignature, critical: true };
  return makeParty(name, { keyUsage, extendedKeyUsage: [extendedKeyUsages.ocspSigning], ...fields }, issuer);
}
