import type { Check } from '../../model/check.ts';
import { readSecret } from '../credentials.ts';
import { type Case, checkNames } from './case.ts';

/** Each of the named secrets can be read. */
export function secretChecks({ settings, identity, host, secrets, credentials }: Case): readonly Check[] {
  return settings.secrets.map((request) => ({
    name: checkNames.secret(request.name),
    needs: [checkNames.identity],
    run: async () => {
      secrets.set(request.name, await readSecret(request, identity, host));
      // Gives the host its token, where this is it.
      credentials();
      const vault = identity.openVault(undefined);
      return { state: 'right', text: `"${request.secretName}" of vault ${vault.name} can be read` };
    },
  }));
}
