import type { AzureCredential } from '../azure/credential.ts';
import { fetchRegistryToken } from '../azure/registry-token.ts';
import type { Host } from '../host/host.ts';
import type { AccessSettings, Credential } from '../inputs/settings.ts';
import type { SecretValue } from '../lib/secret-value.ts';
import { StepError } from '../lib/step-error.ts';
import type { RepositoryName } from '../model/source.ts';
import {
  type AnonymousCredential,
  azureUserOf,
  isAzureRegistry,
  type RegistryCredential,
  type StoredCredential,
  toAzureName,
} from '../registry/credential.ts';
import { fetchFromHelper } from '../registry/credential-helper.ts';
import { type HelperName, parseDockerConfig } from '../registry/docker-config.ts';
import { parseReference } from '../registry/reference.ts';
import type { World } from './world.ts';

/** Reading can do without a credential, pushing mostly not. */
export type RegistryUse = 'read' | 'push';

export interface RegistryCredentialOptions {
  readonly settings: AccessSettings;
  readonly host: Host;
  readonly world: World;
  readonly azure: AzureCredential | undefined;
  /** Whether the run was told of that identity. */
  readonly isAzureGiven: boolean;
  /** The value of an input. */
  readonly resolve: (credential: Credential | undefined) => SecretValue | undefined;
}

/**
 * Chooses how to speak to a repository: the inputs, for where the image goes or when it goes nowhere; the Azure identity, for Azure's registries, where the
 * run was told of one; the files of earlier logins with their credential helpers; for Azure's registries the identity that this machine may have; nothing. Each helper is asked once in a run. What comes from a file or a helper is masked
 * before anything is done with it.
 */
export class RegistryCredentials {
  readonly #options: RegistryCredentialOptions;
  readonly #answers = new Map<string, Promise<StoredCredential | undefined>>();

  constructor(options: RegistryCredentialOptions) {
    this.#options = options;
  }

  /** Rejects with a StepError where a file or a helper fails, where Azure's registries would be pushed to by nobody, and for their administrator. */
  async find(repository: RepositoryName, use: RegistryUse): Promise<RegistryCredential> {
    const { registry } = repository;
    const { isAzureGiven } = this.#options;
    const given = this.#fromInputs(registry) ?? (isAzureGiven ? this.#fromAzure(registry) : undefined);
    const stored = given ?? (await this.#fromFiles(repository, use));
    if (!isAzureRegistry(registry)) return stored;
    const credential = stored.kind === 'anonymous' && !isAzureGiven ? await this.#fromMachine(registry, use, stored) : stored;
    if (use === 'push' && credential.kind === 'anonymous') throw noCredential(registry, credential.because);
    if (credential.kind === 'password' && azureUserOf(credential.username, registry) === 'admin') this.#verifyAdmin(registry);
    return credential;
  }

  #fromInputs(registry: string): StoredCredential | undefined {
    const { settings, resolve } = this.#options;
    const username = resolve(settings.registryUsername)?.reveal();
    const password = resolve(settings.registryPassword);
    // Another registry, which the image comes from, is not given the password of the one that it goes to.
    const isTarget =
      settings.passwordRegistries?.includes(registry) ??
      (settings.push.length === 0 || settings.push.some((reference) => parseReference(reference).registry === registry));
    return username !== undefined && password !== undefined && isTarget ? { kind: 'password', username, password } : undefined;
  }

  #fromAzure(registry: string): RegistryCredential | undefined {
    const { azure } = this.#options;
    if (azure === undefined || !isAzureRegistry(registry)) return undefined;
    return { kind: 'entra', fetchToken: (audience) => fetchRegistryToken(azure, audience), objectId: () => azure.objectId };
  }

  /** What the machine happens to have is looked for here, so that a run without it goes on as nobody where that may do. */
  async #fromMachine(registry: string, use: RegistryUse, anonymous: AnonymousCredential): Promise<RegistryCredential> {
    const { azure, host } = this.#options;
    if (azure === undefined) return anonymous;
    try {
      await fetchRegistryToken(azure, 'registry');
      return this.#fromAzure(registry) ?? anonymous;
    } catch (error) {
      if (!(error instanceof StepError) || (use === 'push' && error.code !== 'no-identity')) throw error;
      if (error.code !== 'no-identity') host.log('warning', `${error.message}. Reading ${registry} without a credential.`);
      return { kind: 'anonymous', because: [anonymous.because, error.message].filter((reason) => reason !== undefined).join(', ') };
    }
  }

  async #fromFiles(repository: RepositoryName, use: RegistryUse): Promise<StoredCredential | AnonymousCredential> {
    const { world, host } = this.#options;
    const reasons: string[] = [];
    for (const { path, bytes } of world.environment.loginFiles) {
      const { helper, credential } = parseDockerConfig(bytes, repository, path);
      try {
        const answer = helper === undefined ? undefined : await this.#ask(helper);
        if (answer !== undefined) return { ...answer, from: `docker-credential-${helper?.name}` };
        if (helper !== undefined) reasons.push(`docker-credential-${helper.name} (${path}) has none for it`);
      } catch (error) {
        // One that is left over from another machine is in nobody's way where there is a credential without it, or none is needed.
        if (!(error instanceof StepError) || (credential === undefined && use === 'push')) throw error;
        host.log('warning', `${error.message}. ${credential === undefined ? 'Reading without a credential.' : `Taking that of ${path}.`}`);
      }
      if (credential === undefined) continue;
      host.mask(credential.kind === 'password' ? credential.password : credential.token);
      return { ...credential, from: path };
    }
    return { kind: 'anonymous', ...(reasons.length === 0 ? {} : { because: reasons.join(', ') }) };
  }

  #ask(helper: HelperName): Promise<StoredCredential | undefined> {
    const key = `${helper.name} ${helper.serverAddress}`;
    const asked = this.#answers.get(key) ?? this.#fetch(helper);
    this.#answers.set(key, asked);
    return asked;
  }

  async #fetch(helper: HelperName): Promise<StoredCredential | undefined> {
    const { host, world } = this.#options;
    const credential = await fetchFromHelper(helper, world.runProgram);
    if (credential !== undefined) host.mask(credential.kind === 'password' ? credential.password : credential.token);
    return credential;
  }

  #verifyAdmin(registry: string): void {
    if (this.#options.settings.allowRegistryAdmin) return;
    const name = toAzureName(registry);
    throw new StepError({
      code: 'registry-admin',
      origin: 'input',
      message: `Did not log in to ${registry} as its admin user: one password for everything in the registry, shared by all, that names nobody in its log`,
      hint:
        'Let the Azure identity push (no password at all), or make a token for the repository: ' +
        `az acr token create --registry ${name} --name NAME --repository REPOSITORY content/read content/write metadata/read. ` +
        'If there is no way around it, set allow-registry-admin.',
    });
  }
}

function noCredential(registry: string, because: string | undefined): StepError {
  return new StepError({
    code: 'registry-login-missing',
    origin: 'input',
    message: `Cannot push to ${registry}: this run has no credential for it${because === undefined ? '' : ` (${because})`}`,
    hint:
      'Azure Container Registry lets nobody push without one. Give the run an Azure identity (azure-tenant-id, azure-client-id), ' +
      'or registry-username and registry-password of a repository token.',
  });
}
