import type { AccessSettings } from '../inputs/settings.ts';
import { StepError } from '../lib/step-error.ts';
import type { Digest } from '../model/digest.ts';
import type { RepositoryName } from '../model/source.ts';
import { parseReference } from '../registry/reference.ts';
import { openRepository, type Repository } from '../registry/repository.ts';
import type { Credentials } from './credentials.ts';
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
  const repositories = parseTargets(settings).map(({ tags, ...name }) => ({
    repository: openRemote(name, settings, credentials, world),
    tags,
  }));
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
export function openRemote(reference: RepositoryName, settings: AccessSettings, credentials: Credentials, world: World): Repository {
  return openRepository(reference, {
    http: world.http,
    credential: credentials.forRegistry(reference.registry),
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
