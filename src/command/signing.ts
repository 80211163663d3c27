import { resolve } from 'node:path';
import type { AccessSettings, SigningSettings } from '../inputs/settings.ts';
import type { KeySigner } from '../model/signer.ts';
import { openKeyFile } from '../sign/key-file.ts';
import { checkCertificateChain } from '../sign/notary/certificate-chain.ts';
import { parseSigningKey } from '../sign/signing-key.ts';
import type { Credentials } from './credentials.ts';
import { readText } from './resources.ts';
import type { World } from './world.ts';

/** Who signs in this run, and how. */
export interface Signing extends Pick<SigningSettings, 'systems' | 'format' | 'lifetimeMs' | 'metadata' | 'cosignFormat'> {
  readonly signer: KeySigner;
}

/** The key that signs; for the Notary Project its certificate chain is already held against the rules. Undefined where nothing is signed. */
export async function openSigning(
  { signing }: AccessSettings,
  workspace: string,
  credentials: Credentials,
  world: World,
): Promise<Signing | undefined> {
  if (signing === undefined) return undefined;
  const signer = await openKey(signing, workspace, credentials);
  if (signing.systems.includes('notation')) checkCertificateChain(signer, world.now());
  return { ...signing, signer };
}

/** The key of the input signing-key with its chain, which is not held against any rule yet, and which a key for cosign alone can do without. */
export async function openKey(
  { key: text, systems, password }: SigningSettings,
  workspace: string,
  credentials: Pick<Credentials, 'openVault' | 'secrets'>,
): Promise<KeySigner> {
  const key = parseSigningKey(text);
  const chainFile = key.chainFile === undefined ? undefined : resolve(workspace, key.chainFile);
  if (key.kind === 'file') {
    const secret = password?.kind === 'secret' ? credentials.secrets.get(password.name) : password?.value;
    return openKeyFile(resolve(workspace, key.keyFile), chainFile, { password: secret, isCertified: systems.includes('notation') });
  }
  const chain = chainFile === undefined ? undefined : await readText('signing-key', chainFile, workspace, true);
  return credentials.openVault(key.vaultUrl).keySigner(key, chain);
}
