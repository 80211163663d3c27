import type { KeyObject, X509Certificate } from 'node:crypto';
import { readCertificates } from './certificate-bundle.ts';

/** Where the certificates of a key are. */
export interface ChainSources {
  /** Certificates, as `readCertificates` takes them: those of the issuers in any order, and others. */
  readonly chain?: string | Uint8Array | undefined;
  /** False where a key signs for those who want no certificate of it: then it can do without one, and its chain may end before the root. */
  readonly isCertified?: boolean;
  /** Fetches the issuer that a certificate names itself (RFC 5280, 4.2.2.1); only where it is nowhere else. */
  readonly fetchIssuer?: FetchIssuer | undefined;
}

/** Rejects with the reason, for the user. */
export type FetchIssuer = (url: URL) => Promise<Uint8Array>;

export interface CertificateChain {
  /** Leaf first, each issued by the next. */
  readonly certificates: readonly X509Certificate[];
  /** The last certificate is self-signed. */
  readonly complete: boolean;
}

export interface CompletedChain extends CertificateChain {
  /** What was tried besides, and why it gave nothing: ` (…)`, or empty. */
  readonly tried: string;
}

/** No public authority has more between a leaf and its root. */
const maxFetched = 5;

/** As `orderChain`; where issuers are missing, those are fetched that the certificates themselves name. */
export async function completeChain(
  leaf: X509Certificate,
  pool: readonly X509Certificate[],
  fetchIssuer?: FetchIssuer,
): Promise<CompletedChain> {
  const known = [...pool];
  for (let fetched = 0; ; fetched += 1) {
    const chain = orderChain(leaf, known);
    const last = chain.certificates.at(-1) ?? leaf;
    const url = issuerUrlOf(last);
    if (chain.complete || fetchIssuer === undefined || url === undefined || fetched === maxFetched) return { ...chain, tried: '' };
    try {
      const found = (await readCertificates(await fetchIssuer(url))).find((candidate) => isIssuedBy(last, candidate));
      if (found === undefined) return { ...chain, tried: ` (what ${url.href} gives is not its certificate)` };
      known.push(found);
    } catch (error) {
      return { ...chain, tried: ` (${url.href}, which the certificate names for it: ${(error as Error).message})` };
    }
  }
}

/** Only http and https; the first that a certificate names. */
function issuerUrlOf({ infoAccess }: X509Certificate): URL | undefined {
  const [, text = ''] = /^CA Issuers - URI:(https?:\/\/[\x21-\x7e]+)$/m.exec(infoAccess ?? '') ?? [];
  return URL.canParse(text) ? new URL(text) : undefined;
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

/** A distinguished name on one line; Node has none where it is empty. */
export function nameText(name: string | undefined): string {
  return name?.split('\n').join(', ') ?? '';
}
