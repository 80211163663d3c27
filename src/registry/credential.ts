import type { SecretValue } from '../lib/secret-value.ts';

/** How a registry is told who pushes. */
export type RegistryCredential = AnonymousCredential | StoredCredential | EntraCredential;

/** `because`: why there is no better one, for the hint where a registry wants one. */
export interface AnonymousCredential {
  readonly kind: 'anonymous';
  readonly because?: string;
}

/** What an input, a file or a credential helper holds. `from`: the file or helper, for hints; absent where an input gave it. */
export type StoredCredential =
  | { readonly kind: 'password'; readonly username: string; readonly password: SecretValue; readonly from?: string }
  /** A refresh token that an earlier login left (`identitytoken` of Docker's config.json, e.g. by `az acr login`). */
  | { readonly kind: 'identity-token'; readonly token: SecretValue; readonly from?: string };

/** `registry`: https://containerregistry.azure.net, of the same name in all clouds. `resource-manager`: that of Azure's resource manager in this cloud. */
export type EntraAudience = 'registry' | 'resource-manager';

/** Microsoft Entra ID: exchanged at the registry itself, and only at Azure's registries or the hosts that the caller names. */
export interface EntraCredential {
  readonly kind: 'entra';
  /** Gives an access token that is valid now. Undefined where the tenant does not know the audience. */
  readonly fetchToken: (audience: EntraAudience) => Promise<SecretValue | undefined>;
  /** Object id of who it is, where that is known by now; for messages. */
  readonly objectId?: () => string | undefined;
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

/**
 * Name of an Azure Container Registry as `az acr` takes it: its names have no hyphen; what follows one in the host is the hash of its domain name label.
 * https://learn.microsoft.com/azure/container-registry/container-registry-get-started-portal#dnl-scope
 */
export function toAzureName(registry: string): string {
  return registry.split(/[.-]/, 1)[0] ?? '';
}

/**
 * Who a user name stands for at an Azure registry. `admin`: the registry's own name
 * (https://learn.microsoft.com/azure/container-registry/container-registry-authentication#admin-account). `refresh-token`: what `az acr login` leaves.
 * `application`: an application id with its secret. `repository-token`: a token with a scope map.
 */
export function azureUserOf(username: string, registry: string): 'admin' | 'refresh-token' | 'application' | 'repository-token' {
  const name = username.toLowerCase();
  if (name === '00000000-0000-0000-0000-000000000000') return 'refresh-token';
  if (/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(name)) return 'application';
  const [label] = registry.split('.', 1);
  return name === label || name === toAzureName(registry) ? 'admin' : 'repository-token';
}
