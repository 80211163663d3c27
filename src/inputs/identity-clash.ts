import type { AccessSettings } from './settings.ts';
import type { InputName } from './table.ts';

/** Message and hint where `azure-service-connection` stands beside another input on the identity: the connection says all of who it is. */
export function findIdentityClash(settings: AccessSettings, spell: (name: InputName) => string): readonly [string, string] | undefined {
  const { azureServiceConnection, azureIdentity, azureTenantId, azureClientId } = settings;
  if (azureServiceConnection === undefined) return undefined;
  const given = [
    ['azure-identity', azureIdentity !== 'auto'],
    ['azure-tenant-id', azureTenantId !== undefined],
    ['azure-client-id', azureClientId !== undefined],
  ] as const;
  const other = given.find(([, isGiven]) => isGiven)?.[0];
  if (other === undefined) return undefined;
  return [
    `The inputs ${spell('azure-service-connection')} and ${spell(other)} are both given`,
    `Leave ${spell(other)} out: the service connection has its own tenant, application and proof.`,
  ];
}
