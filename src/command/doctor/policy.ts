import type { Check } from '../../model/check.ts';
import { openExploitationLists, readDockerfile, readPolicy } from '../resources.ts';
import type { Case } from './case.ts';

/** The files of the inputs can be read, and the policy is one. */
export function policyCheck({ settings, host, world }: Case): Check {
  return {
    name: 'policy',
    needs: [],
    run: async () => {
      const policy = await readPolicy(settings, host.workspace);
      await openExploitationLists(settings, policy, host.workspace, world);
      await readDockerfile(settings, host.workspace);
      const rules = policy.rules.length === 1 ? '1 rule' : `${policy.rules.length} rules`;
      const age = policy.advisories === undefined ? '' : `, advisories of at most ${policy.advisories.maxAge.text}`;
      return { state: 'right', text: `${policy.name}: ${rules}, ${policy.exceptions.length} exceptions${age}` };
    },
  };
}
