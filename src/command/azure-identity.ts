import { type AzureCredential, type CredentialOptions, openCredential } from '../azure/credential.ts';
import { openFirstCredential } from '../azure/first-credential.ts';
import type { Host } from '../host/host.ts';
import type { AccessSettings } from '../inputs/settings.ts';
import type { CredentialChoice, IdentityKind } from '../lib/credential-choice.ts';
import { StepError } from '../lib/step-error.ts';
import type { Environment, World } from './world.ts';

/** The Azure identity of a run; nothing is asked for yet. */
export interface AzureIdentity {
  readonly credential: AzureCredential;
  /** Whether the run was told of it. Else it is what this machine may happen to have, and comes after what Docker's configuration says. */
  readonly isGiven: boolean;
}

/**
 * Chooses the identity: docs/credentials.md has the order. Secrets of a service connection are masked on the host. Undefined where the run is to have none.
 * Throws a StepError where what was asked for by name is not there.
 */
export function chooseIdentity(settings: AccessSettings, host: Host, world: World): AzureIdentity | undefined {
  const { environment } = world;
  const options: CredentialOptions = {
    authorityHost: environment.azureAuthorityHost,
    transport: { agentFor: world.http.agentFor, signal: world.cancelled },
    runProgram: world.runProgram,
    secrets: environment.endpointSecrets,
    onSignIn: (description) => host.log('info', `Signed in as ${description}.`),
  };
  if (settings.azureServiceConnection !== undefined) {
    const { choice, authorityHost, secrets } = openConnection(settings.azureServiceConnection, environment);
    for (const secret of secrets) host.mask(secret);
    return { credential: openCredential(choice, { ...options, authorityHost: authorityHost ?? options.authorityHost }), isGiven: true };
  }
  if (settings.azureIdentity === 'none') return undefined;
  const found = findIdentities(settings, environment);
  if (settings.azureIdentity !== 'auto') {
    const choice = found[settings.azureIdentity];
    if (typeof choice === 'string') throw notThere(settings.azureIdentity, choice);
    return { credential: openCredential(choice, options), isGiven: true };
  }
  const given = order.map((kind) => found[kind]).find((choice) => typeof choice !== 'string');
  if (given !== undefined) return { credential: openCredential(given, options), isGiven: true };
  const ambient = [found['managed-identity'], found['azure-cli']].filter((choice) => typeof choice !== 'string');
  return { credential: openFirstCredential(ambient, toMissing(found), options), isGiven: false };
}

type Found = Readonly<Record<Exclude<IdentityKind, 'auto' | 'none'>, CredentialChoice | string>>;

/** What the run was given ids and a proof for, in this order. */
const order = ['client-secret', 'client-certificate', 'federated'] as const satisfies readonly (keyof Found)[];

/** Each way in, or what it lacks. */
function findIdentities(settings: AccessSettings, environment: Environment): Found {
  const tenantId = settings.azureTenantId ?? environment.azureTenantId;
  const clientId = settings.azureClientId ?? environment.azureClientId;
  const { azureClientSecret: clientSecret, azureClientCertificate: certificate } = environment;
  const ids = tenantId === undefined || clientId === undefined ? undefined : { tenantId, clientId };
  const federated = findIssuer(environment);
  return {
    'client-secret':
      ids === undefined ? noIds : clientSecret ? { kind: 'client-secret', ...ids, clientSecret } : 'AZURE_CLIENT_SECRET is not set',
    'client-certificate':
      ids === undefined
        ? noIds
        : certificate
          ? { kind: 'client-certificate', ...ids, certificate }
          : 'AZURE_CLIENT_CERTIFICATE_PATH is not set',
    federated: ids === undefined ? noIds : federated ? { kind: 'federated', ...ids, ...federated } : noIssuer,
    'managed-identity': { kind: 'managed-identity', clientId, imds: environment.instanceMetadata },
    'azure-cli': { kind: 'azure-cli', tenantId },
  };
}

const noIds = 'azure-tenant-id or azure-client-id is not given';
const noIssuer = 'there is neither an identity token of GitHub (permissions: id-token: write) nor AZURE_FEDERATED_TOKEN_FILE';

/** A token file of Kubernetes is there because somebody has set up the pod for it; GitHub's tokens are there for every job with the permission. */
function findIssuer({
  federatedTokenFile,
  fetchIdentityToken,
}: Environment): Pick<CredentialChoice & { kind: 'federated' }, 'fetchAssertion' | 'via'> | undefined {
  if (federatedTokenFile !== undefined) {
    return { fetchAssertion: federatedTokenFile.read, via: { kind: 'kubernetes', tokenFile: federatedTokenFile.path } };
  }
  return fetchIdentityToken === undefined ? undefined : { fetchAssertion: fetchIdentityToken, via: { kind: 'github' } };
}

function toMissing({ 'client-secret': secret, federated }: Found): string {
  return secret === noIds ? noIds : `no proof for the given ids is there (${String(secret)}; ${String(federated)})`;
}

function openConnection(id: string, { openServiceConnection }: Environment) {
  if (openServiceConnection !== undefined) return openServiceConnection(id);
  throw new StepError({
    code: 'input-conflict',
    origin: 'input',
    message: 'The input azure-service-connection is given, and this is no task of Azure Pipelines',
    hint: 'Only Azure Pipelines has service connections: give azure-tenant-id and azure-client-id here.',
  });
}

function notThere(kind: IdentityKind, reason: string): StepError {
  return new StepError({
    code: 'no-identity',
    origin: 'identity',
    message: `Cannot use azure-identity ${kind}: ${reason}`,
    hint: 'Give what is missing, or leave azure-identity out to take what is there; docs/credentials.md has the order.',
  });
}
