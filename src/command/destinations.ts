import type { AccessSettings } from '../inputs/settings.ts';
import { StepError } from '../lib/step-error.ts';
import type { Digest } from '../model/digest.ts';
import type { RepositoryName } from '../model/source.ts';
import { parseReference } from '../registry/reference.ts';
import { openRepository, type Repository } from '../registry/repository.ts';
import type { Credentials } from './credentials.ts';
import type { RegistryUse } from './registry-credentials.ts';
import type { World } from './world.ts';

/** One repository that the image goes to, and the tags that are moved there at the end. */
export interface Destination {
  readonly repository: Repository;
  readonly tags: readonly string[];
  /** What each of the tags was when the run began. */
  readonly seen: ReadonlyMap<string, Digest | 'absent'>;
}

/** A repository of the input `push`, and what is tagged there. */
export interface Target extends RepositoryName {
  readonly tags: readonly string[];
}

/** Opens the repositories of the input `push`, probes that the run may push to each before any expensive work is done, and sees what the tags are. */
export async function openDestinations(settings: AccessSettings, credentials: Credentials, world: World): Promise<readonly Destination[]> {
  const opening = parseTargets(settings).map(async ({ tags, ...name }) => ({
    repository: await openRemote(name, 'push', settings, credentials, world),
    tags,
  }));
  const repositories = await Promise.all(opening);
  return Promise.all(repositories.map(({ repository, tags }) => openDestination(repository, tags)));
}

/** The repositories of the input `push`, each once. Throws a StepError of origin `input`. */
export function parseTargets(settings: Pick<AccessSettings, 'push'>): readonly Target[] {
  const tagsByRepository = new Map<string, { registry: string; repository: string; tags: Set<string> }>();
  for (const text of settings.push) {
    const { registry, repository, tag = 'latest', digest } = parseReference(text);
    if (digest !== undefined) throw digestGiven(text);
    const name = `${registry}/${repository}`;
    const known = tagsByRepository.get(name) ?? { registry, repository, tags: new Set() };
    known.tags.add(tag);
    tagsByRepository.set(name, known);
  }
  return [...tagsByRepository.values()].map(({ tags, ...name }) => ({ ...name, tags: [...tags] }));
}

/** A repository with the credential for it; nothing is sent yet. */
export async function openRemote(
  name: RepositoryName,
  use: RegistryUse,
  settings: AccessSettings,
  credentials: Credentials,
  world: World,
): Promise<Repository> {
  const credential = await credentials.forRegistry(name, use);
  const tokenHosts = settings.registryTokenHosts.get(name.registry) ?? [];
  return openRepository(name, {
    http: world.http,
    credential,
    tokenHosts,
    referrers: settings.referrers,
    ...(use === 'read' ? { onAnonymous: (reason: string) => credentials.tellAnonymous(name.registry, reason) } : {}),
    now: world.now,
    random: world.random,
    sleep: world.sleep,
    insecureRegistries: settings.insecureRegistries,
    signal: world.cancelled,
  });
}

async function openDestination(repository: Repository, tags: readonly string[]): Promise<Destination> {
  await repository.checkPush();
  const seen = await Promise.all(tags.map(async (tag) => [tag, (await repository.headManifest(tag)) ?? 'absent'] as const));
  const known = seen.map(([, digest]) => digest).find((digest) => digest !== 'absent');
  // Of a repository that is not there yet a registry may say that it has nothing of the kind.
  if (known !== undefined) await repository.checkReferrers(known);
  return { repository, tags, seen: new Map(seen) };
}

function digestGiven(text: string): StepError {
  return new StepError({
    code: 'input-invalid',
    origin: 'input',
    message: `The input push is ${JSON.stringify(text)}, which has a digest`,
    hint: 'Accepted: HOST/REPOSITORY:TAG. The digest follows from the image and is given as the output digest.',
  });
}
