import { createHash, type X509Certificate } from 'node:crypto';
import { nameText, orderChain, parseCertificates, publicKeyOf } from '../lib/certificate-chain.ts';
import { acceptedKeys, isSignature, keyText, signatureAlgorithmOf, signatureAlgorithms } from '../lib/signature-algorithm.ts';
import type { KeySigner, SignatureAlgorithm } from '../model/signer.ts';
import { vaultError } from './azure-error.ts';
import type { AzureCredential } from './credential.ts';
import { type VaultAddress, verifyObjectName } from './vault-address.ts';
import type { VaultRequest } from './vault-error.ts';
import { askVault } from './vault-exchange.ts';
import { fetchBareKey, fetchCertificateKey, type VaultKey } from './vault-key.ts';

export interface VaultKeyName {
  /** `certificates`: the leaf is the vault's own certificate. `keys`: the leaf is in the chain file. */
  readonly collection: 'certificates' | 'keys';
  readonly name: string;
  /** Undefined: the current one. */
  readonly version: string | undefined;
}

/**
 * A signer by a key of the vault: one request reads the certificate (or the bare key), each signature is one more. Needs
 * certificates/get (or keys/get) and keys/sign, never secrets/get. Rejects with a StepError of origin `vault` or `identity`.
 */
export async function openKeySigner(
  vault: VaultAddress,
  credential: AzureCredential,
  now: () => Date,
  key: VaultKeyName,
  chainPem: string | undefined,
): Promise<KeySigner> {
  const kind = key.collection === 'keys' ? 'key' : 'certificate';
  verifyObjectName(kind, key.name, key.version);
  const request: VaultRequest = { vault, credential, kind, name: key.name, operation: 'get' };
  const issuers = parseIssuers(request, chainPem ?? '');
  const fetched =
    key.collection === 'keys'
      ? await fetchBareKey(request, key.version, issuers, now)
      : await fetchCertificateKey(request, key.version, now);
  const algorithm = signatureAlgorithmOf(fetched.leaf.publicKey);
  if (algorithm === undefined) {
    throw vaultError(
      'key-type',
      `Cannot sign with ${kind} "${key.name}" of vault ${vault.name}: its key is ${keyText(fetched.leaf.publicKey)}`,
      `Make a new version with a key of ${acceptedKeys}.`,
    );
  }
  const chain = toChain(request, fetched.leaf, issuers);
  return {
    description: `Key Vault key ${fetched.keyId}`,
    keptIn: 'key-vault',
    algorithm,
    certificateChain: chain.map((certificate) => certificate.raw),
    sign: (message) => signRemotely({ ...request, kind: 'key', name: fetched.keyName, operation: 'sign' }, fetched, algorithm, message),
  };
}

async function signRemotely(request: VaultRequest, key: VaultKey, algorithm: SignatureAlgorithm, message: Uint8Array): Promise<Uint8Array> {
  const { vault, credential } = request;
  const { CryptographyClient } = await import('@azure/keyvault-keys');
  // Given a key rather than its id, the client does not ask for the key first, which would take the grant keys/get.
  const remoteKey = { id: key.keyId, name: key.keyName, properties: { id: key.keyId, name: key.keyName, vaultUrl: vault.url } };
  const digest = createHash(signatureAlgorithms[algorithm].hash).update(message).digest();
  const { result } = await askVault(request, (options) => new CryptographyClient(remoteKey, credential, options).sign(algorithm, digest));
  if (!isSignature(algorithm, key.leaf.publicKey, message, result)) {
    throw vaultError(
      'wrong-signature',
      `Cannot sign with ${key.keyId}: what the vault answered is no ${algorithm} signature by the key of the certificate "${nameText(key.leaf.subject)}"`,
      'Nothing was signed. See whether key and certificate belong together, and whether a proxy changes the answers of the vault.',
    );
  }
  return result;
}

function parseIssuers(request: VaultRequest, pem: string): readonly X509Certificate[] {
  try {
    return parseCertificates(pem).filter((certificate) => publicKeyOf(certificate) !== undefined);
  } catch {
    throw vaultError(
      'certificate-unreadable',
      `Cannot read the certificates given with ${request.kind} "${request.name}": a PEM block is damaged`,
      'openssl x509 -in CHAIN.pem -noout -text tells which.',
    );
  }
}

function toChain(
  { kind, name, vault }: VaultRequest,
  leaf: X509Certificate,
  issuers: readonly X509Certificate[],
): readonly X509Certificate[] {
  const { certificates, complete } = orderChain(leaf, issuers);
  if (complete) return certificates;
  const last = certificates.at(-1) ?? leaf;
  throw vaultError(
    'incomplete-chain',
    `Cannot sign with ${kind} "${name}" of vault ${vault.name}: its chain ends with "${nameText(last.subject)}", and the certificate of its issuer "${nameText(last.issuer)}" is not given`,
    `Put the certificates of "${nameText(last.issuer)}" and of every further issuer up to the root into a PEM file and name it in signing-key after a comma: ${name},CHAIN.pem.`,
  );
}
