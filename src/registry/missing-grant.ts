import { azureUserOf, isAzureRegistry, type RegistryCredential, toAzureName } from './credential.ts';
import type { RegistryAddress } from './reference.ts';
import type { MissingGrant } from './registry-error.ts';
import { knownRegistryHint } from './registry-hint.ts';

/** What is known of the rights of a credential, for the error where they are not enough. */
export interface KnownGrants {
  /** How it was shown. */
  readonly scheme: 'none' | 'basic' | 'bearer';
  /** Actions that the registry's token says to allow on the repository, e.g. `pull`; undefined where it cannot be read. */
  readonly given?: readonly string[];
  /** Actions that Azure's refresh token says to allow on the whole registry: `read`, `write`, `*`. */
  readonly registryWide?: readonly string[];
}

/** What was asked of a registry, for the error where it says no. */
export interface RegistryAction {
  /** Verb and object, e.g. `push a layer to registry.example/app`. */
  readonly verb: string;
  readonly registry: RegistryAddress;
  readonly repository: string;
  readonly credential: RegistryCredential;
  /** What it takes to do it. */
  readonly access: 'pull' | 'push';
  /** `login`: the credential itself was refused, or is taken for nobody's. */
  readonly step?: 'login' | 'request';
  readonly grants?: KnownGrants;
  /** The registry says that it knows who it is, and that it is the rights which are not enough. */
  readonly isKnown?: boolean;
}

/** Whether the credential was taken, and it is its rights that are not enough. */
export function lacksRights({ grants, access }: RegistryAction): boolean {
  const { given } = grants ?? {};
  return given !== undefined && !(access === 'pull' ? ['pull'] : ['pull', 'push']).every((action) => given.includes(action));
}

/** Whether it is the user name, password or token itself that is not accepted. */
export function isCredentialRefused({ credential, step = 'request', grants }: RegistryAction, status: number): boolean {
  const isStored = credential.kind === 'password' || credential.kind === 'identity-token';
  return isStored && status === 401 && (step === 'login' || grants?.scheme === 'basic');
}

export function missingGrant(action: RegistryAction): MissingGrant {
  const { registry, repository, access, credential } = action;
  const grant = { registry: registry.name, repository };
  if (!isAzureRegistry(registry.name)) return { ...grant, grant: access === 'pull' ? `pull from ${repository}` : `push to ${repository}` };
  if (isRepositoryToken(credential, registry.name)) return { ...grant, grant: missingScopeActions(action).join(', ') };
  const [role, abacRole] = azureRoles[access];
  return { ...grant, grant: `${role}, or ${abacRole} in ABAC mode` };
}

/** What to do about it. */
export function grantHint(action: RegistryAction): string {
  const { registry, repository, credential, access, grants } = action;
  const given = grants?.given ?? [];
  const kept = 'from' in credential && credential.from !== undefined ? `The credential is that of ${credential.from}. ` : '';
  const has = lacksRights(action) ? `It was given ${given.length === 0 ? 'no right' : given.join(' and ')} on ${repository}. ` : '';
  if (isAzureRegistry(registry.name)) return `${kept}${has}${azureHint(action)}`;
  if (credential.kind === 'anonymous') return anonymousHint(registry.name, credential.because);
  const may = access === 'pull' ? `pull from ${repository}` : `push to ${repository}`;
  const known = knownRegistryHint(registry.name);
  if (known !== undefined) return `${kept}${has}${known}`;
  if (has !== '' || action.isKnown === true) return `${kept}${has}Whoever manages ${registry.name} can let it ${may}.`;
  const where = kept === '' ? 'registry-username and registry-password' : 'it, or log in again with docker login';
  return `${kept}Check ${where}: what is given must not have expired, and has to be allowed to ${may} at ${registry.name}.`;
}

function anonymousHint(registry: string, because: string | undefined): string {
  const known = knownRegistryHint(registry);
  const reason = because === undefined ? '' : `This run is nobody there: ${because}. `;
  return `${reason}Log in: give registry-username and registry-password, or run "docker login ${registry}" first.${known === undefined ? '' : ` ${known}`}`;
}

/** Roles of Azure Container Registry; the second of each where it has ABAC repository permissions, which do not honour the first. */
const azureRoles = {
  pull: ['AcrPull', 'Container Registry Repository Reader'],
  push: ['AcrPush', 'Container Registry Repository Writer'],
} as const;

function azureHint(action: RegistryAction): string {
  const { registry, credential } = action;
  const name = toAzureName(registry.name);
  switch (credential.kind) {
    case 'entra':
      return `${roleHint(action, credential.objectId?.() ?? 'OBJECT_ID')}${action.step === 'login' ? ` ${otherTenant}` : ''}`;
    case 'identity-token':
      return `The login has expired, or its identity may not: run "az acr login --name ${name}" again. ${roleHint(action, 'OBJECT_ID')}`;
    case 'anonymous': {
      const reason = credential.because === undefined ? '' : `This run is nobody there: ${credential.because}. `;
      return `${reason}Give the run an Azure identity or a repository token, or let everybody read: az acr update --name ${name} --anonymous-pull-enabled.`;
    }
    case 'password':
      return passwordHint(action, credential.username);
  }
}

const otherTenant = 'Where it has that, the registry belongs to another tenant than the identity, or its firewall keeps this machine out.';

/** A user name may be one of the vault's secrets, too: it is not quoted. */
function passwordHint(action: RegistryAction, username: string): string {
  const name = toAzureName(action.registry.name);
  switch (azureUserOf(username, action.registry.name)) {
    case 'admin':
      return `The admin user is off, or this is not its password: az acr show --name ${name} --query adminUserEnabled. An Azure identity needs no password.`;
    case 'refresh-token':
      return `The login has expired, or its identity may not: run "az acr login --name ${name}" again. ${roleHint(action, 'OBJECT_ID')}`;
    case 'application':
      return action.step === 'login'
        ? `The client secret is wrong or has expired: az ad app credential list --id APPLICATION_ID. ${roleHint(action, 'APPLICATION_ID')}`
        : roleHint(action, 'APPLICATION_ID');
    case 'repository-token':
      return action.step === 'login' ? tokenHint(name) : scopeMapHint(action, name);
  }
}

function tokenHint(name: string): string {
  return (
    `The password is wrong or has expired, or the token is disabled: az acr token show --registry ${name} --name TOKEN. ` +
    `A new password: az acr token credential generate --registry ${name} --name TOKEN --password1.`
  );
}

/**
 * A registry honours one of the two roles, by its mode, and its answers do not tell the mode. Its refresh token tells what is allowed on the registry
 * as a whole: where that would be enough, the registry does not honour it.
 * https://learn.microsoft.com/azure/container-registry/container-registry-rbac-abac-repository-permissions
 */
function roleHint(action: RegistryAction, assignee: string): string {
  const { registry, access, grants } = action;
  const [role, abacRole] = azureRoles[access];
  const name = toAzureName(registry.name);
  const scope = `--scope "$(az acr show --name ${name} --query id --output tsv)"`;
  const assign = (title: string) => `az role assignment create --assignee ${assignee} --role "${title}" ${scope}`;
  const wide = grants?.registryWide;
  const isEnough =
    lacksRights(action) && wide !== undefined && [access === 'pull' ? 'read' : 'write', '*'].some((action) => wide.includes(action));
  if (isEnough) {
    return `The identity has a role for the whole registry, which a registry with ABAC repository permissions does not honour. It needs ${abacRole}: ${assign(abacRole)}.`;
  }
  return (
    `The identity needs ${role}: ${assign(role)}. A registry with ABAC repository permissions needs this role instead: ${assign(abacRole)}. ` +
    `Which it is: az acr show --name ${name} --query roleAssignmentMode.`
  );
}

/** https://learn.microsoft.com/azure/container-registry/container-registry-token-based-repository-permissions: actions of scope maps, by those of tokens. */
const scopeActions = {
  pull: [['pull', 'content/read']],
  push: [
    ['pull', 'content/read'],
    ['push', 'content/write'],
  ],
} as const;

function isRepositoryToken(credential: RegistryCredential, registry: string): boolean {
  return credential.kind === 'password' && azureUserOf(credential.username, registry) === 'repository-token';
}

/** Those that the token does not have, all where that is not known or where it has all, and is refused still. */
function missingScopeActions({ access, grants }: RegistryAction): readonly string[] {
  const needed = scopeActions[access];
  const missing = needed.filter(([action]) => !grants?.given?.includes(action));
  return (missing.length === 0 ? needed : missing).map(([, title]) => title);
}

function scopeMapHint(action: RegistryAction, name: string): string {
  const actions = missingScopeActions(action);
  return (
    `The scope map of the token lacks ${actions.join(', ')} on ${action.repository}: az acr scope-map update --registry ${name} --name SCOPE_MAP ` +
    `--add-repository ${action.repository} ${[...actions, 'metadata/read'].join(' ')}. Its scope map: az acr token show --registry ${name} --name TOKEN --query scopeMapId. ` +
    'With content/delete the step can give up uploads that it does not finish.'
  );
}
