import type { AzureCredential } from '../azure/credential.ts';
import { type KeyVault, openKeyVault } from '../azure/key-vault.ts';
import type { DatedSecret } from '../azure/vault-secrets.ts';
import type { Host } from '../host/host.ts';
import type { AccessSettings, Credential, SecretRequest } from '../inputs/settings.ts';
import type { SecretValue } from '../lib/secret-value.ts';
import { StepError } from '../lib/step-error.ts';
import type { RepositoryName } from '../model/source.ts';
import type { RegistryCredential } from '../registry/credential.ts';
import { chooseIdentity } from './azure-identity.ts';
import { RegistryCredentials, type RegistryUse } from './registry-credentials.ts';
import type { World } from './world.ts';

/** Who the run is at Azure. Nothing is asked for before it is needed. */
export interface Identity {
  /** Undefined where the run neither has nor needs an Azure identity. */
  readonly azure: AzureCredential | undefined;
  /** Whether the run was told of that identity. Else it is what this machine may happen to have, and is looked for when it is needed. */
  readonly isAzureGiven: boolean;
  /** The vault at `url`, by default that of the input key-vault. Throws a StepError where there is none, or no identity to open it with. */
  openVault(url: string | undefined): KeyVault;
}

/** The credentials of one run. */
export interface Credentials extends Identity {
  /** The named secrets, by the names that inputs refer to them by. */
  readonly secrets: ReadonlyMap<string, SecretValue>;
  /** How to speak to a repository. Rejects with a StepError where a file of logins or its helper program fails, or where nobody may push like that. */
  forRegistry(repository: RepositoryName, use: RegistryUse): Promise<RegistryCredential>;
  /** Says that a registry is read without its credential, and why. */
  tellAnonymous(registry: string, reason: string): void;
}

/** Signs in and reads the named secrets; each is masked on the host before anything is done with it. */
export async function openCredentials(settings: AccessSettings, host: Host, world: World): Promise<Credentials> {
  const identity = openIdentity(settings, host, world);
  return toCredentials(settings, identity, await readSecrets(settings.secrets, identity, host), host, world);
}

async function readSecrets(requests: readonly SecretRequest[], identity: Identity, host: Host): Promise<ReadonlyMap<string, SecretValue>> {
  if (requests.length === 0) return new Map();
  const values = await identity.openVault(undefined).readSecrets(requests.map(toSecretName));
  for (const value of values) host.mask(value);
  return new Map(values.map((value, at) => [requests[at]?.name ?? '', value]));
}

/** Masks what was given in clear, and chooses the identity. */
export function openIdentity(settings: AccessSettings, host: Host, world: World): Identity {
  const { azureClientSecret, azureClientCertificate, endpointSecrets } = world.environment;
  const certificatePassword = azureClientCertificate?.kind === 'file' ? azureClientCertificate.password : undefined;
  const literals = [settings.registryPassword, settings.githubToken, settings.signing?.password].map(literal);
  for (const secret of [azureClientSecret, certificatePassword, ...endpointSecrets, ...literals]) {
    if (secret !== undefined) host.mask(secret);
  }
  const identity = chooseIdentity(settings, host, world);
  const azure = identity?.credential;
  const openVault = (url: string | undefined): KeyVault => {
    const vault = url ?? settings.keyVault;
    if (vault === undefined) throw noVault();
    return openKeyVault(vault, requireAzure(azure, vault), world.now);
  };
  return { azure, isAzureGiven: identity?.isGiven ?? false, openVault };
}

/** One of the named secrets, masked on the host. */
export async function readSecret(request: SecretRequest, identity: Identity, host: Host): Promise<DatedSecret> {
  const { name, version } = toSecretName(request);
  const secret = await identity.openVault(undefined).readSecret(name, version);
  host.mask(secret.value);
  return secret;
}

function toSecretName({ secretName }: SecretRequest): { readonly name: string; readonly version: string | undefined } {
  const [name = secretName, version] = secretName.split('/');
  return { name, version };
}

/** `secrets`: those of the vault, by the names that inputs refer to them by. */
export function toCredentials(
  settings: AccessSettings,
  identity: Identity,
  secrets: ReadonlyMap<string, SecretValue>,
  host: Host,
  world: World,
): Credentials {
  const resolve = (credential: Credential | undefined): SecretValue | undefined =>
    credential?.kind === 'secret' ? secrets.get(credential.name) : credential?.value;
  const hostToken = settings.githubToken?.kind === 'secret' ? resolve(settings.githubToken) : undefined;
  if (hostToken !== undefined) world.environment.giveHostToken(hostToken);
  const registries = new RegistryCredentials({ ...identity, settings, host, world, resolve });
  return {
    ...identity,
    secrets,
    forRegistry: (repository, use) => registries.find(repository, use),
    tellAnonymous: (registry, reason) => host.log('warning', `${registry} is read without a credential: ${reason}.`),
  };
}

function literal(credential: Credential | undefined): SecretValue | undefined {
  return credential?.kind === 'literal' ? credential.value : undefined;
}

function requireAzure(azure: AzureCredential | undefined, vault: string): AzureCredential {
  if (azure !== undefined) return azure;
  throw new StepError({
    code: 'no-identity',
    origin: 'identity',
    message: `Cannot open the key vault ${JSON.stringify(vault)}: azure-identity is none`,
    hint: 'Leave azure-identity out, or name the identity that may read the vault.',
  });
}

function noVault(): StepError {
  return new StepError({
    code: 'input-missing',
    origin: 'input',
    message: 'The input signing-key names a key by its name alone, and the input key-vault is not given',
    hint: 'Give key-vault, or the id of the key (https://VAULT.vault.azure.net/certificates/NAME).',
  });
}
