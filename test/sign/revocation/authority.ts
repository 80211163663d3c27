import { generateKeyPairSync, type X509Certificate } from 'node:crypto';
import { type CertificateFields, extendedKeyUsages, issueCertificate, keyUsages } from '../../../src/sandbox/certificate/x509.ts';
import type { RevokingAuthority } from '../../../src/sandbox/revocation/revocation-list.ts';

export const now = new Date('2026-06-01T12:00:00Z');
export const hourMs = 3_600_000;
export const before = new Date(now.getTime() - hourMs);
export const after = new Date(now.getTime() + hourMs);

export interface Party extends RevokingAuthority {
  readonly name: string;
}

const validity = { notBefore: new Date('2026-01-01T00:00:00Z'), notAfter: new Date('2027-01-01T00:00:00Z') };

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

export function makeLeaf(issuer: Party, fields: Partial<CertificateFields> = {}, name = 'Leaf'): X509Certificate {
  return makeParty(name, { keyUsage: { flags: keyUsages.digitalSignature, critical: true }, ...fields }, issuer).certificate;
}

/** Who may answer by OCSP for the issuer. */
export function makeResponder(issuer: Party, fields: Partial<CertificateFields> = {}, name = 'Responder'): Party {
  const keyUsage = { flags: keyUsages.digitalSignature, critical: true };
  return makeParty(name, { keyUsage, extendedKeyUsage: [extendedKeyUsages.ocspSigning], ...fields }, issuer);
}
