import type { X509Certificate } from 'node:crypto';
import { readCertificates } from '../lib/certificate-bundle.ts';
import { type ChainSources, completeChain, nameText, publicKeyOf } from '../lib/certificate-chain.ts';
import { isSignature, signatureAlgorithmOf } from '../lib/signature-algorithm.ts';
import type { KeyAlgorithm, KeySigner } from '../model/signer.ts';
import { vaultError } from './azure-error.ts';
import type { AzureCredential } from './credential.ts';
import { type VaultAddress, verifyObjectName } from './vault-address.ts';
import type { VaultRequest } from './vault-error.ts';
import { fetchBareKey, fetchCertificateKey, fetchPublicKey, signDigest, unfitKey, type VaultKey } from './vault-key.ts';

export interface VaultKeyName {
  /** `certificates`: the leaf is the vault's own certificate. `keys`: the leaf is among the certificates that are given, or there is none. */
  readonly collection: 'certificates' | 'keys';
  readonly name: string;
  /** Undefined: the current one. */
  readonly version: string | undefined;
}

/**
 * A signer by a key of the vault: one request reads the certificate, each signature is one more. Needs certificates/get and keys/sign; for a bare key, which is
 * told by a signature, keys/sign alone, and where it has no certificate in `sources` keys/get besides. Never secrets/get. Rejects with a StepError of origin
 * `vault` or `identity`.
 */
export async function openKeySigner(
  vault: VaultAddress,
  credential: AzureCredential,
  now: () => Date,
  key: VaultKeyName,
  sources: ChainSources,
): Promise<KeySigner> {
  const isBare = key.collection === 'keys';
  const kind = isBare ? 'key' : 'certificate';
  verifyObjectName(kind, key.name, key.version);
  const request: VaultRequest = { vault, credential, kind, name: key.name, operation: isBare ? 'sign' : 'get' };
  const issuers = await readIssuers(request, sources.chain ?? '');
  const { isCertified = true } = sources;
  const fetched = await fetchKey(request, key, issuers, isCertified, now);
  const algorithm = signatureAlgorithmOf(fetched.publicKey);
  if (algorithm === undefined) throw unfitKey(request, fetched.publicKey);
  const chain = fetched.leaf === undefined ? [] : await toChain(request, fetched.leaf, issuers, sources);
  return {
    description: `Key Vault key ${fetched.keyId}`,
    keptIn: 'key-vault',
    algorithm,
    publicKey: fetched.publicKey.export({ format: 'der', type: 'spki' }),
    certificateChain: chain.map((certificate) => certificate.raw),
    sign: (message, form = algorithm) =>
      signRemotely({ ...request, kind: 'key', name: fetched.keyName, operation: 'sign' }, fetched, form, message),
  };
}

function fetchKey(
  request: VaultRequest,
  { collection, version }: VaultKeyName,
  certificates: readonly X509Certificate[],
  isCertified: boolean,
  now: () => Date,
): Promise<VaultKey> {
  if (collection === 'certificates') return fetchCertificateKey(request, version, now);
  if (!isCertified && certificates.length === 0) return fetchPublicKey({ ...request, operation: 'get' }, version, now);
  return fetchBareKey(request, version, certificates);
}

async function signRemotely(request: VaultRequest, key: VaultKey, algorithm: KeyAlgorithm, message: Uint8Array): Promise<Uint8Array> {
  const { signature } = await signDigest(request, key.keyId, key.keyName, algorithm, message);
  if (!isSignature(algorithm, key.publicKey, message, signature)) {
    const owner = key.leaf === undefined ? 'its public key' : `the key of the certificate "${nameText(key.leaf.subject)}"`;
    throw vaultError(
      'wrong-signature',
      `Cannot sign with ${key.keyId}: what the vault answered is no ${algorithm} signature by ${owner}`,
      'Nothing was signed. See whether key and certificate belong together, and whether a proxy changes the answers of the vault.',
    );
  }
  return signature;
}

async function readIssuers(request: VaultRequest, chain: string | Uint8Array): Promise<readonly X509Certificate[]> {
  try {
    return (await readCertificates(chain)).filter((certificate) => publicKeyOf(certificate) !== undefined);
  } catch {
    throw vaultError(
      'certificate-unreadable',
      `Cannot read the certificates given with ${request.kind} "${request.name}": one of them, or the bundle, is damaged`,
      'openssl x509 -in CHAIN.pem -noout -text tells which; of a bundle openssl pkcs7 -in BUNDLE.p7b -print_certs.',
    );
  }
}

async function toChain(
  { kind, name, vault }: VaultRequest,
  leaf: X509Certificate,
  issuers: readonly X509Certificate[],
  { isCertified = true, fetchIssuer }: ChainSources,
): Promise<readonly X509Certificate[]> {
  const { certificates, complete, tried } = await completeChain(leaf, issuers, isCertified ? fetchIssuer : undefined);
  if (complete || !isCertified) return certificates;
  const last = certificates.at(-1) ?? leaf;
  throw vaultError(
    'incomplete-chain',
    `Cannot sign with ${kind} "${name}" of vault ${vault.name}: its chain ends with "${nameText(last.subject)}", and the certificate of its issuer "${nameText(last.issuer)}" is not given${tried}`,
    `Put the certificates of "${nameText(last.issuer)}" and of every further issuer up to the root into a PEM file and name it in signing-key after a comma: ${name},CHAIN.pem.`,
  );
}
