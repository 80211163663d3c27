import { resolve } from 'node:path';
import type { AccessSettings, SigningSettings } from '../inputs/settings.ts';
import type { FetchIssuer } from '../lib/certificate-chain.ts';
import type { KeySigner, SignatureAlgorithm } from '../model/signer.ts';
import type { CosignSigner } from '../sign/cosign/witness.ts';
import { openKeyFile } from '../sign/key-file.ts';
import { checkCertificateChain } from '../sign/notary/certificate-chain.ts';
import { type ChainText, parseSigningKey, refused } from '../sign/signing-key.ts';
import { fetchTimestamp, readTimestampRoots } from '../sign/timestamp/authority.ts';
import type { Credentials } from './credentials.ts';
import { readBytes } from './resources.ts';
import { openIdentitySigner } from './sigstore.ts';
import type { World } from './world.ts';

/** Who signs in this run, and how. */
export interface Signing extends Pick<SigningSettings, 'systems' | 'format' | 'lifetimeMs' | 'metadata' | 'cosignFormat'> {
  readonly signer: CosignSigner;
  /** Who countersigns Notary Project signatures; undefined: nobody. */
  readonly timestamping: Timestamping | undefined;
}

export interface Timestamping {
  /** DER: whom a timestamp has to be by. */
  readonly roots: readonly Uint8Array[];
  /** As `signNotary` has it. */
  readonly countersign: (signature: Uint8Array, algorithm: SignatureAlgorithm) => Promise<Uint8Array>;
}

/** The key that signs; for the Notary Project its certificate chain is already held against the rules. Undefined where nothing is signed. */
export async function openSigning(
  { signing }: AccessSettings,
  workspace: string,
  credentials: Credentials,
  world: World,
): Promise<Signing | undefined> {
  if (signing === undefined) return undefined;
  const signer = await openKey(signing, workspace, credentials, world);
  if (signing.systems.includes('notation')) checkCertificateChain(signer, world.now());
  const { timestamp } = signing;
  return { ...signing, signer, timestamping: timestamp && (await openTimestamping(timestamp, signer, workspace, world)) };
}

/** The authority of the input timestamp-url. It is not asked yet. */
export async function openTimestamping(
  { url, rootFile }: NonNullable<SigningSettings['timestamp']>,
  { certificateChain }: Pick<KeySigner, 'certificateChain'>,
  workspace: string,
  { http, now, random, sleep }: Pick<World, 'http' | 'now' | 'random' | 'sleep'>,
): Promise<Timestamping> {
  const roots = await readTimestampRoots(await readBytes('timestamp-certificate', rootFile, workspace, true), rootFile);
  const session = { http, retry: { now, random, sleep } };
  return {
    roots,
    countersign: (signature, algorithm) => fetchTimestamp({ url, trusted: roots }, signature, { algorithm, certificateChain }, session),
  };
}

/** The key of the input signing-key with its chain, which is not held against any rule yet, and which a key for cosign alone can do without. */
export async function openKey(
  signing: SigningSettings,
  workspace: string,
  credentials: Pick<Credentials, 'openVault' | 'secrets'>,
  world: World,
): Promise<CosignSigner> {
  const { key: text, systems, password } = signing;
  const key = parseSigningKey(text);
  if (key.kind === 'keyless') return openIdentitySigner(signing, workspace, world);
  const isCertified = systems.includes('notation');
  if (key.kind === 'key-vault' && key.collection === 'keys' && key.chain === undefined && isCertified)
    throw refused(text, 'a key has no certificate, so a chain is needed after it');
  const chain = key.chain === undefined ? undefined : await readChain(text, key.chain, workspace, credentials);
  const sources = { chain, isCertified, fetchIssuer: issuerFetch(world) };
  if (key.kind === 'key-vault') return credentials.openVault(key.vaultUrl).keySigner(key, sources);
  const secret = password?.kind === 'secret' ? credentials.secrets.get(password.name) : password?.value;
  const named =
    key.chain === undefined ? {} : { chainName: key.chain.kind === 'file' ? resolve(workspace, key.chain.path) : 'the input signing-key' };
  return openKeyFile(resolve(workspace, key.keyFile), { ...sources, ...named, password: secret });
}

async function readChain(
  text: string,
  chain: ChainText,
  workspace: string,
  { secrets }: Pick<Credentials, 'secrets'>,
): Promise<string | Uint8Array> {
  if (chain.kind === 'pem') return chain.text;
  if (chain.kind === 'file') return readBytes('signing-key', chain.path, workspace, true);
  const secret = secrets.get(chain.name);
  if (secret === undefined) throw refused(text, `the input secrets names no ${JSON.stringify(chain.name)}`);
  return secret.reveal();
}

const maxIssuerBytes = 256 * 1024;
const issuerDeadlineMs = 15_000;

/** Authorities give their certificates over plain http: what comes is held against the signature of the certificate that names it. */
function issuerFetch({ http, cancelled }: World): FetchIssuer {
  return async (url) => {
    const { status, body } = await http({
      method: 'GET',
      url,
      maxBodyBytes: maxIssuerBytes,
      deadlineMs: issuerDeadlineMs,
      signal: cancelled,
    });
    if (status !== 200) throw new Error(`the server answered ${status}`);
    return body;
  };
}
