import type { KeyObject, X509Certificate } from 'node:crypto';
import { type CertificateFields, extendedKeyUsages, issueCertificate, keyUsages } from '../certificate/x509.ts';
import { generateKeys, type KeyPair, type KeyType } from '../certificate.ts';

/** What the chain of a timestamp authority is to be; by default one that keeps every rule. */
export interface TimestampChainOptions {
  /** Of the leaf. Default `P-256`. */
  readonly keyType?: KeyType;
  /** Default `image-custody-sandbox TSA`. */
  readonly name?: string;
  /** Default `intermediate`: root, intermediate and leaf. */
  readonly length?: 'self-signed' | 'root' | 'intermediate';
  /** From when on and until when all of it is valid. Default: a day ago, for 30 days. */
  readonly validity?: { readonly notBefore: Date; readonly notAfter: Date };
  /** In place of what the certificates would say. */
  readonly leaf?: Partial<CertificateFields>;
  readonly intermediate?: Partial<CertificateFields>;
  readonly root?: Partial<CertificateFields>;
  readonly now?: () => Date;
}

export interface TimestampChain {
  /** Leaf first, root last. */
  readonly certificates: readonly X509Certificate[];
  /** Of the leaf. */
  readonly keys: KeyPair;
  /** Of who issued the leaf, and can revoke it. */
  readonly issuerKey: KeyObject;
}

const dayMs = 24 * 60 * 60 * 1000;

/** Makes the chain of a timestamp authority (RFC 3161, 2.3) from scratch. */
export async function createTimestampChain(options: TimestampChainOptions = {}): Promise<TimestampChain> {
  const { keyType = 'P-256', name = 'image-custody-sandbox TSA', length = 'intermediate', leaf, intermediate, root } = options;
  const validity = options.validity ?? around(options.now?.() ?? new Date());
  const keys = await generateKeys(keyType);
  const fields = { ...leafFields(name, keys), ...validity, ...leaf };
  if (length === 'self-signed')
    return { certificates: [issueCertificate(fields, { name, privateKey: keys.privateKey })], keys, issuerKey: keys.privateKey };
  const rootKeys = await generateKeys('P-256');
  let issuer = { name: `${name} root`, privateKey: rootKeys.privateKey };
  const authorities = [issueCertificate({ ...authorityFields(issuer.name, rootKeys), ...validity, ...root }, issuer)];
  if (length === 'intermediate') {
    const middleKeys = await generateKeys('P-256');
    const middle = { name: `${name} intermediate`, privateKey: middleKeys.privateKey };
    authorities.unshift(issueCertificate({ ...authorityFields(middle.name, middleKeys), ...validity, ...intermediate }, issuer));
    issuer = middle;
  }
  return { certificates: [issueCertificate(fields, issuer), ...authorities], keys, issuerKey: issuer.privateKey };
}

function around(now: Date) {
  const start = Math.floor(now.getTime() / 1000) * 1000 - dayMs;
  return { notBefore: new Date(start), notAfter: new Date(start + 30 * dayMs) };
}

function leafFields(name: string, { publicKey }: KeyPair) {
  return {
    name,
    publicKey,
    isAuthority: { value: false, critical: true },
    keyUsage: { flags: keyUsages.digitalSignature, critical: true },
    extendedKeyUsage: [extendedKeyUsages.timeStamping],
    isExtendedKeyUsageCritical: true,
  };
}

function authorityFields(name: string, { publicKey }: KeyPair) {
  return {
    name,
    publicKey,
    isAuthority: { value: true, critical: true },
    keyUsage: { flags: keyUsages.keyCertSign | keyUsages.cRLSign, critical: true },
  };
}
