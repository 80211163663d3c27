import type { SecretValue } from '../lib/secret-value.ts';

/** How a registry is told who pushes. */
export type RegistryCredential =
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'password'; readonly username: string; readonly password: SecretValue }
  /** A refresh token that an earlier login left (`identitytoken` of Docker's config.json, e.g. by `az acr login`). */
  | { readonly kind: 'identity-token'; readonly token: SecretValue }
  | EntraCredential;

/** Microsoft Entra ID: exchanged at the registry itself, and only at Azure's registries or the hosts that the caller names. */
export interface EntraCredential {
  readonly kind: 'entra';
  /** Gives an access token for https://containerregistry.azure.net/.default. */
  readonly fetchToken: () => Promise<SecretValue>;
  /** Registries (host and port) outside Azure's domains that the user has configured for Entra ID. */
  readonly registries?: readonly string[];
}

/** https://learn.microsoft.com/azure/container-registry (public, US government and China clouds). */
const azureDomains = ['.azurecr.io', '.azurecr.us', '.azurecr.cn'];

/** Whether a registry, as `Reference.registry` has it, is an Azure Container Registry by its name. */
export function isAzureRegistry(registry: string): boolean {
  return azureDomains.some((domain) => registry.endsWith(domain) && registry.length > domain.length);
}

/** Whether an Entra token may be exchanged there: no other registry gets one, whatever it asks for. */
export function mayTakeEntra(credential: EntraCredential, registry: string): boolean {
  return isAzureRegistry(registry) || credential.registries?.includes(registry) === true;
}
