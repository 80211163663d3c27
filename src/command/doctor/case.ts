import type { KeyVault } from '../../azure/key-vault.ts';
import type { Host } from '../../host/host.ts';
import type { DoctorSettings } from '../../inputs/settings.ts';
import type { SecretValue } from '../../lib/secret-value.ts';
import { StepError } from '../../lib/step-error.ts';
import type { KeySigner } from '../../model/signer.ts';
import type { RepositoryName } from '../../model/source.ts';
import { isAzureRegistry } from '../../registry/credential.ts';
import type { Repository } from '../../registry/repository.ts';
import { parseSigningKey } from '../../sign/signing-key.ts';
import { type Credentials, type Identity, openIdentity, toCredentials } from '../credentials.ts';
import { openRemote } from '../destinations.ts';
import type { RegistryUse } from '../registry-credentials.ts';
import { openKey } from '../signing.ts';
import type { World } from '../world.ts';

/** What the checks of one run share: each thing is opened once, by the check that looks at it, and used by those that need that check. */
export interface Case {
  readonly settings: DoctorSettings;
  readonly host: Host;
  readonly world: World;
  readonly identity: Identity;
  /** Whether anything is read from a vault, or a vault signs. */
  readonly usesVault: boolean;
  /** The vaults of the inputs; throws as `Identity.openVault` does. */
  vaults(): readonly KeyVault[];
  /** Values of the named secrets, as their checks read them. */
  readonly secrets: Map<string, SecretValue>;
  /** With the secrets that were read so far. */
  credentials(): Credentials;
  /** The signing key, opened once. */
  signer(): Promise<KeySigner>;
  open(repository: RepositoryName, use: RegistryUse): Promise<Repository>;
  /** Checks that have to be right before a registry can be asked with the run's credential. */
  needsOf(registry: string): readonly string[];
}

export const dayMs = 24 * 3_600_000;

export const checkNames = {
  identity: 'identity',
  signingKey: 'signing key',
  secret: (name: string) => `secret ${name}`,
  network: (host: string) => `network ${host}`,
} as const;

/** Nothing is asked for yet. Throws a StepError where the inputs do not do. */
export function openCase(settings: DoctorSettings, host: Host, world: World): Case {
  const identity = openOrKeep(() => openIdentity(settings, host, world));
  const secrets = new Map<string, SecretValue>();
  let opened: { readonly credentials: Credentials; readonly secrets: number } | undefined;
  // One for all checks, so that a credential helper is asked once; anew where another secret is known.
  const credentials = (): Credentials => {
    if (opened?.secrets !== secrets.size) {
      opened = { credentials: toCredentials(settings, identity, secrets, host, world), secrets: secrets.size };
    }
    return opened.credentials;
  };
  const { signing } = settings;
  const key = signing === undefined ? undefined : parseSigningKey(signing.key);
  const signsInVault = key?.kind === 'key-vault';
  let signer: Promise<KeySigner> | undefined;
  return {
    settings,
    host,
    world,
    identity,
    usesVault: signsInVault || settings.secrets.length > 0,
    vaults: () => {
      const urls = [...(settings.secrets.length > 0 ? [undefined] : []), ...(signsInVault ? [key.vaultUrl] : [])];
      const vaults = urls.map((url) => identity.openVault(url));
      return [...new Map(vaults.map((vault) => [vault.url, vault])).values()];
    },
    secrets,
    credentials,
    signer: () => {
      if (signing === undefined) throw new Error('nothing is signed');
      signer ??= openKey(signing, host.workspace, { ...identity, secrets }, world);
      return signer;
    },
    open: (repository, use) => openRemote(repository, use, settings, credentials(), world),
    needsOf: (registry) => [
      checkNames.network(registry),
      ...settings.secrets.filter(({ name }) => isReferredTo(settings, name)).map(({ name }) => checkNames.secret(name)),
      ...(identity.isAzureGiven && isAzureRegistry(registry) && settings.registryPassword === undefined ? [checkNames.identity] : []),
    ],
  };
}

/** An identity that was asked for and is not there is told by the check of the identity; the others go on. */
function openOrKeep(open: () => Identity): Identity {
  try {
    return open();
  } catch (error) {
    if (!(error instanceof StepError) || error.origin !== 'identity') throw error;
    const openVault = (): never => {
      throw error;
    };
    return { azure: undefined, isAzureGiven: true, openVault };
  }
}

function isReferredTo({ registryUsername, registryPassword, signing }: DoctorSettings, name: string): boolean {
  return [registryUsername, registryPassword, signing?.password].some(
    (credential) => credential?.kind === 'secret' && credential.name === name,
  );
}
