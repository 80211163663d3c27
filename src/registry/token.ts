import type { SecretValue } from '../lib/secret-value.ts';
import type { AnonymousCredential, StoredCredential } from './credential.ts';
import { askForToken, type Token, type TokenContext, type TokenExchange, type TokenRequest, toPost } from './token-exchange.ts';

/**
 * Gets one bearer token for all scopes of the request: with GET (https://distribution.github.io/distribution/spec/auth/token/) for nobody and for passwords,
 * with POST (https://distribution.github.io/distribution/spec/auth/oauth/) for refresh tokens.
 */
export function fetchToken(
  context: TokenContext,
  request: TokenRequest,
  credential: StoredCredential | AnonymousCredential,
): Promise<Token> {
  const { registry, realm, scopes } = request;
  if (credential.kind !== 'identity-token') return askForToken(context, request, toGet(request, credential), ['token', 'access_token']);
  const form = {
    grant_type: 'refresh_token',
    service: request.service ?? registry.origin.host,
    // RFC 6749, 3.3: one parameter, separated by spaces.
    scope: scopes.join(' '),
    client_id: 'image-custody',
    refresh_token: credential.token.reveal(),
  };
  return askForToken(context, request, toPost(realm, form), ['access_token', 'token']);
}

function toGet(
  { realm, service, scopes }: TokenRequest,
  credential: Exclude<StoredCredential, { kind: 'identity-token' }> | AnonymousCredential,
): TokenExchange {
  const url = new URL(realm.url);
  if (service !== undefined) url.searchParams.set('service', service);
  for (const scope of scopes) url.searchParams.append('scope', scope);
  const headers: Record<string, string> = { accept: 'application/json' };
  if (credential.kind === 'password') {
    url.searchParams.set('account', credential.username);
    headers.authorization = toBasic(credential.username, credential.password);
  }
  return { message: { method: 'GET', url, headers }, isRegistry: realm.isRegistry };
}

/** The Basic header is Base64 of UTF-8 (RFC 7617). */
export function toBasic(username: string, password: SecretValue): string {
  return `Basic ${Buffer.from(`${username}:${password.reveal()}`).toString('base64')}`;
}
