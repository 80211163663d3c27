import type { X509Certificate } from 'node:crypto';
import { nameText, orderChain, parseCertificates, publicKeyOf } from '../lib/certificate-chain.ts';
import { isSignature, signatureAlgorithmOf } from '../lib/signature-algorithm.ts';
import type { KeyAlgorithm, KeySigner } from '../model/signer.ts';
import { vaultError } from './azure-error.ts';
import type { AzureCredential } from './credential.ts';
import { type VaultAddress, verifyObjectName } from './vault-address.ts';
import type { VaultRequest } from './vault-error.ts';
import { fetchBareKey, fetchCertificateKey, signDigest, unfitKey, type VaultKey } from './vault-key.ts';

export interface VaultKeyName {
  /** `certificates`: the leaf is the vault's own certificate. `keys`: the leaf is in the chain file. */
  readonly collection: 'certificates' | 'keys';
  readonly name: string;
  /** Undefined: the current one. */
  readonly version: string | undefined;
}

/**
 * A signer by a key of the vault: one request reads the certificate, each signature is one more. Needs certificates/get and keys/sign; for a bare key,
 * which is told by a signature, keys/sign alone. Never secrets/get or keys/get. Rejects with a StepError of origin `vault` or `identity`.
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
  const request: VaultRequest = { vault, credential, kind, name: key.name, operation: kind === 'key' ? 'sign' : 'get' };
  const issuers = parseIssuers(request, chainPem ?? '');
  const fetched =
    key.collection === 'keys' ? await fetchBareKey(request, key.version, issuers) : await fetchCertificateKey(request, key.version, now);
  const algorithm = signatureAlgorithmOf(fetched.leaf.publicKey);
  if (algorithm === undefined) throw unfitKey(request, fetched.leaf);
  const chain = toChain(request, fetched.leaf, issuers);
  return {
    description: `Key Vault key ${fetched.keyId}`,
    keptIn: 'key-vault',
    algorithm,
    publicKey: fetched.leaf.publicKey.export({ format: 'der', type: 'spki' }),
    certificateChain: chain.map((certificate) => certificate.raw),
    sign: (message, form = algorithm) =>
      signRemotely({ ...request, kind: 'key', name: fetched.keyName, operation: 'sign' }, fetched, form, message),
  };
}

async function signRemotely(request: VaultRequest, key: VaultKey, algorithm: KeyAlgorithm, message: Uint8Array): Promise<Uint8Array> {
  const { signature } = await signDigest(request, key.keyId, key.keyName, algorithm, message);
  if (!isSignature(algorithm, key.leaf.publicKey, message, signature)) {
    throw vaultError(
      'wrong-signature',
      `Cannot sign with ${key.keyId}: what the vault answered is no ${algorithm} signature by the key of the certificate "${nameText(key.leaf.subject)}"`,
      'Nothing was signed. See whether key and certificate belong together, and whether a proxy changes the answers of the vault.',
    );
  }
  return signature;
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
