import type { RegistryAction, RegistryGrant } from './grant.ts';

/** How an Azure registry lets people in: https://learn.microsoft.com/azure/container-registry/container-registry-authentication */
export interface AzureRegistryAuth {
  readonly kind: 'acr';
  /** Service principals, by application id and client secret. */
  readonly users?: readonly AzureUser[];
  /** Tokens with a scope map. */
  readonly tokens?: readonly RepositoryToken[];
  /** The admin user, whose name is the registry's, and its two passwords. Off where absent. */
  readonly adminPasswords?: readonly [string, string];
  /** `rbac-abac` honours roles of repositories alone. Default `rbac`. */
  readonly mode?: 'rbac' | 'rbac-abac';
  /** Everybody may pull. */
  readonly anonymousPull?: boolean;
  /** `azureADAuthenticationAsArmPolicy`: off, a token for the resource manager is refused. Default on. */
  readonly armAudience?: 'enabled' | 'disabled';
  readonly verifyEntraToken: (token: string) => EntraVerdict | Promise<EntraVerdict>;
}

/** What the Entra ID stand-in says of an access token that was brought to `/oauth2/exchange`. */
export type EntraVerdict =
  | {
      readonly ok: true;
      readonly name: string;
      /** Rights, or the roles that they follow from. */
      readonly grants?: readonly RegistryGrant[];
      readonly roles?: readonly AzureRole[];
      /** Whom the token is for, where that is to be looked at. */
      readonly audience?: string;
    }
  | { readonly ok: false; readonly reason: string };

/** A role assignment; `repository` as a grant has it, for those of repositories (a condition), default all. */
export interface AzureRole {
  readonly role: keyof typeof registryRoles | keyof typeof repositoryRoles;
  readonly repository?: string;
}

export interface AzureUser {
  readonly name: string;
  readonly password: string;
  readonly grants?: readonly RegistryGrant[];
  readonly roles?: readonly AzureRole[];
}

/** https://learn.microsoft.com/azure/container-registry/container-registry-token-based-repository-permissions */
export interface RepositoryToken {
  readonly name: string;
  readonly passwords: readonly string[];
  readonly status?: 'enabled' | 'disabled';
  readonly scopeMap: readonly { readonly repository: string; readonly actions: readonly (keyof typeof scopeMapActions)[] }[];
}

/** Roles of the registry as a whole: what its refresh token says of them, and what they are in a repository. */
const registryRoles = {
  AcrPull: ['read'],
  AcrPush: ['read', 'write'],
  AcrDelete: ['delete'],
} as const;

const repositoryRoles = {
  'Container Registry Repository Reader': ['pull'],
  'Container Registry Repository Writer': ['pull', 'push'],
  'Container Registry Repository Contributor': ['pull', 'push', 'delete'],
} as const;

const actionsOfRegistry = { read: 'pull', write: 'push', delete: 'delete' } as const;

const scopeMapActions = {
  'content/read': 'pull',
  'content/write': 'push',
  'content/delete': 'delete',
  'metadata/read': 'metadata_read',
  'metadata/write': 'metadata_write',
} as const;

/** Who asks for a token. */
export interface AzureCaller {
  readonly name: string;
  readonly grants: readonly RegistryGrant[];
  /** `permissions` of the refresh token: the rights on the registry as a whole, whether or not they are honoured. */
  readonly registryWide: readonly string[];
}

/** What somebody may do in a registry of this mode. */
export function toCaller(
  { mode = 'rbac' }: AzureRegistryAuth,
  { name, grants = [], roles = [] }: Pick<AzureUser, 'name' | 'grants' | 'roles'>,
): AzureCaller {
  const wide = roles.flatMap(({ role }) => (role in registryRoles ? registryRoles[role as keyof typeof registryRoles] : []));
  const own = roles.filter(({ role }) => role in repositoryRoles);
  const fromRoles: readonly RegistryGrant[] =
    mode === 'rbac'
      ? [{ repository: '*', actions: wide.map((action) => actionsOfRegistry[action]) }]
      : own.map(({ role, repository = '*' }) => ({ repository, actions: repositoryRoles[role as keyof typeof repositoryRoles] }));
  return { name, grants: [...grants, ...fromRoles.filter(({ actions }) => actions.length > 0)], registryWide: [...new Set(wide)] };
}

/** Whose user name and password these are; undefined where they are nobody's. `service`: the registry's host. */
export function findAzureCaller(
  auth: AzureRegistryAuth,
  service: string,
  pair: { readonly name: string; readonly password: string },
): AzureCaller | undefined {
  const { users = [], tokens = [] } = auth;
  const adminPasswords: readonly string[] = auth.adminPasswords ?? [];
  if (pair.name.toLowerCase() === service.split(/[.-]/, 1)[0] && adminPasswords.includes(pair.password)) {
    return {
      name: pair.name,
      grants: [{ repository: '*', actions: ['pull', 'push', 'delete', 'metadata_read', 'metadata_write'] }],
      registryWide: [],
    };
  }
  const token = tokens.find(
    ({ name, passwords, status }) => name === pair.name && passwords.includes(pair.password) && status !== 'disabled',
  );
  if (token !== undefined) {
    const grants = token.scopeMap.map(({ repository, actions }) => ({
      repository,
      actions: actions.map((action) => scopeMapActions[action] as RegistryAction),
    }));
    return { name: token.name, grants, registryWide: [] };
  }
  const user = users.find(({ name, password }) => name === pair.name && password === pair.password);
  return user === undefined ? undefined : toCaller(auth, user);
}
