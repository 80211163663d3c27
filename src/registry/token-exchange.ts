import type { Http, HttpRequest } from '../lib/http.ts';
import { type RetryOptions, retry } from '../lib/retry.ts';
import { SecretValue } from '../lib/secret-value.ts';
import { isJsonObject, type JsonObject, parseStrictJson } from '../lib/strict-json.ts';
import type { RegistryCredential } from './credential.ts';
import type { KnownGrants } from './missing-grant.ts';
import type { RegistryAddress } from './reference.ts';
import { toConnectionError, toRegistryError } from './registry-answer.ts';
import { RegistryError } from './registry-error.ts';
import { readTokenLifetime } from './token-claims.ts';
import type { Realm } from './token-host.ts';

export interface Token {
  readonly value: SecretValue;
  readonly expiresAt: Date;
}

/** With time left to send a request and for the clocks to differ. */
export function isFresh(token: Token, now: Date): boolean {
  return token.expiresAt.getTime() - now.getTime() > 10_000;
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
  /** What is known of the rights of the credential, for errors. */
  readonly grants?: KnownGrants;
}

/** One request to a token service. */
export interface TokenExchange {
  readonly message: HttpRequest;
  readonly isRegistry: boolean;
}

export function toPost(realm: Realm, form: Readonly<Record<string, string>>): TokenExchange {
  const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' };
  return {
    message: { method: 'POST', url: realm.url, headers, body: Buffer.from(new URLSearchParams(form).toString()) },
    isRegistry: realm.isRegistry,
  };
}

/**
 * Gives the token of an answer, by the first of `fields` that it has. A token service may not redirect, and where it is not the registry itself a public
 * registry cannot point it at a private address.
 */
export async function askForToken(
  context: TokenContext,
  request: TokenRequest,
  exchange: TokenExchange,
  fields: readonly string[],
): Promise<Token> {
  const { registry, repository, isPublicPeer } = request;
  const reach = !exchange.isRegistry && isPublicPeer ? 'public' : 'any';
  const message: HttpRequest = { ...exchange.message, maxBodyBytes: 1024 * 1024, reach };
  const access = request.scopes.every((scope) => scope.endsWith(':pull')) ? 'pull' : 'push';
  const { credential, grants } = request;
  const known = grants === undefined ? {} : { grants };
  const action = { verb: `log in to ${registry.name}`, registry, repository, credential, access, step: 'login', ...known } as const;
  const response = await retry(context.retry, () => context.http(message)).catch((error: unknown) => {
    throw toConnectionError(action, error);
  });
  if (response.status !== 200) throw toRegistryError(action, response);
  return readToken(response.body, fields, registry, context.retry.now());
}

function readToken(body: Buffer, fields: readonly string[], registry: RegistryAddress, now: Date): Token {
  const answer = readObject(body);
  const text = fields.map((field) => answer?.[field]).find((token) => typeof token === 'string' && token !== '');
  // What goes into a header must not be able to end it.
  if (typeof text !== 'string' || !/^[\x21-\x7e]{1,65536}$/.test(text)) {
    throw new RegistryError({
      code: 'answer-invalid',
      message: `cannot log in to ${registry.name}: its token service gave no token`,
      hint: `Check that ${registry.name} is a container registry, and any proxy before it.`,
    });
  }
  const value = new SecretValue(text);
  const lifetimeSeconds = Math.min(statedSeconds(answer) ?? readTokenLifetime(value, now) ?? 60, 86_400);
  return { value, expiresAt: new Date(now.getTime() + lifetimeSeconds * 1000) };
}

/** `expires_in`; the specification says 60 s where there is nothing. */
function statedSeconds(answer: JsonObject | undefined): number | undefined {
  const expiresIn = answer?.expires_in;
  return typeof expiresIn === 'number' && expiresIn >= 0 ? expiresIn : undefined;
}

function readObject(bytes: Uint8Array): JsonObject | undefined {
  try {
    const value = parseStrictJson(bytes, { maxBytes: 1024 * 1024 });
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
