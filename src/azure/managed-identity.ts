import type { TokenCredential } from '@azure/core-auth';
import type { HttpClient } from '@azure/core-rest-pipeline';
import type { CredentialChoice } from '../lib/credential-choice.ts';
import type { StepError } from '../lib/step-error.ts';
import { errorCodeOf, identityError } from './azure-error.ts';
import { type AzureTransport, createAttempt } from './client-options.ts';
import { currentExchange } from './token-exchange.ts';

type ManagedIdentity = Extract<CredentialChoice, { readonly kind: 'managed-identity' }>;

/** A machine that has the service answers within milliseconds, even what is no proper request. */
const probeTimeoutMs = 1000;

/**
 * The managed identity of a virtual machine, App Service, Azure Arc and what else the SDK knows by its variables. Rejects with a StepError where the
 * metadata service does not answer: without this probe, one that is not there would be waited for over all retries.
 */
export async function openManagedIdentity(choice: ManagedIdentity, transport: AzureTransport): Promise<TokenCredential> {
  const [{ ManagedIdentityCredential }, { createDefaultHttpClient, createPipelineRequest }] = await Promise.all([
    import('@azure/identity'),
    import('@azure/core-rest-pipeline'),
  ]);
  const direct = createDefaultHttpClient();
  if (choice.imds !== undefined) {
    const probe = createAttempt({ ...withoutProxy(transport), timeoutMs: probeTimeoutMs }, () => undefined);
    const request = createPipelineRequest({ url: `${choice.imds}/metadata/identity/oauth2/token`, allowInsecureConnection: true });
    const { status } = await probe(request, direct.sendRequest).catch((error: unknown) => {
      throw absent(choice, 'nothing answers', error);
    });
    if (!isMetadataService(status)) throw absent(choice, `what answers with status ${status} is not Azure's metadata service`);
  }
  const attempt = createAttempt(withoutProxy(transport), (failed) => {
    currentExchange().failedAttempt = failed;
  });
  const { maxRetries = 5, retryDelayMs = 800 } = transport;
  // Policies that are given to this credential are dropped by the SDK (its own takes their place), a client is not.
  const httpClient: HttpClient = {
    sendRequest: async (request) => {
      const response = await attempt(request, direct.sendRequest);
      // The metadata service does not say how long it is busy, and without that the SDK gives up at once.
      if (response.status === 429 && !response.headers.has('retry-after')) response.headers.set('retry-after-ms', `${retryDelayMs}`);
      return response;
    },
  };
  const { clientId } = choice;
  return new ManagedIdentityCredential({
    ...(clientId === undefined ? {} : { clientId }),
    httpClient,
    retryOptions: { maxRetries, retryDelayInMs: retryDelayMs, maxRetryDelayInMs: 60_000 },
  });
}

/**
 * The metadata service refuses what comes without the header "Metadata" with 400, or is busy or being updated. Other clouds have services of their own at that
 * address, which know no such path (404, 401, 403), and a proxy that filters what leaves a network answers there, too.
 */
function isMetadataService(status: number): boolean {
  return status === 400 || status === 410 || status === 429 || status >= 500;
}

/** The endpoints are on the machine itself, on link-local addresses: a proxy could not reach them, and must not see them. */
function withoutProxy({ agentFor: _, ...transport }: AzureTransport): AzureTransport {
  return transport;
}

/** The machine has no endpoint for managed identities. */
function absent({ imds }: ManagedIdentity, reason: string, error?: unknown): StepError {
  const code = error === undefined ? undefined : errorCodeOf(error);
  return identityError(
    'managed-identity-absent',
    `Cannot get a token of a managed identity: ${reason} at ${imds}${code === undefined ? '' : ` (${code})`}`,
    'A managed identity is there on machines of Azure alone: virtual machines, App Service, Azure Arc. In a container, see whether its network may reach ' +
      'that address. Elsewhere give another azure-identity.',
    error,
  );
}

/** What a refusal of the endpoint means, and the command that mends it; undefined where it is none that only this endpoint gives. */
export function toManagedIdentityError(status: number, body: string, clientId: string | undefined, words: string): StepError {
  if (/multiple user.assigned identities/i.test(body)) {
    return identityError(
      'managed-identity-ambiguous',
      `Cannot get a token of a managed identity: this machine has several, and none was named (${words})`,
      'Name one in azure-client-id: az identity list --query "[].{name:name,clientId:clientId}" --output table lists yours.',
    );
  }
  if (status === 400 && /identity not found|no .*managed identity found|no msi found/i.test(body)) return missing(clientId, words);
  if (status === 429 || status === 503) {
    return identityError(
      'managed-identity-busy',
      `Cannot get a token of a managed identity: its endpoint is busy, and stayed so over all retries ${inBrackets(words)}`,
      'Run again in a minute. The metadata service takes 20 requests a second: see what else on this machine asks it.',
    );
  }
  return identityError(
    'managed-identity-refused',
    `Cannot get a token of a managed identity: its endpoint answered ${status}${inBrackets(words)}`,
    'az vm identity show --name VM --resource-group GROUP (az webapp identity show on App Service) shows what this machine has; one that was assigned just now ' +
      'takes some minutes.',
  );
}

function missing(clientId: string | undefined, words: string): StepError {
  if (clientId === undefined) {
    return identityError(
      'managed-identity-missing',
      `Cannot get a token of a managed identity: this machine has none (${words})`,
      'Assign one: az vm identity assign --name VM --resource-group GROUP, on App Service az webapp identity assign --name APP --resource-group GROUP.',
    );
  }
  return identityError(
    'managed-identity-missing',
    `Cannot get a token of the managed identity ${clientId}: this machine has no such identity (${words})`,
    `azure-client-id (or AZURE_CLIENT_ID) has to be the client id of an identity of this machine. Assign it: az vm identity assign --name VM --resource-group GROUP ` +
      `--identities "$(az identity list --query "[?clientId=='${clientId}'].id" --output tsv)". For the machine's own identity give no client id.`,
  );
}

function inBrackets(words: string): string {
  return words === '' ? '' : ` (${words})`;
}
