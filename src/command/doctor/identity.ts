import { fetchRegistryToken } from '../../azure/registry-token.ts';
import type { Check } from '../../model/check.ts';
import { type Case, checkNames } from './case.ts';

/** The run's Azure identity gets a token. Left out where there is none and none is needed. */
export function identityCheck({ identity, usesVault, vaults }: Case): readonly Check[] {
  if (identity.azure === undefined && !usesVault) return [];
  return [
    {
      name: checkNames.identity,
      needs: identity.azure === undefined ? [] : [checkNames.network(new URL(identity.azure.cloud.authorityHost).host)],
      run: async () => {
        // Without an identity this throws what a run would end with.
        const opened = usesVault ? vaults() : [];
        const { azure } = identity;
        if (azure === undefined) return { state: 'right', text: 'none, and none is needed' };
        if (opened.length > 0) await azure.getToken(`https://${azure.cloud.vaultSuffix}/.default`);
        else if ((await fetchRegistryToken(azure, 'registry')) === undefined) await fetchRegistryToken(azure, 'resource-manager');
        return { state: 'right', text: `signed in as ${azure.description}` };
      },
    },
  ];
}
