import type { Http, HttpRequest } from '../lib/http.ts';
import { type RetryOptions, retry } from '../lib/retry.ts';
import { SecretValue } from '../lib/secret-value.ts';
import { isJsonObject, type JsonObject, parseStrictJson } from '../lib/strict-json.ts';
import type { RegistryCredential } from './credential.ts';
import type { RegistryAddress } from './reference.ts';
import { toConnectionError, toRegistryError } from './registry-answer.ts';
import { RegistryError } from './registry-error.ts';
import type { Realm } from './token-host.ts';

export interface Token {
  readonly value: SecretValue;
  readonly expiresAt: Date;
}

export interface TokenContext {
  readonly http: Http;
  readonly retry: RetryOptions;
}

export interface TokenRequest {
  readonly registry: RegistryAddress;
  readonly repository: string;
  readonly realm: Realm;
  readonly service: string | undefined;
  readonly scopes: readonly string[];
  readonly credential: RegistryCredential;
  /** Of the registry: decides whether a token service elsewhere may be at a private address. */
  readonly isPublicPeer: boolean;
}

/**
 * Gets one bearer token for all `scopes`: with GET (https://distribution.github.io/distribution/spec/auth/token/) for nobody and for passwords,
 * with POST (https://distribution.github.io/distribution/spec/auth/oauth/) for refresh tokens, and for Entra ID by Azure's exchange at the
 * registry itself (https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md).
 */
export async function fetchToken(context: TokenContext, request: TokenRequest): Promise<Token> {
  const { credential, registry, realm, scopes } = request;
  // RFC 6749, 3.3: one parameter, separated by spaces.
  const scope = scopes.join(' ');
  const service = request.service ?? registry.origin.host;
  switch (credential.kind) {
    case 'entra': {
      const form = { grant_type: 'access_token', service, access_token: (await credential.fetchToken()).reveal() };
      const exchange = { url: new URL('/oauth2/exchange', registry.origin), isRegistry: true };
      const refreshToken = await ask(context, request, toPost(exchange, form), ['refresh_token']);
      const second = { grant_type: 'refresh_token', service, scope, refresh_token: refreshToken.value.reveal() };
      return ask(context, request, toPost({ url: new URL('/oauth2/token', registry.origin), isRegistry: true }, second), ['access_token']);
    }
    case 'identity-token': {
      const form = { grant_type: 'refresh_token', service, scope, client_id: 'image-custody', refresh_token: credential.token.reveal() };
      return ask(context, request, toPost(realm, form), ['access_token', 'token']);
    }
    default:
      return ask(context, request, toGet(request), ['token', 'access_token']);
  }
}

interface TokenExchange {
  readonly message: HttpRequest;
  readonly isRegistry: boolean;
}

function toPost(realm: Realm, form: Readonly<Record<string, string>>): TokenExchange {
  const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' };
  return {
    message: { method: 'POST', url: realm.url, headers, body: Buffer.from(new URLSearchParams(form).toString()) },
    isRegistry: realm.isRegistry,
  };
}

function toGet({ realm, service, scopes, credential }: TokenRequest): TokenExchange {
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

/** A token service may not redirect, and where it is not the registry itself a public registry cannot point it at a private address. */
async function ask(context: TokenContext, request: TokenRequest, exchange: TokenExchange, fields: readonly string[]): Promise<Token> {
  const { registry, repository, isPublicPeer } = request;
  const reach = !exchange.isRegistry && isPublicPeer ? 'public' : 'any';
  const message: HttpRequest = { ...exchange.message, maxBodyBytes: 1024 * 1024, reach };
  const access = request.scopes.every((scope) => scope.endsWith(':pull')) ? 'pull' : 'push';
  const action = { verb: `log in to ${registry.name}`, registry, repository, credential: request.credential, access } as const;
  const response = await retry(context.retry, () => context.http(message)).catch((error: unknown) => {
    throw toConnectionError(action, error);
  });
  if (response.status !== 200) throw toRegistryError(action, response);
  return readToken(response.body, fields, registry, context.retry.now());
}

function readToken(body: Buffer, fields: readonly string[], registry: RegistryAddress, now: Date): Token {
  const answer = readObject(body);
  const value = fields.map((field) => answer?.[field]).find((token) => typeof token === 'string' && token !== '');
  // What goes into a header must not be able to end it.
  if (typeof value !== 'string' || !/^[\x21-\x7e]{1,65536}$/.test(value)) {
    throw new RegistryError({
      code: 'answer-invalid',
      message: `cannot log in to ${registry.name}: its token service gave no token`,
      hint: `Check that ${registry.name} is a container registry, and any proxy before it.`,
    });
  }
  return { value: new SecretValue(value), expiresAt: new Date(expiryOf(answer, value, now)) };
}

/** Milliseconds since 1970: `expires_in`, else the token's own `exp`, else 60 s from now as the specification says. */
function expiryOf(answer: JsonObject | undefined, token: string, now: Date): number {
  const expiresIn = answer?.expires_in;
  if (typeof expiresIn === 'number' && expiresIn >= 0) return now.getTime() + Math.min(expiresIn, 86_400) * 1000;
  const claims = readObject(Buffer.from(token.split('.')[1] ?? '', 'base64url'));
  const exp = claims?.exp;
  return typeof exp === 'number' ? Math.min(exp * 1000, now.getTime() + 86_400_000) : now.getTime() + 60_000;
}

function readObject(bytes: Uint8Array): JsonObject | undefined {
  try {
    const value = parseStrictJson(bytes, { maxBytes: 1024 * 1024 });
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
