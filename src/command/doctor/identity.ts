import { fetchRegistryToken } from '../../azure/registry-token.ts';
import type { Check } from '../../model/check.ts';
import { type Case, checkNames } from './case.ts';
import { authorityOf } from './network-target.ts';

/** The run's Azure identity gets a token. Left out where the run was told of none, and needs none. */
export function identityCheck({ settings, identity, usesVault, vaults }: Case): readonly Check[] {
  if (!identity.isAzureGiven && !usesVault) return [];
  const authority = authorityOf(identity);
  return [
    {
      name: checkNames.identity,
      needs: authority === undefined ? [] : [checkNames.network(authority.host)],
      run: async () => {
        const { azure } = identity;
        // Where there is no identity this throws what a run would end with.
        if (usesVault) vaults();
        if (azure === undefined) throw noIdentity(() => identity.openVault(settings.keyVault));
        // Of the kind that the clients of a vault ask for.
        if (usesVault) await azure.getToken(`https://${azure.cloud.vaultSuffix}/.default`, { enableCae: true });
        else if ((await fetchRegistryToken(azure, 'registry')) === undefined) await fetchRegistryToken(azure, 'resource-manager');
        return { state: 'right', text: `signed in as ${azure.description}` };
      },
    },
  ];
}

/** Why the identity that was asked for is not there. */
function noIdentity(open: () => unknown): unknown {
  try {
    return open();
  } catch (error) {
    return error;
  }
}
