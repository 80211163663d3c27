import { SecretValue } from '../lib/secret-value.ts';
import { StepError } from '../lib/step-error.ts';
import type { AzureCredential } from './credential.ts';

/** https://learn.microsoft.com/azure/container-registry/container-registry-disable-authentication-as-arm */
const registryScope = 'https://containerregistry.azure.net/.default';

/**
 * A token of Entra ID that Azure Container Registry exchanges for its own. Its own audience first, which every registry accepts; that of the
 * resource manager, which a registry may refuse, only where the tenant does not know the first.
 */
export async function fetchRegistryToken(credential: AzureCredential): Promise<SecretValue> {
  try {
    return new SecretValue((await credential.getToken(registryScope)).token);
  } catch (error) {
    if (!(error instanceof StepError) || error.code !== 'resource-unknown') throw error;
  }
  return new SecretValue((await credential.getToken(`${credential.cloud.resourceManager}/.default`)).token);
}
