import type { Check } from '../../model/check.ts';
import { readSecret } from '../credentials.ts';
import { toExportedSecrets, verifyExport } from '../exported-secrets.ts';
import { type Case, checkNames, dayMs } from './case.ts';

/** Enough for somebody to notice, and to make a new one. */
const soonDays = 14;

/** Each of the named secrets can be read, and handed to later steps where it is to be. */
export function secretChecks({ settings, identity, host, world, secrets, credentials }: Case): readonly Check[] {
  return settings.secrets.map((request) => ({
    name: checkNames.secret(request.name),
    needs: [checkNames.identity],
    run: async () => {
      const { value, expires } = await readSecret(request, identity, host);
      secrets.set(request.name, value);
      verifyExport(settings, host);
      toExportedSecrets(settings, { secrets: new Map([[request.name, value]]) }, host);
      // Gives the host its token, where this is it.
      credentials();
      const vault = identity.openVault(undefined);
      const text = `"${request.secretName}" of vault ${vault.name} can be read`;
      if (expires === undefined) return { state: 'right', text: `${text}, and has no last day` };
      const days = Math.floor((expires.getTime() - world.now().getTime()) / dayMs);
      const dated = `${text}, until ${expires.toISOString()}: in ${days} days`;
      if (days >= soonDays) return { state: 'right', text: dated };
      const [bare] = request.secretName.split('/');
      const hint = `Store a new version before that: az keyvault secret set --vault-name ${vault.name} --name ${bare} --file FILE --encoding utf-8 --expires YYYY-MM-DDTHH:MM:SSZ.`;
      return { state: 'warning', text: dated, hint };
    },
  }));
}
