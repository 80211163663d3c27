import { generateKeyPair, type KeyObject, type X509Certificate } from 'node:crypto';
import { promisify } from 'node:util';
import { type CertificateFields, extendedKeyUsages, type Issuer, issueCertificate, keyUsages } from './certificate/x509.ts';
import type { TlsIdentity } from './stand-in.ts';

export type KeyType = 'RSA-2048' | 'RSA-3072' | 'RSA-4096' | 'P-256' | 'P-384' | 'P-521';

export interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

/** What a code-signing chain is to be; by default one that conforms to the Notary Project's rules. */
export interface SigningChainOptions {
  /** Default `P-256`. RSA keys take a while to find. */
  readonly keyType?: KeyType;
  /** Default `image-custody-sandbox`. */
  readonly name?: string;
  /** Root, intermediate and leaf; `root`: root and leaf; `self-signed`: only a leaf, as Key Vault makes them. Default `intermediate`. */
  readonly length?: 'self-signed' | 'root' | 'intermediate';
  readonly flaw?: ChainFlaw;
  readonly now?: () => Date;
}

/** Ways in which a chain is refused (notaryproject/specifications, signature-specification.md, "Certificate Requirements"). */
export type ChainFlaw =
  | 'expired'
  | 'not-yet-valid'
  | 'no-key-usage'
  | 'key-usage-not-critical'
  | 'key-encipherment'
  | 'server-auth'
  | 'time-stamping'
  | 'leaf-is-authority'
  | 'root-not-authority'
  | 'root-without-cert-sign'
  | 'sha1'
  | 'wrong-order'
  | 'foreign-root'
  | 'no-root';

export interface SigningChain {
  /** Leaf first, root last, but for the flaws `wrong-order`, `foreign-root` and `no-root`. */
  readonly certificates: readonly X509Certificate[];
  /** Of the leaf. */
  readonly keys: KeyPair;
}

/** A throw-away certificate authority. */
export interface CertificateAuthority {
  readonly certificate: X509Certificate;
  /** For NODE_EXTRA_CA_CERTS, and for `ca` of Node's TLS. */
  readonly certificatePem: string;
  /** A certificate for a server at 127.0.0.1, localhost and `names`, and for a client, with a new P-256 key. */
  issueTls(names?: readonly string[]): Promise<TlsIdentity>;
}

const dayMs = 24 * 60 * 60 * 1000;
const lifetimeDays = 30;

/** Makes an authority with a new P-256 key, good for 30 days. Nothing is kept: its key dies with the process. */
export async function createCertificateAuthority(now: () => Date = () => new Date()): Promise<CertificateAuthority> {
  const keys = await generateKeys('P-256');
  const issuer = { name: 'Image Custody sandbox CA', privateKey: keys.privateKey };
  const certificate = issueCertificate(authorityFields(issuer.name, keys.publicKey, now()), issuer);
  return {
    certificate,
    certificatePem: certificate.toString(),
    issueTls: async (names = []) => {
      const server = await generateKeys('P-256');
      const issued = issueCertificate(tlsFields(server.publicKey, now(), names), issuer);
      return { keyPem: toPrivateKeyPem(server.privateKey), certificatePem: issued.toString() };
    },
  };
}

/** Makes a code-signing chain from scratch. */
export async function createSigningChain(options: SigningChainOptions = {}): Promise<SigningChain> {
  const { keyType = 'P-256', name = 'image-custody-sandbox', length = 'intermediate', flaw } = options;
  const now = options.now?.() ?? new Date();
  const keys = await generateKeys(keyType);
  const leaf = leafFields(name, keys.publicKey, now, flaw);
  if (length === 'self-signed') {
    return { certificates: [issueCertificate(leaf, { name, privateKey: keys.privateKey })], keys };
  }
  const root = await createIssuer(`${name} root`);
  const rootFields = authorityFields(root.name, root.keys.publicKey, now, flaw);
  const certificates = [issueCertificate(rootFields, root)];
  let issuer: Issuer = root;
  if (length === 'intermediate') {
    const intermediate = await createIssuer(`${name} intermediate`);
    certificates.unshift(issueCertificate(authorityFields(intermediate.name, intermediate.keys.publicKey, now), root));
    issuer = intermediate;
  }
  certificates.unshift(issueCertificate(leaf, issuer));
  if (flaw === 'foreign-root') {
    const stranger = await createIssuer(root.name);
    certificates[certificates.length - 1] = issueCertificate(authorityFields(root.name, stranger.keys.publicKey, now), stranger);
  }
  return { certificates: arrange(certificates, flaw), keys };
}

/** A new key pair. Elliptic curves take milliseconds, RSA up to seconds. */
export function generateKeys(keyType: KeyType): Promise<KeyPair> {
  const generate = promisify(generateKeyPair);
  return keyType.startsWith('RSA-')
    ? generate('rsa', { modulusLength: Number(keyType.slice('RSA-'.length)) })
    : generate('ec', { namedCurve: keyType });
}

/** Leaf first, as the files that people hold. */
export function toChainPem(certificates: readonly X509Certificate[]): string {
  return certificates.map((certificate) => certificate.toString()).join('');
}

/** PKCS#8 (RFC 5958). */
export function toPrivateKeyPem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

async function createIssuer(name: string): Promise<Issuer & { readonly keys: KeyPair }> {
  const keys = await generateKeys('P-256');
  return { name, privateKey: keys.privateKey, keys };
}

function tlsFields(publicKey: KeyObject, now: Date, names: readonly string[]): CertificateFields {
  return {
    name: 'localhost',
    publicKey,
    ...validity(now),
    isAuthority: { value: false, critical: true },
    keyUsage: { flags: keyUsages.digitalSignature, critical: true },
    extendedKeyUsage: [extendedKeyUsages.serverAuth, extendedKeyUsages.clientAuth],
    dnsNames: ['localhost', ...names],
    ipAddresses: ['127.0.0.1'],
  };
}

function authorityFields(name: string, publicKey: KeyObject, now: Date, flaw?: ChainFlaw): CertificateFields {
  const flags = flaw === 'root-without-cert-sign' ? keyUsages.cRLSign : keyUsages.keyCertSign | keyUsages.cRLSign;
  return {
    name,
    publicKey,
    ...validity(now),
    isAuthority: flaw === 'root-not-authority' ? undefined : { value: true, critical: true },
    keyUsage: { flags, critical: true },
  };
}

function leafFields(name: string, publicKey: KeyObject, now: Date, flaw: ChainFlaw | undefined): CertificateFields {
  const usage = flaw === 'server-auth' ? 'serverAuth' : flaw === 'time-stamping' ? 'timeStamping' : 'codeSigning';
  const flags = flaw === 'key-encipherment' ? keyUsages.digitalSignature | keyUsages.keyEncipherment : keyUsages.digitalSignature;
  return {
    name,
    publicKey,
    ...validity(now, flaw),
    isAuthority: { value: flaw === 'leaf-is-authority', critical: true },
    keyUsage: flaw === 'no-key-usage' ? undefined : { flags, critical: flaw !== 'key-usage-not-critical' },
    extendedKeyUsage: [extendedKeyUsages[usage]],
    hash: flaw === 'sha1' ? 'sha1' : 'sha256',
  };
}

function validity(now: Date, flaw?: ChainFlaw): { readonly notBefore: Date; readonly notAfter: Date } {
  const shiftDays = flaw === 'expired' ? -2 * lifetimeDays : flaw === 'not-yet-valid' ? lifetimeDays : 0;
  // Whole seconds: X.509 has no others. A day earlier, for clocks that are behind.
  const start = Math.floor(now.getTime() / 1000) * 1000 - dayMs + shiftDays * dayMs;
  return { notBefore: new Date(start), notAfter: new Date(start + lifetimeDays * dayMs) };
}

function arrange(certificates: readonly X509Certificate[], flaw: ChainFlaw | undefined): readonly X509Certificate[] {
  switch (flaw) {
    case 'wrong-order':
      return certificates.toReversed();
    case 'no-root':
      return certificates.slice(0, -1);
    default:
      return certificates;
  }
}
