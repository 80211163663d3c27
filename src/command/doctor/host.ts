import type { Check } from '../../model/check.ts';
import { type Case, checkNames } from './case.ts';

/** What the host lets the job do, as far as the inputs ask for it. */
export function hostChecks({ settings, world }: Case): readonly Check[] {
  const { githubToken } = settings;
  const token = githubToken?.kind === 'secret' ? [checkNames.secret(githubToken.name)] : [];
  return world.environment.hostChecks
    .filter(({ input }) => input === undefined || settings[input])
    .map((check) => (check.readsToken === true ? { ...check, needs: [...check.needs, ...token] } : check));
}
