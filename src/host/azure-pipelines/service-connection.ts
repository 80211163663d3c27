import type { CredentialChoice, ServiceConnection } from '../../lib/credential-choice.ts';
import type { Http } from '../../lib/http.ts';
import type { RetryOptions } from '../../lib/retry.ts';
import { SecretValue } from '../../lib/secret-value.ts';
import { type ConnectionVariables, connectionError, readConnectionVariables } from './connection-variables.ts';
import { fetchOidcToken } from './oidc-token.ts';

export interface ServiceConnectionContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly http: Http;
  readonly retry: RetryOptions;
  /** Address of the instance metadata service; undefined where the platform's variables name another endpoint. */
  readonly imds: string | undefined;
}

/**
 * Reads the service connection that the agent gave to the task for the input `azure-service-connection`: its scheme, ids, proof and cloud. Of a federated one
 * tokens are asked for whenever `fetchAssertion` is called. Throws a StepError of this folder.
 * https://github.com/microsoft/azure-pipelines-agent/blob/master/src/Agent.Worker/Handlers/Handler.cs
 */
export function readServiceConnection(id: string, context: ServiceConnectionContext): ServiceConnection {
  const variables = readConnectionVariables(id, context.env);
  const { choice, secrets } = readChoice(variables, context);
  return { choice, secrets, authorityHost: toAuthorityHost(variables) };
}

/** Schemes and parameters as azure-arm-endpoint.ts of azure-pipelines-tasks-common-packages reads them. */
function readChoice(
  variables: ConnectionVariables,
  context: ServiceConnectionContext,
): { readonly choice: CredentialChoice; readonly secrets: readonly SecretValue[] } {
  const { id, scheme } = variables;
  const via = { kind: 'service-connection', id } as const;
  switch (scheme.toLowerCase()) {
    case 'workloadidentityfederation': {
      const fetchAssertion = () => fetchOidcToken(id, context);
      return { choice: { kind: 'federated', ...readIds(variables), fetchAssertion, via }, secrets: [] };
    }
    case 'managedserviceidentity':
      return { choice: { kind: 'managed-identity', clientId: variables.data('msiClientId'), imds: context.imds, via }, secrets: [] };
    case 'serviceprincipal':
      return readPrincipal(variables, via);
    default:
      throw connectionError(
        'service-connection-unsupported',
        `Cannot use the service connection ${id}: its scheme is ${JSON.stringify(scheme)}`,
        'Use an Azure Resource Manager connection with workload identity federation, a service principal or a managed identity.',
      );
  }
}

function readPrincipal(
  variables: ConnectionVariables,
  via: { readonly kind: 'service-connection'; readonly id: string },
): { readonly choice: CredentialChoice; readonly secrets: readonly SecretValue[] } {
  const ids = readIds(variables);
  if (variables.parameter('authenticationType')?.toLowerCase() === 'spncertificate') {
    const pem = new SecretValue(readRequired(variables, 'servicePrincipalCertificate'));
    return { choice: { kind: 'client-certificate', ...ids, certificate: { kind: 'text', pem }, via }, secrets: [pem] };
  }
  const clientSecret = new SecretValue(readRequired(variables, 'servicePrincipalKey'));
  return { choice: { kind: 'client-secret', ...ids, clientSecret, via }, secrets: [clientSecret] };
}

function readIds(variables: ConnectionVariables): { readonly tenantId: string; readonly clientId: string } {
  return { tenantId: readRequired(variables, 'tenantId'), clientId: readRequired(variables, 'servicePrincipalId') };
}

function readRequired({ id, parameter }: ConnectionVariables, name: string): string {
  const value = parameter(name);
  if (value !== undefined) return value;
  throw connectionError(
    'service-connection-incomplete',
    `Cannot use the service connection ${id}: the agent gave it without ${name}`,
    'Open it in Project settings, Service connections, Edit, and verify and save it again.',
  );
}

/** What it says of its own, else that of its environment; Azure Stack and others have to say it. */
function toAuthorityHost({ data }: ConnectionVariables): string | undefined {
  const authority = data('activeDirectoryAuthority') ?? data('environmentAuthorityUrl');
  if (authority !== undefined) return authority;
  return authorities[data('environment') ?? ''];
}

/** https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud */
const authorities: Readonly<Record<string, string>> = {
  AzureCloud: 'https://login.microsoftonline.com/',
  AzureUSGovernment: 'https://login.microsoftonline.us/',
  AzureChinaCloud: 'https://login.chinacloudapi.cn/',
};
