import { SecretValue } from '../lib/secret-value.ts';
import { StepError } from '../lib/step-error.ts';
import type { KeySigner } from '../model/signer.ts';
import type { AzureCredential } from './credential.ts';
import { openKeySigner, type VaultKeyName } from './key-signer.ts';
import { parseVaultAddress, type VaultAddress, verifyObjectName } from './vault-address.ts';
import { refusal, type VaultRequest, verifyUsable } from './vault-error.ts';
import { askVault } from './vault-exchange.ts';

/** A vault, as one identity sees it. Nothing is loaded or asked for before the first call. */
export interface KeyVault {
  readonly name: string;
  readonly url: string;
  /** The current version, or the one named. Rejects with a StepError of origin `vault` or `identity`; never with a value in it. */
  readSecret(name: string, version?: string): Promise<SecretValue>;
  /** A signer by a key of the vault. `chainPem`: issuers of its certificate, and for a bare key the certificate itself. */
  keySigner(key: VaultKeyName, chainPem?: string): Promise<KeySigner>;
}

/** Throws a StepError of origin `input` where `nameOrUrl` is neither the name of a vault nor the https URL of one. */
export function openKeyVault(nameOrUrl: string, credential: AzureCredential, now: () => Date): KeyVault {
  const vault = parseVaultAddress(nameOrUrl, credential.cloud);
  return {
    name: vault.name,
    url: vault.url,
    readSecret: (name, version) => readSecret(vault, credential, now, name, version),
    keySigner: (key, chainPem) => openKeySigner(vault, credential, now, key, chainPem),
  };
}

async function readSecret(
  vault: VaultAddress,
  credential: AzureCredential,
  now: () => Date,
  name: string,
  version: string | undefined,
): Promise<SecretValue> {
  verifyObjectName('secret', name, version);
  const request = { vault, credential, kind: 'secret', name, operation: 'get' } as const satisfies VaultRequest;
  const { SecretClient } = await import('@azure/keyvault-secrets');
  try {
    const { value, properties } = await askVault(request, (options) =>
      new SecretClient(vault.url, credential, options).getSecret(name, version === undefined ? {} : { version }),
    );
    verifyUsable(request, properties, now());
    if (value === undefined) throw refusal(request, noValue);
    return new SecretValue(value);
  } catch (error) {
    if (!(error instanceof StepError) || error.code !== 'object-missing' || version !== undefined) throw error;
    // Reading a deleted secret takes the same grant under access policies, and one more under roles: a refusal leaves the first answer.
    const deleted = await askVault(request, (options) => new SecretClient(vault.url, credential, options).getDeletedSecret(name)).catch(
      () => undefined,
    );
    if (deleted === undefined) throw error;
    throw refusal(request, {
      kind: 'object-deleted',
      reason: `the secret was deleted${deleted.deletedOn ? ` at ${deleted.deletedOn.toISOString()}` : ''}`,
      hint: `Bring it back: az keyvault secret recover --vault-name ${vault.name} --name ${name}`,
    });
  }
}

const noValue = { kind: 'object-missing', reason: 'it has no value', hint: 'Store a value as a new version of the secret.' } as const;
