import { SecretValue } from '../lib/secret-value.ts';
import type { KeySigner } from '../model/signer.ts';
import { toVaultOptions } from './client-options.ts';
import type { AzureCredential } from './credential.ts';
import { openKeySigner, type VaultKeyName } from './key-signer.ts';
import { parseVaultAddress, type VaultAddress, verifyObjectName } from './vault-address.ts';
import { disabled, expired, notYetValid, refusal, toVaultError, type VaultRequest } from './vault-error.ts';

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
  const client = new SecretClient(vault.url, credential, toVaultOptions(credential.transport, vault.loopback));
  try {
    const { value, properties } = await client.getSecret(name, version === undefined ? {} : { version });
    if (properties.enabled === false) throw refusal(request, disabled(request));
    if (properties.expiresOn !== undefined && properties.expiresOn <= now()) throw refusal(request, expired(request));
    if (properties.notBefore !== undefined && properties.notBefore > now()) throw refusal(request, notYetValid(request));
    if (value === undefined)
      throw refusal(request, { kind: 'object-missing', reason: 'it has no value', hint: 'Store a value as a new version of the secret.' });
    return new SecretValue(value);
  } catch (error) {
    const failure = toVaultError(error, request);
    if (failure.code !== 'object-missing' || version !== undefined) throw failure;
    // Reading a deleted secret takes the same grant under access policies, and one more under roles: a refusal leaves the first answer.
    const deleted = await client.getDeletedSecret(name).catch(() => undefined);
    if (deleted === undefined) throw failure;
    throw refusal(request, {
      kind: 'object-deleted',
      reason: `the secret was deleted${deleted.deletedOn ? ` at ${deleted.deletedOn.toISOString()}` : ''}`,
      hint: `Bring it back: az keyvault secret recover --vault-name ${vault.name} --name ${name}`,
    });
  }
}
