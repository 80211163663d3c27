import { findUser, isGranted, parseBasic, type RegistryAuth } from './access.ts';
import { findAzureCaller, toCaller } from './azure.ts';
import { type Answer, type RegistryRequest, readBody, toJsonAnswer } from './exchange.ts';
import type { RegistryAction, RegistryGrant } from './grant.ts';
import { RegistryError } from './registry-error.ts';
import { type AccessScope, parseScope, type TokenMint } from './token-mint.ts';

/** The user name under which ACR takes a refresh token as a password. */
const refreshTokenUser = '00000000-0000-0000-0000-000000000000';
/** https://learn.microsoft.com/azure/container-registry/container-registry-disable-authentication-as-arm */
const registryAudience = 'https://containerregistry.azure.net';
const formMaxBytes = 64 * 1024;

interface Caller {
  readonly name: string;
  readonly grants: readonly RegistryGrant[];
}

/**
 * Gives an access token for the scopes that were asked for, cut down to what the caller may do:
 * https://distribution.github.io/distribution/spec/auth/token/ and
 * https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md
 */
export async function answerToken(auth: RegistryAuth, request: RegistryRequest, query: URLSearchParams, mint: TokenMint): Promise<Answer> {
  if (auth.kind !== 'bearer' && auth.kind !== 'acr') {
    throw new RegistryError(404, 'UNSUPPORTED', 'no such endpoint');
  }
  if (request.method !== 'GET' && request.method !== 'POST') {
    throw new RegistryError(405, 'UNSUPPORTED', 'tokens are asked for with GET or POST', { allow: 'GET, POST' });
  }
  const fields = request.method === 'POST' ? await readForm(request) : query;
  verifyService(fields, mint);
  const caller = request.method === 'POST' ? findFormCaller(auth, fields, mint) : findBasicCaller(auth, request, mint);
  const scopes = fields.getAll('scope').flatMap((text) => text.split(' ').map(parseScope));
  const access = scopes.filter((scope) => scope !== undefined).map((scope) => limitScope(scope, caller));
  const token = mint.issue('access', { subject: caller.name, access: access.filter(({ actions }) => actions.length > 0) });
  return toJsonAnswer(
    200,
    auth.kind === 'acr' ? { access_token: token } : { token, access_token: token, expires_in: Math.floor(mint.lifetimeMs / 1000) },
  );
}

/** ACR's `POST /oauth2/exchange`: an Entra ID access token for a refresh token of the registry. */
export async function answerExchange(auth: RegistryAuth, request: RegistryRequest, mint: TokenMint): Promise<Answer> {
  if (auth.kind !== 'acr') {
    throw new RegistryError(404, 'UNSUPPORTED', 'no such endpoint');
  }
  if (request.method !== 'POST') {
    throw new RegistryError(405, 'UNSUPPORTED', 'tokens are exchanged with POST', { allow: 'POST' });
  }
  const fields = await readForm(request);
  verifyService(fields, mint);
  if (fields.get('grant_type') !== 'access_token') {
    throw new RegistryError(400, 'UNSUPPORTED', 'grant_type is not access_token');
  }
  const verdict = await auth.verifyEntraToken(fields.get('access_token') ?? '');
  if (!verdict.ok) {
    throw new RegistryError(401, 'UNAUTHORIZED', verdict.reason);
  }
  if (auth.armAudience === 'disabled' && verdict.audience !== undefined && verdict.audience !== registryAudience) {
    throw new RegistryError(401, 'UNAUTHORIZED', 'authentication required, visit https://aka.ms/acr/authorization for more information.');
  }
  const { name, grants, registryWide } = toCaller(auth, verdict);
  return toJsonAnswer(200, { refresh_token: mint.issue('refresh', { subject: name, access: toAccess(grants), registryWide }) });
}

function findBasicCaller(auth: RegistryAuth & { kind: 'bearer' | 'acr' }, request: RegistryRequest, mint: TokenMint): Caller {
  const header = request.headers.authorization;
  if (header === undefined && auth.kind === 'bearer') {
    return { name: '', grants: auth.anonymous ?? [] };
  }
  if (header === undefined && auth.kind === 'acr' && auth.anonymousPull === true) {
    return { name: '', grants: [{ repository: '*', actions: ['pull'] }] };
  }
  const pair = parseBasic(header);
  if (auth.kind === 'bearer') return findUser(header, auth.users) ?? refuse();
  if (pair?.name === refreshTokenUser) return readRefreshToken(pair.password, mint) ?? refuse();
  return (pair && findAzureCaller(auth, mint.service, pair)) ?? refuse();
}

function findFormCaller(auth: RegistryAuth & { kind: 'bearer' | 'acr' }, fields: URLSearchParams, mint: TokenMint): Caller {
  switch (fields.get('grant_type')) {
    case 'refresh_token':
      return readRefreshToken(fields.get('refresh_token') ?? '', mint) ?? refuse();
    case 'password': {
      const pair = { name: fields.get('username') ?? '', password: fields.get('password') ?? '' };
      if (auth.kind === 'acr') return findAzureCaller(auth, mint.service, pair) ?? refuse();
      return auth.users.find(({ name, password }) => name === pair.name && password === pair.password) ?? refuse();
    }
    default:
      throw new RegistryError(400, 'UNSUPPORTED', 'grant_type is neither refresh_token nor password');
  }
}

function readRefreshToken(token: string, mint: TokenMint): Caller | undefined {
  const claims = mint.read(token, 'refresh');
  return claims === undefined ? undefined : { name: claims.subject, grants: toGrants(claims.access) };
}

function limitScope(scope: AccessScope, caller: Caller): AccessScope {
  if (scope.type !== 'repository') {
    return caller.grants.length > 0 ? scope : { ...scope, actions: [] };
  }
  return { ...scope, actions: scope.actions.filter((action) => isGranted(caller.grants, scope.name, action as RegistryAction)) };
}

function toAccess(grants: readonly RegistryGrant[]): readonly AccessScope[] {
  return grants.map(({ repository, actions }) => ({ type: 'repository', name: repository, actions }));
}

function toGrants(access: readonly AccessScope[]): readonly RegistryGrant[] {
  return access.map(({ name, actions }) => ({ repository: name, actions: actions as readonly RegistryAction[] }));
}

async function readForm(request: RegistryRequest): Promise<URLSearchParams> {
  const type = request.headers['content-type']?.split(';', 1)[0]?.trim();
  if (type !== 'application/x-www-form-urlencoded') {
    throw new RegistryError(400, 'UNSUPPORTED', 'not a form');
  }
  return new URLSearchParams((await readBody(request, formMaxBytes)).toString('utf8'));
}

function verifyService(fields: URLSearchParams, mint: TokenMint): void {
  if (fields.get('service') !== mint.service) {
    throw new RegistryError(400, 'UNAUTHORIZED', 'service is not this registry');
  }
}

function refuse(): never {
  throw new RegistryError(401, 'UNAUTHORIZED', 'incorrect credentials');
}
