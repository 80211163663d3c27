import { createPublicKey, type JsonWebKey, type KeyObject, X509Certificate } from 'node:crypto';
import type { JsonWebKey as VaultJsonWebKey } from '@azure/keyvault-keys';
import { publicKeyOf } from '../lib/certificate-chain.ts';
import { vaultError } from './azure-error.ts';
import { type VaultRequest, verifyUsable } from './vault-error.ts';
import { askVault } from './vault-exchange.ts';

/** A key of a vault and the certificate that stands for it. */
export interface VaultKey {
  /** With its version, so that a rotation amid the run changes nothing. */
  readonly keyId: string;
  readonly keyName: string;
  readonly leaf: X509Certificate;
}

/** The key under a certificate of the vault. Takes certificates/get. */
export async function fetchCertificateKey(request: VaultRequest, version: string | undefined, now: () => Date): Promise<VaultKey> {
  const { vault, credential, name } = request;
  const { CertificateClient } = await import('@azure/keyvault-certificates');
  const found = await askVault(request, (options) => {
    const client = new CertificateClient(vault.url, credential, options);
    return version === undefined ? client.getCertificate(name) : client.getCertificateVersion(name, version);
  });
  verifyUsable(request, found.properties, now());
  if (found.cer === undefined || found.cer.length === 0 || found.keyId === undefined) {
    throw vaultError(
      'certificate-unreadable',
      `Cannot sign with certificate "${name}" of vault ${vault.name}: it has not been issued yet`,
      `Its authority must answer first: az keyvault certificate pending show --vault-name ${vault.name} --name ${name}.`,
    );
  }
  return { ...parseKeyId(request, found.keyId), leaf: parseLeaf(request, found.cer) };
}

/** A key without a certificate of the vault's, and its certificate among `certificates`. Takes keys/get. */
export async function fetchBareKey(
  request: VaultRequest,
  version: string | undefined,
  certificates: readonly X509Certificate[],
  now: () => Date,
): Promise<VaultKey> {
  const { vault, credential, name } = request;
  const { KeyClient } = await import('@azure/keyvault-keys');
  const found = await askVault(request, (options) =>
    new KeyClient(vault.url, credential, options).getKey(name, version === undefined ? {} : { version }),
  );
  verifyUsable(request, found.properties, now());
  const publicKey = toPublicKey(request, found.key);
  const leaf = certificates.find((certificate) => publicKeyOf(certificate)?.equals(publicKey));
  if (leaf === undefined || found.id === undefined) {
    throw vaultError(
      'key-mismatch',
      `Cannot sign with key "${name}" of vault ${vault.name}: none of the ${certificates.length} certificates given is for it`,
      `Name a PEM file with the certificate of the key and its issuers after a comma in signing-key: ${vault.url}/keys/${name},CHAIN.pem.`,
    );
  }
  return { ...parseKeyId(request, found.id), leaf };
}

/** What the vault says of its key must be a key of the same vault: the credential's tokens go where it points. */
function parseKeyId(request: VaultRequest, id: string): Pick<VaultKey, 'keyId' | 'keyName'> {
  const url = URL.canParse(id) ? new URL(id) : undefined;
  const keyName = /^\/keys\/([0-9A-Za-z-]{1,127})\/[0-9a-f]{32}$/i.exec(url?.pathname ?? '')?.[1];
  if (keyName === undefined || url?.origin !== request.vault.url || url.search !== '') {
    throw vaultError(
      'vault-refused',
      `Cannot sign with ${request.kind} "${request.name}" of vault ${request.vault.name}: its key id ${JSON.stringify(id)} is none of this vault`,
      `Something else than Key Vault answers at ${request.vault.url}: see which proxy or DNS is between.`,
    );
  }
  return { keyId: id, keyName };
}

function parseLeaf({ name, vault }: VaultRequest, der: Uint8Array): X509Certificate {
  try {
    const leaf = new X509Certificate(der);
    if (publicKeyOf(leaf) !== undefined) return leaf;
  } catch {
    // Told below, as a key of an unknown kind is.
  }
  throw vaultError(
    'certificate-unreadable',
    `Cannot sign with certificate "${name}" of vault ${vault.name}: its certificate cannot be read`,
    `az keyvault certificate download --vault-name ${vault.name} --name ${name} --file leaf.pem fetches it, openssl x509 -in leaf.pem -text shows it.`,
  );
}

/** Keys of a hardware module have types of their own; symmetric keys do not sign. */
function toPublicKey(request: VaultRequest, key: VaultJsonWebKey | undefined): KeyObject {
  const encode = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString('base64url');
  const kty = key?.kty?.replace(/-HSM$/, '');
  const jwk: JsonWebKey =
    kty === 'RSA' ? { kty, n: encode(key?.n), e: encode(key?.e) } : { kty: 'EC', crv: `${key?.crv}`, x: encode(key?.x), y: encode(key?.y) };
  if (jwk.crv === 'P-256K') jwk.crv = 'secp256k1';
  try {
    return createPublicKey({ key: jwk, format: 'jwk' });
  } catch {
    throw vaultError(
      'key-type',
      `Cannot sign with key "${request.name}" of vault ${request.vault.name}: it is of type ${key?.kty ?? 'unknown'}`,
      'Name a key of RSA 2048, 3072 or 4096 bits, or EC on P-256, P-384 or P-521.',
    );
  }
}
