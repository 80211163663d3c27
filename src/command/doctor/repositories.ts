import { createHash } from 'node:crypto';
import type { Check, CheckOutcome } from '../../model/check.ts';
import type { Digest } from '../../model/digest.ts';
import type { RegistryCredential } from '../../registry/credential.ts';
import { isRegistryError } from '../../registry/registry-error.ts';
import { openRemote, parseTargets, type Target } from '../destinations.ts';
import type { Case } from './case.ts';

/** Of each repository of `push`: reading, pushing, giving up, attaching, and who else may read. */
export function repositoryChecks(given: Case): readonly Check[] {
  return parseTargets(given.settings).flatMap((target) => {
    const name = `${target.registry}/${target.repository}`;
    const read = `read ${name}`;
    const push = `push ${name}`;
    let isGivenUp = true;
    return [
      { name: read, needs: given.needsOf(target.registry), run: () => tryReading(given, target) },
      {
        name: push,
        needs: given.needsOf(target.registry),
        run: async () => {
          isGivenUp = await (await given.open(target, 'push')).checkPush();
          return {
            state: 'right',
            text: `${describeCredential(await credentialFor(given, target))}: an upload was begun${isGivenUp ? ' and given up' : ''}`,
          };
        },
      },
      { name: `give up ${name}`, needs: [push], run: async () => judgeGivingUp(isGivenUp, target) },
      { name: `referrers ${name}`, needs: [read], run: () => findReferrersApi(given, target) },
      { name: `anonymous ${name}`, needs: [read], run: () => tryAnonymously(given, target) },
    ] satisfies Check[];
  });
}

function credentialFor({ credentials }: Case, target: Target): Promise<RegistryCredential> {
  return credentials().forRegistry(target, 'push');
}

/** How the run speaks to a registry, in the words of docs/credentials.md. */
export function describeCredential(credential: RegistryCredential): string {
  switch (credential.kind) {
    case 'entra':
      return 'by the Azure identity';
    case 'password':
      return `as user ${JSON.stringify(credential.username)}`;
    case 'identity-token':
      return 'by the token of an earlier login';
    case 'anonymous':
      return 'without a credential';
  }
}

async function tryReading(given: Case, target: Target): Promise<CheckOutcome> {
  const repository = await given.open(target, 'push');
  const tags = await Promise.all(target.tags.map(async (tag) => ({ tag, digest: await repository.headManifest(tag) })));
  const there = tags.filter(({ digest }) => digest !== undefined).map(({ tag }) => tag);
  const what = there.length === 0 ? 'none of the tags is there yet' : `${there.join(', ')} will be moved`;
  return { state: 'right', text: `${describeCredential(await credentialFor(given, target))}: ${what}` };
}

function judgeGivingUp(isGivenUp: boolean, { registry, repository }: Target): CheckOutcome {
  if (isGivenUp) return { state: 'right', text: 'an upload that was given up is gone at once' };
  return {
    state: 'warning',
    text: `${registry} did not let the upload go: what a denial gives up stays there, unnamed, until the registry forgets it`,
    hint: `Grant the action "delete" on ${repository} beside pull and push, or leave it to the registry's own cleaning.`,
  };
}

/** Of a digest that nothing has: a registry with the API answers with an empty list. */
const digestOfNothing: Digest = `sha256:${createHash('sha256').digest('hex')}`;

async function findReferrersApi(given: Case, { tags, ...name }: Target): Promise<CheckOutcome> {
  const repository = await given.open(name, 'push');
  const known = await Promise.all(tags.map((tag) => repository.headManifest(tag)));
  const subject = known.find((digest) => digest !== undefined);
  if (subject !== undefined) await repository.checkReferrers(subject);
  if (await repository.hasReferrersApi(subject ?? digestOfNothing)) {
    return { state: 'right', text: 'the registry has the referrers API: it lists signatures and bills of materials by itself' };
  }
  const when =
    subject === undefined ? 'or the repository is not there yet' : 'so they are kept at tags sha256-DIGEST: let clean-up rules spare them';
  return { state: 'right', text: `the registry has no referrers API, ${when}` };
}

/** Whether someone without any credential may read. That is for the owner to judge. */
async function tryAnonymously(given: Case, { tags, ...name }: Target): Promise<CheckOutcome> {
  const { settings, world, credentials } = given;
  const nobody = { ...credentials(), forRegistry: async (): Promise<RegistryCredential> => ({ kind: 'anonymous' }) };
  const repository = await openRemote(name, 'read', settings, nobody, world);
  try {
    const found = await Promise.all(tags.map((tag) => repository.headManifest(tag)));
    if (found.some((digest) => digest !== undefined)) return { state: 'right', text: 'anybody may read it, without a credential' };
    return { state: 'right', text: 'anybody may ask for it; whether anybody may read it, no tag is there to tell' };
  } catch (error) {
    if (isRegistryError(error, 'unauthorized', 'forbidden', 'not-found'))
      return { state: 'right', text: 'nobody may read it without a credential' };
    throw error;
  }
}
