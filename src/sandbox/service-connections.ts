import { randomUUID } from 'node:crypto';
import type { ServiceConnection } from './azure-pipelines-agent.ts';

/** Who the connections of a project are, and how each proves it. */
export interface ConnectionIdentity {
  readonly tenantId: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Id of the connection that federates. */
  readonly connectionId: string;
  /** Client id of the managed identity that the agent's machine has. */
  readonly machineId: string;
}

/** Names of a project's service connections, one for each way in. */
export const connectionNames = {
  federated: 'contoso-azure',
  secret: 'contoso-azure-secret',
  certificate: 'contoso-azure-certificate',
  managed: 'contoso-azure-managed',
} as const;

/** One Azure Resource Manager connection of each scheme, in the cloud of `authorityHost`. `certificatePem`: a private key and its certificate. */
export function toServiceConnections(
  identity: ConnectionIdentity,
  certificatePem: string,
  authorityHost: string,
): readonly ServiceConnection[] {
  const { tenantId: tenantid, clientId: serviceprincipalid } = identity;
  const data = {
    environment: 'AzureCloud',
    scopeLevel: 'Subscription',
    subscriptionId: randomUUID(),
    subscriptionName: 'Contoso',
    creationMode: 'Manual',
    activeDirectoryAuthority: `${authorityHost}/`,
    environmentAuthorityUrl: 'https://login.windows.net/',
  };
  const principal = (name: string, more: Readonly<Record<string, string>>): ServiceConnection => ({
    id: randomUUID(),
    name,
    scheme: 'ServicePrincipal',
    parameters: { tenantid, serviceprincipalid, ...more },
    data,
  });
  return [
    {
      id: identity.connectionId,
      name: connectionNames.federated,
      scheme: 'WorkloadIdentityFederation',
      parameters: { tenantid, serviceprincipalid, workloadIdentityFederationIssuerType: 'EntraID' },
      data: { ...data, identityType: 'AppRegistrationManual' },
    },
    principal(connectionNames.secret, { authenticationType: 'spnKey', serviceprincipalkey: identity.clientSecret }),
    principal(connectionNames.certificate, { authenticationType: 'spnCertificate', servicePrincipalCertificate: certificatePem }),
    {
      id: randomUUID(),
      name: connectionNames.managed,
      scheme: 'ManagedServiceIdentity',
      parameters: { tenantid },
      data: { ...data, msiClientId: identity.machineId },
    },
  ];
}
