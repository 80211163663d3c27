import { createHash, createPublicKey, type JsonWebKeyInput, type KeyObject, X509Certificate } from 'node:crypto';
import type { JsonWebKey } from '@azure/keyvault-keys';
import { publicKeyOf } from '../lib/certificate-chain.ts';
import { acceptedKeys, hashOf, isSignature, keyText, signatureAlgorithmOf } from '../lib/signature-algorithm.ts';
import { StepError } from '../lib/step-error.ts';
import type { KeyAlgorithm } from '../model/signer.ts';
import { vaultError } from './azure-error.ts';
import { tellDeleted } from './deleted-object.ts';
import { type VaultRequest, verifyUsable } from './vault-error.ts';
import { askVault } from './vault-exchange.ts';

/** A key of a vault, and the certificate that stands for it where there is one. */
export interface VaultKey {
  /** With its version, so that a rotation amid the run changes nothing. */
  readonly keyId: string;
  readonly keyName: string;
  readonly publicKey: KeyObject;
  readonly leaf?: X509Certificate;
}

/** The key under a certificate of the vault. Takes certificates/get. */
export async function fetchCertificateKey(request: VaultRequest, version: string | undefined, now: () => Date): Promise<VaultKey> {
  const { vault, credential, name } = request;
  const { CertificateClient } = await import('@azure/keyvault-certificates');
  const found = await askVault(request, (options) => {
    const client = new CertificateClient(vault.url, credential, options);
    return version === undefined ? client.getCertificate(name) : client.getCertificateVersion(name, version);
  }).catch((error: unknown) =>
    tellDeleted(request, version, error, (options) => new CertificateClient(vault.url, credential, options).getDeletedCertificate(name)),
  );
  verifyUsable(request, found.properties, now());
  if (found.cer === undefined || found.cer.length === 0 || found.keyId === undefined) {
    throw vaultError(
      'certificate-unreadable',
      `Cannot sign with certificate "${name}" of vault ${vault.name}: it has not been issued yet`,
      `Its authority must answer first: az keyvault certificate pending show --vault-name ${vault.name} --name ${name}.`,
    );
  }
  const leaf = parseLeaf(request, found.cer);
  return { ...parseKeyId(request, found.keyId), publicKey: leaf.publicKey, leaf };
}

/** A key that no certificate stands for. Takes keys/get. */
export async function fetchPublicKey(request: VaultRequest, version: string | undefined, now: () => Date): Promise<VaultKey> {
  const { vault, credential, name } = request;
  const { KeyClient } = await import('@azure/keyvault-keys');
  const found = await askVault(request, (options) =>
    new KeyClient(vault.url, credential, options).getKey(name, version === undefined ? {} : { version }),
  ).catch((error: unknown) => tellDeletedKey(request, version, error));
  verifyUsable(request, found.properties, now());
  return { ...parseKeyId(request, found.id ?? ''), publicKey: parsePublicKey(request, found.key) };
}

/** What a bare key is asked to sign, to learn its version and whether it is the certificate's. No image has such a digest. */
const question = Buffer.from('Image Custody asks which version of this key signs.');

/**
 * A key without a certificate of the vault's, and its certificate among `certificates`. Takes keys/sign alone: which certificate is the key's, and which
 * version signs, is told by a signature.
 */
export async function fetchBareKey(
  request: VaultRequest,
  version: string | undefined,
  certificates: readonly X509Certificate[],
): Promise<VaultKey> {
  const { vault, name } = request;
  const leaves = toLeaves(certificates);
  for (const leaf of leaves) {
    const algorithm = signatureAlgorithmOf(leaf.publicKey);
    if (algorithm === undefined) {
      if (leaves.length === 1) throw unfitKey(request, leaf.publicKey);
      continue;
    }
    const keyId = `${vault.url}/keys/${name}${version === undefined ? '' : `/${version}`}`;
    const answer = await signDigest(request, keyId, name, algorithm, question).catch(async (error: unknown) => {
      // An elliptic key asked for the signature of another kind of key, say.
      if (error instanceof StepError && (error.cause as { status?: number } | undefined)?.status === 400) return undefined;
      return tellDeletedKey(request, version, error);
    });
    if (answer !== undefined && isSignature(algorithm, leaf.publicKey, question, answer.signature)) {
      return { ...parseKeyId(request, answer.keyId), publicKey: leaf.publicKey, leaf };
    }
  }
  throw vaultError(
    'key-mismatch',
    `Cannot sign with key "${name}" of vault ${vault.name}: none of the ${certificates.length} certificates given is for it`,
    `Name a PEM file with the certificate of the key and its issuers after a comma in signing-key: ${vault.url}/keys/${name},CHAIN.pem.`,
  );
}

async function tellDeletedKey(request: VaultRequest, version: string | undefined, error: unknown): Promise<never> {
  const { KeyClient } = await import('@azure/keyvault-keys');
  return tellDeleted(request, version, error, async (options) => {
    const { properties } = await new KeyClient(request.vault.url, request.credential, options).getDeletedKey(request.name);
    return properties;
  });
}

/** The error where a key is of a kind that the Notary Project does not allow. */
export function unfitKey({ kind, name, vault }: VaultRequest, publicKey: KeyObject): StepError {
  return vaultError(
    'key-type',
    `Cannot sign with ${kind} "${name}" of vault ${vault.name}: its key is ${keyText(publicKey)}`,
    `Make a new version with a key of ${acceptedKeys}.`,
  );
}

/** Those that may stand for a key that signs: they have not issued another, and are no authorities, unless there are only such. */
function toLeaves(certificates: readonly X509Certificate[]): readonly X509Certificate[] {
  const ends = certificates.filter((certificate) => !certificates.some((other) => other !== certificate && other.checkIssued(certificate)));
  const leaves = ends.filter((certificate) => !certificate.ca);
  return leaves.length > 0 ? leaves : ends;
}

/** A signature by a key of the vault, which has yet to be verified, and the key's id with the version that signed. Takes keys/sign. */
export async function signDigest(
  request: VaultRequest,
  keyId: string,
  keyName: string,
  algorithm: KeyAlgorithm,
  message: Uint8Array,
): Promise<{ readonly signature: Uint8Array; readonly keyId: string }> {
  const { vault, credential } = request;
  const { CryptographyClient } = await import('@azure/keyvault-keys');
  // Given a key rather than its id, the client does not ask for the key first, which would take the grant keys/get.
  const key = { id: keyId, name: keyName, properties: { id: keyId, name: keyName, vaultUrl: vault.url } };
  const digest = createHash(hashOf(algorithm)).update(message).digest();
  // The client forgets which version has signed; the answer tells.
  let signedWith: unknown;
  const onResponse = (response: { readonly parsedBody?: unknown }): void => {
    signedWith = (response.parsedBody as { readonly kid?: unknown } | undefined)?.kid;
  };
  const { result } = await askVault(request, (options) =>
    new CryptographyClient(key, credential, options).sign(algorithm, digest, { onResponse }),
  );
  return { signature: result, keyId: typeof signedWith === 'string' ? signedWith : keyId };
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

/** RFC 7517; those of a hardware module have types of their own (https://learn.microsoft.com/rest/api/keyvault/keys/get-key/get-key#jsonwebkeytype). */
function parsePublicKey({ name, vault }: VaultRequest, key: JsonWebKey | undefined): KeyObject {
  const { kty = '', crv, n, e, x, y } = key ?? {};
  const text = (part: Uint8Array | undefined) => (part === undefined ? undefined : Buffer.from(part).toString('base64url'));
  const kind = kty.replace(/-HSM$/, '');
  const jwk =
    kind === 'RSA'
      ? { kty: kind, n: text(n), e: text(e) }
      : { kty: kind, crv: crv === 'P-256K' ? 'secp256k1' : crv, x: text(x), y: text(y) };
  try {
    return createPublicKey({ key: jwk as JsonWebKeyInput['key'], format: 'jwk' });
  } catch {
    throw vaultError(
      'key-type',
      `Cannot sign with key "${name}" of vault ${vault.name}: its public key cannot be read`,
      `Make a new version with a key of ${acceptedKeys}.`,
    );
  }
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
