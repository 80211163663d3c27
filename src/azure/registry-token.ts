import { SecretValue } from '../lib/secret-value.ts';
import { StepError } from '../lib/step-error.ts';
import type { AzureCredential } from './credential.ts';

/** https://learn.microsoft.com/azure/container-registry/container-registry-disable-authentication-as-arm; the Azure CLI asks for it in every cloud. */
const registryScope = 'https://containerregistry.azure.net/.default';

/**
 * A token of Entra ID that Azure Container Registry exchanges for its own. Its own audience is accepted by every registry, and not known to every
 * tenant: undefined there. That of the resource manager may be refused by a registry.
 */
export async function fetchRegistryToken(
  credential: AzureCredential,
  audience: 'registry' | 'resource-manager',
): Promise<SecretValue | undefined> {
  const scope = audience === 'registry' ? registryScope : `${credential.cloud.resourceManager}/.default`;
  try {
    return new SecretValue((await credential.getToken(scope)).token);
  } catch (error) {
    if (audience === 'registry' && error instanceof StepError && error.code === 'resource-unknown') return undefined;
    throw error;
  }
}
