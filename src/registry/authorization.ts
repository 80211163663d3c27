import type { HttpResponse } from '../lib/http.ts';
import { type Challenge, parseChallenges } from './challenge.ts';
import { mayTakeEntra, type RegistryCredential } from './credential.ts';
import { EntraLogin } from './entra-login.ts';
import type { KnownGrants } from './missing-grant.ts';
import type { RegistryAddress } from './reference.ts';
import { RegistryError } from './registry-error.ts';
import { fetchToken, toBasic } from './token.ts';
import { readTokenActions } from './token-claims.ts';
import { isFresh, type Token, type TokenContext, type TokenRequest } from './token-exchange.ts';
import { type Realm, verifyRealm } from './token-host.ts';

/**
 * What a request needs; a token for `push` is also good for reading. To mount takes the right to read the repository that has the blob. To give an upload
 * up (`delete`) takes a right of its own at some registries, such as CNCF Distribution.
 */
export type Access = 'pull' | 'push' | 'delete' | MountAccess;

export interface MountAccess {
  readonly mountFrom: string;
}

export interface AuthorizationOptions extends TokenContext {
  readonly registry: RegistryAddress;
  readonly repository: string;
  readonly credential: RegistryCredential;
  /** Hosts besides the known ones that issue this registry's tokens. */
  readonly tokenHosts?: readonly string[];
}

/** Keeps the credential of one repository, and the tokens that it was exchanged for. Nothing is sent before the registry has asked. */
export class Authorization {
  readonly #options: AuthorizationOptions;
  /** By the scopes that they are for, oldest first. */
  readonly #tokens = new Map<string, Token>();
  readonly #pending = new Map<string, Promise<Token>>();
  readonly #entra: EntraLogin | undefined;
  #offer: Offer = { kind: 'none' };
  /** The registry refuses a token for `push` where something is deleted. Before it has, no right to delete is asked for. */
  #refusesDelete = false;

  constructor(options: AuthorizationOptions) {
    const { credential, registry } = options;
    this.#options = options;
    if (credential.kind === 'entra' && !mayTakeEntra(credential, registry.name)) throw notForEntra(registry.name);
    this.#entra = credential.kind === 'entra' ? new EntraLogin(credential, options) : undefined;
  }

  /** The Authorization header for the next request: undefined until the registry has asked for one. */
  async header(access: Access): Promise<string | undefined> {
    switch (this.#offer.kind) {
      case 'none':
        return undefined;
      case 'basic':
        return this.#basic();
      case 'bearer':
        return `Bearer ${(await this.#token(access === 'delete' && !this.#refusesDelete ? 'push' : access, this.#offer)).value.reveal()}`;
    }
  }

  /**
   * Takes up the challenge of a 401. False where there is nothing new to offer: the registry does not accept what it was shown.
   * `shown` is the header that was refused.
   */
  async answer(response: Pick<HttpResponse, 'headers' | 'isPublicPeer'>, access: Access, shown: string | undefined): Promise<boolean> {
    this.#offer = this.#choose(response);
    if (access === 'delete' && !this.#refusesDelete) this.#refusesDelete = true;
    else if (this.#offer.kind === 'bearer' && shown !== undefined) this.#forget(shown);
    return (await this.header(access)) !== shown;
  }

  /** What is known of the rights of the credential, once the registry has asked for it. */
  grants(access: Access): KnownGrants {
    const token = this.#tokens.get(toScopes(this.#options.repository, access).join(' '));
    const given = token === undefined ? undefined : readTokenActions(token.value, this.#options.repository);
    const registryWide = this.#entra?.registryWide;
    return {
      scheme: this.#offer.kind,
      ...(given === undefined ? {} : { given }),
      ...(registryWide === undefined ? {} : { registryWide }),
    };
  }

  #basic(): string | undefined {
    const { credential } = this.#options;
    return credential.kind === 'password' ? toBasic(credential.username, credential.password) : undefined;
  }

  #choose({ headers, isPublicPeer = false }: Pick<HttpResponse, 'headers' | 'isPublicPeer'>): Offer {
    const { registry, credential, tokenHosts = [] } = this.#options;
    const challenges = parseChallenges(headers['www-authenticate'] ?? '');
    if (challenges === undefined) throw unreadable(registry.name);
    const bearer = challenges.find(({ scheme, parameters }) => scheme === 'bearer' && parameters.has('realm'));
    if (bearer !== undefined) {
      const realm = verifyRealm(registry, bearer.parameters.get('realm') ?? '', tokenHosts, credential.kind !== 'anonymous');
      return { kind: 'bearer', realm, service: serviceOf(bearer), isPublicPeer };
    }
    return challenges.some(({ scheme }) => scheme === 'basic') && credential.kind === 'password' ? { kind: 'basic' } : { kind: 'none' };
  }

  /** With the token that was refused go those that are older: they have expired, too, and there is one try for each request. */
  #forget(shown: string): void {
    const tokens = [...this.#tokens];
    const index = tokens.findIndex(([, { value }]) => `Bearer ${value.reveal()}` === shown);
    for (const [scopes] of tokens.slice(0, index + 1)) this.#tokens.delete(scopes);
  }

  /** One fetch at a time for each scope, however many requests wait for it. */
  #token(access: Access, offer: BearerOffer): Promise<Token> {
    const scopes = toScopes(this.#options.repository, access);
    const key = scopes.join(' ');
    const enough = access === 'pull' ? [toScopes(this.#options.repository, 'push').join(' '), key] : [key];
    const fresh = enough
      .map((known) => this.#tokens.get(known))
      .find((token) => token !== undefined && isFresh(token, this.#options.retry.now()));
    if (fresh !== undefined) return Promise.resolve(fresh);
    const pending = this.#pending.get(key);
    if (pending !== undefined) return pending;
    const fetching = this.#fetch(scopes, offer).finally(() => this.#pending.delete(key));
    this.#pending.set(key, fetching);
    return fetching;
  }

  async #fetch(scopes: readonly string[], offer: BearerOffer): Promise<Token> {
    const { repository, credential, registry } = this.#options;
    const request: TokenRequest = { ...offer, registry, repository, credential, scopes };
    const token = await (credential.kind === 'entra'
      ? this.#entra?.fetchAccessToken(request)
      : fetchToken(this.#options, request, credential));
    if (token === undefined) throw notForEntra(registry.name);
    this.#tokens.delete(scopes.join(' '));
    this.#tokens.set(scopes.join(' '), token);
    return token;
  }
}

interface BearerOffer {
  readonly kind: 'bearer';
  readonly realm: Realm;
  readonly service: string | undefined;
  /** Of the registry: decides whether its token service may be at a private address. */
  readonly isPublicPeer: boolean;
}

type Offer = { readonly kind: 'none' } | { readonly kind: 'basic' } | BearerOffer;

/** https://distribution.github.io/distribution/spec/auth/scope/ */
function toScopes(repository: string, access: Access): readonly string[] {
  if (access === 'pull') return [`repository:${repository}:pull`];
  if (access === 'delete') return [`repository:${repository}:pull,push,delete`];
  const push = `repository:${repository}:pull,push`;
  return access === 'push' ? [push] : [push, `repository:${access.mountFrom}:pull`];
}

function serviceOf(challenge: Challenge): string | undefined {
  return challenge.parameters.get('service')?.slice(0, 255);
}

function unreadable(registry: string): RegistryError {
  return new RegistryError({
    code: 'answer-invalid',
    message: `cannot log in to ${registry}: its WWW-Authenticate header is not of RFC 9110's form`,
    hint: `Check that ${registry} is a container registry, and any proxy before it.`,
  });
}

function notForEntra(registry: string): RegistryError {
  return new RegistryError({
    code: 'credential-withheld',
    message: `did not send the Entra ID token to ${registry}: it is not an Azure Container Registry`,
    hint: 'Give registry-username and registry-password for it, or check the name of the registry.',
  });
}
