import type { ChainSources } from '../lib/certificate-chain.ts';
import type { SecretValue } from '../lib/secret-value.ts';
import type { KeySigner } from '../model/signer.ts';
import type { AzureCredential } from './credential.ts';
import { openKeySigner, type VaultKeyName } from './key-signer.ts';
import { parseVaultAddress } from './vault-address.ts';
import { type DatedSecret, readSecret, readSecrets, type SecretName } from './vault-secrets.ts';

/** A vault, as one identity sees it. Nothing is loaded or asked for before the first call. */
export interface KeyVault {
  readonly name: string;
  readonly url: string;
  /** The current version, or the one named. Rejects with a StepError of origin `vault` or `identity`; never with a value in it. */
  readSecret(name: string, version?: string): Promise<DatedSecret>;
  /** Several of them side by side, in their order. Rejects once all were tried; where several failed, `secrets-unreadable` tells each. */
  readSecrets(names: readonly SecretName[]): Promise<readonly SecretValue[]>;
  /** A signer by a key of the vault. `sources`: issuers of its certificate, and for a bare key the certificate itself. */
  keySigner(key: VaultKeyName, sources?: ChainSources): Promise<KeySigner>;
}

/** Throws a StepError of origin `input` where `nameOrUrl` is neither the name of a vault nor the https URL of one. */
export function openKeyVault(nameOrUrl: string, credential: AzureCredential, now: () => Date): KeyVault {
  const vault = parseVaultAddress(nameOrUrl, credential.cloud);
  return {
    name: vault.name,
    url: vault.url,
    readSecret: (name, version) => readSecret(vault, credential, now, { name, version }),
    readSecrets: (names) => readSecrets(vault, credential, now, names),
    keySigner: (key, sources = {}) => openKeySigner(vault, credential, now, key, sources),
  };
}
