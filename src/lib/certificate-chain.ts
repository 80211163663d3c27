import { type KeyObject, X509Certificate } from 'node:crypto';

/** Every certificate in a PEM text, in its order; throws where a block is not a certificate. Other blocks and text between them are passed over. */
export function parseCertificates(pem: string): readonly X509Certificate[] {
  return (pem.match(certificateBlock) ?? []).map((block) => new X509Certificate(block));
}

export interface CertificateChain {
  /** Leaf first, each issued by the next. */
  readonly certificates: readonly X509Certificate[];
  /** The last certificate is self-signed. */
  readonly complete: boolean;
}

/** The chain that begins with `leaf`, its issuers taken from `pool` whatever its order; certificates that do not belong to it are left out. */
export function orderChain(leaf: X509Certificate, pool: readonly X509Certificate[]): CertificateChain {
  const certificates = [leaf];
  let last = leaf;
  while (!isIssuedBy(last, last)) {
    const child = last;
    const issuer = pool.find((candidate) => isIssuedBy(child, candidate) && !certificates.some((c) => c.raw.equals(candidate.raw)));
    if (issuer === undefined) return { certificates, complete: false };
    certificates.push(issuer);
    last = issuer;
  }
  return { certificates, complete: true };
}

/** By name and signature alone: key identifiers are hints, which the Notary Project does not evaluate. */
function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  const key = certificate.issuer === issuer.subject ? publicKeyOf(issuer) : undefined;
  return key !== undefined && certificate.verify(key);
}

/** Undefined where the key is of a kind that OpenSSL does not know, for which Node's getter throws. */
export function publicKeyOf(certificate: X509Certificate): KeyObject | undefined {
  try {
    return certificate.publicKey;
  } catch {
    return undefined;
  }
}

/** A distinguished name on one line. */
export function nameText(name: string): string {
  return name.split('\n').join(', ');
}

const certificateBlock = /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----[\s\S]*?-----END (?:X509 |TRUSTED )?CERTIFICATE-----/g;
