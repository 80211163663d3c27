import { StepError } from '../../lib/step-error.ts';
import { parseReference, toRegistryAddress } from '../../registry/reference.ts';
import { parseImageSource } from '../../source/image-source-text.ts';
import type { Identity } from '../credentials.ts';
import { parseTargets } from '../destinations.ts';
import type { Case } from './case.ts';

/** A host that a run speaks to. */
export interface Target {
  /** Host and port; of a registry as references have it. */
  readonly name: string;
  /** What may be asked without a credential. */
  readonly url: URL;
  /** False where a run goes on without it. */
  readonly isVital: boolean;
}

/** Every host of the inputs, each once. Throws a StepError of origin `input`. */
export function targetsOf(given: Case): readonly Target[] {
  const { settings, identity } = given;
  const { hostUrl } = given.world.environment;
  const authority = authorityOf(identity);
  const image = settings.image === undefined ? undefined : parseImageSource(settings.image);
  const registries = [
    ...parseTargets(settings).map(({ registry }) => registry),
    ...(image?.kind === 'registry' ? [image.reference.registry] : []),
    ...(settings.advisories.kind === 'registry' ? [parseReference(settings.advisories.reference).registry] : []),
  ];
  const services = [settings.advisories, settings.knownExploited, settings.epss].flatMap((setting) =>
    setting?.kind === 'service' ? [new URL(setting.url)] : [],
  );
  const targets = [
    ...(authority === undefined ? [] : [toTarget(authority)]),
    ...vaultsOf(given).map(({ url }) => toTarget(new URL(url))),
    ...registries.map((registry) => ({
      name: registry,
      url: new URL('v2/', toRegistryAddress(registry, settings.insecureRegistries).origin),
      isVital: true,
    })),
    ...services.map(toTarget),
    ...(settings.signing?.timestamp === undefined ? [] : [toTarget(settings.signing.timestamp.url)]),
    ...(hostUrl !== undefined && URL.canParse(hostUrl) ? [{ ...toTarget(new URL(hostUrl)), isVital: false }] : []),
  ];
  // Where two are one host, the one that comes first says what it is.
  return [...new Map(targets.toReversed().map((target) => [target.name, target])).values()].toReversed();
}

/** Entra ID, where the run itself asks it: managed identities are asked for at the machine, and the Azure CLI asks by itself. */
export function authorityOf({ azure, isAzureGiven }: Identity): URL | undefined {
  if (azure === undefined || !isAzureGiven || azure.kind === 'managed-identity' || azure.kind === 'azure-cli') return undefined;
  return new URL(azure.cloud.authorityHost);
}

function toTarget(url: URL): Target {
  return { name: url.host, url: new URL(url.origin), isVital: true };
}

/** That there is no identity for a vault is told by the check of the identity. */
function vaultsOf({ vaults }: Case) {
  try {
    return vaults();
  } catch (error) {
    if (error instanceof StepError && error.origin === 'identity') return [];
    throw error;
  }
}
