import type { IncomingHttpHeaders } from 'node:http';
import type { AzureRegistryAuth } from './azure.ts';
import type { RegistryAction, RegistryGrant } from './grant.ts';
import { RegistryError } from './registry-error.ts';
import type { Route } from './route.ts';
import { type AccessScope, type TokenMint, toScopeText } from './token-mint.ts';

export interface RegistryUser {
  readonly name: string;
  readonly password: string;
  readonly grants: readonly RegistryGrant[];
}

/** How callers show who they are. `acr`: as Azure Container Registry does, with an exchange of Entra ID tokens. */
export type RegistryAuth =
  | { readonly kind: 'none' }
  | { readonly kind: 'basic'; readonly users: readonly RegistryUser[] }
  | { readonly kind: 'bearer'; readonly users: readonly RegistryUser[]; readonly anonymous?: readonly RegistryGrant[] }
  | AzureRegistryAuth;

/** Who makes a request, and what it may do. */
export interface Identity {
  readonly name: string;
  may(repository: string, action: RegistryAction): boolean;
}

const everybody: Identity = { name: '', may: () => true };

export function isGranted(grants: readonly RegistryGrant[], repository: string, action: RegistryAction): boolean {
  return grants.some(
    ({ repository: pattern, actions }) =>
      actions.includes(action) && (pattern.endsWith('*') ? repository.startsWith(pattern.slice(0, -1)) : repository === pattern),
  );
}

/** The user of a Basic `Authorization` header; undefined where there is none or the password is wrong. */
export function findUser(header: string | undefined, users: readonly RegistryUser[]): RegistryUser | undefined {
  const { name, password } = parseBasic(header) ?? {};
  return users.find((user) => user.name === name && user.password === password);
}

export function parseBasic(header: string | undefined): { readonly name: string; readonly password: string } | undefined {
  const encoded = /^basic +([A-Za-z0-9+/=]+)$/i.exec(header ?? '')?.[1];
  const pair = encoded === undefined ? '' : Buffer.from(encoded, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  return colon === -1 ? undefined : { name: pair.slice(0, colon), password: pair.slice(colon + 1) };
}

/** The access that a request needs; undefined where it is enough to be known. */
export function neededScope(route: Route, method: string | undefined): AccessScope | undefined {
  switch (route.kind) {
    case 'base':
    case 'token':
    case 'exchange':
      return undefined;
    case 'catalog':
      return { type: 'registry', name: 'catalog', actions: ['*'] };
    case 'upload-start':
    case 'upload':
      return { type: 'repository', name: route.repository, actions: ['pull', 'push'] };
    default: {
      const action = method === 'DELETE' ? ['delete'] : method === 'PUT' ? ['pull', 'push'] : ['pull'];
      return { type: 'repository', name: route.repository, actions: action };
    }
  }
}

/** Who makes the request; throws the 401 or 403 of one that may not. `origin` is the registry's own, for the challenge. */
export function verifyAccess(
  auth: RegistryAuth,
  request: { readonly headers: IncomingHttpHeaders; readonly needed: AccessScope | undefined },
  mint: TokenMint,
): Identity {
  switch (auth.kind) {
    case 'none':
      return everybody;
    case 'basic':
      return verifyBasic(auth.users, request, mint);
    default:
      return verifyBearer(auth.kind, request, mint);
  }
}

type NeedyRequest = Parameters<typeof verifyAccess>[1];

function verifyBasic(users: readonly RegistryUser[], { headers, needed }: NeedyRequest, mint: TokenMint): Identity {
  const user = findUser(headers.authorization, users);
  if (user === undefined) {
    throw new RegistryError(401, 'UNAUTHORIZED', 'authentication required', { 'www-authenticate': `Basic realm="${mint.service}"` });
  }
  const identity: Identity = { name: user.name, may: (repository, action) => isGranted(user.grants, repository, action) };
  if (needed?.type === 'repository' && !needed.actions.every((action) => identity.may(needed.name, action as RegistryAction))) {
    throw new RegistryError(403, 'DENIED', 'requested access to the resource is denied');
  }
  return identity;
}

/** https://distribution.github.io/distribution/spec/auth/token/ */
function verifyBearer(kind: 'bearer' | 'acr', { headers, needed }: NeedyRequest, mint: TokenMint): Identity {
  const token = /^bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  const scope = needed === undefined ? '' : `,scope="${toScopeText(needed)}"`;
  const realm = `${mint.origin}${kind === 'acr' ? '/oauth2/token' : '/token'}`;
  const challenge = `Bearer realm="${realm}",service="${mint.service}"${scope}`;
  const message =
    kind === 'acr' ? 'authentication required, visit https://aka.ms/acr/authorization for more information.' : 'authentication required';
  const refuse = (error: string) => new RegistryError(401, 'UNAUTHORIZED', message, { 'www-authenticate': `${challenge}${error}` });
  if (token === undefined) {
    throw refuse('');
  }
  const claims = mint.read(token, 'access');
  if (claims === undefined) {
    throw refuse(',error="invalid_token"');
  }
  const allows = (type: string, name: string, action: string) =>
    claims.access.some((scope) => scope.type === type && scope.name === name && scope.actions.includes(action));
  if (needed !== undefined && !needed.actions.every((action) => allows(needed.type, needed.name, action))) {
    throw refuse(',error="insufficient_scope"');
  }
  const mayList = claims.access.some(({ type, name }) => type === 'registry' && name === 'catalog');
  return {
    name: claims.subject,
    may: (repository, action) => allows('repository', repository, action) || (mayList && action === 'pull'),
  };
}
