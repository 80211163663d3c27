import type { SecretValue } from '../lib/secret-value.ts';
import type { EntraAudience, EntraCredential } from './credential.ts';
import { toAzureName } from './credential.ts';
import type { RegistryAddress } from './reference.ts';
import { RegistryError } from './registry-error.ts';
import { readTokenPermissions } from './token-claims.ts';
import { askForToken, isFresh, type Token, type TokenContext, type TokenRequest, toPost } from './token-exchange.ts';

/**
 * Logs in to an Azure registry with Entra ID: its token is exchanged for a refresh token of the registry, and that for an access token for each scope, all
 * at the registry itself (https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md). The refresh token is kept; one that has expired, whatever it says
 * of itself, is replaced by a new exchange with a token of Entra ID that is valid then.
 */
export class EntraLogin {
  readonly #credential: EntraCredential;
  readonly #context: TokenContext;
  #refresh: Token | undefined;
  #exchanging: Promise<Token> | undefined;
  /** The one that the registry has taken. */
  #audience: EntraAudience = 'registry';
  #registryWide: readonly string[] | undefined;

  constructor(credential: EntraCredential, context: TokenContext) {
    this.#credential = credential;
    this.#context = context;
  }

  /** Actions that the refresh token says to allow on the whole registry. */
  get registryWide(): readonly string[] | undefined {
    return this.#registryWide;
  }

  async fetchAccessToken(request: TokenRequest): Promise<Token> {
    const kept = this.#refresh;
    const refresh = await this.#refreshToken(request);
    try {
      return await this.#ask(request, refresh);
    } catch (error) {
      // One that was made just now is not made again.
      if (refresh !== kept || !(error instanceof RegistryError) || error.status !== 401) throw error;
      if (this.#refresh === kept) this.#refresh = undefined;
      return this.#ask(request, await this.#refreshToken(request));
    }
  }

  #ask(request: TokenRequest, refresh: Token): Promise<Token> {
    const form = { grant_type: 'refresh_token', service: serviceOf(request), scope: request.scopes.join(' ') };
    const message = toPost(realmOf(request.registry, '/oauth2/token'), { ...form, refresh_token: refresh.value.reveal() });
    const grants = this.#registryWide === undefined ? {} : { grants: { scheme: 'bearer', registryWide: this.#registryWide } as const };
    return askForToken(this.#context, { ...request, ...grants }, message, ['access_token']);
  }

  /** One exchange at a time, however many scopes wait for it. */
  #refreshToken(request: TokenRequest): Promise<Token> {
    if (this.#refresh !== undefined && isFresh(this.#refresh, this.#context.retry.now())) return Promise.resolve(this.#refresh);
    this.#exchanging ??= this.#exchange(request)
      .then((refresh) => {
        this.#refresh = refresh;
        return refresh;
      })
      .finally(() => {
        this.#exchanging = undefined;
      });
    return this.#exchanging;
  }

  /** The registry's own audience first, which every registry accepts; that of the resource manager where the tenant or the registry does not take it. */
  async #exchange(request: TokenRequest): Promise<Token> {
    let refusal: RegistryError | undefined;
    for (const audience of this.#audience === 'registry' ? (['registry', 'resource-manager'] as const) : ([this.#audience] as const)) {
      const token = await this.#fetchToken(audience, refusal);
      if (token === undefined) continue;
      try {
        const refresh = await this.#exchangeToken(request, token);
        this.#audience = audience;
        this.#registryWide = readTokenPermissions(refresh.value);
        return refresh;
      } catch (error) {
        if (!(error instanceof RegistryError) || ![400, 401, 403].includes(error.status ?? 0)) throw error;
        // Where the first audience was refused, that is what has to be put right.
        refusal ??= audience === 'registry' ? error : toAudienceError(request.registry, error);
      }
    }
    throw refusal;
  }

  async #fetchToken(audience: EntraAudience, refusal: RegistryError | undefined): Promise<SecretValue | undefined> {
    try {
      return await this.#credential.fetchToken(audience);
    } catch (error) {
      throw refusal ?? error;
    }
  }

  #exchangeToken(request: TokenRequest, token: SecretValue): Promise<Token> {
    const form = { grant_type: 'access_token', service: serviceOf(request), access_token: token.reveal() };
    return askForToken(this.#context, request, toPost(realmOf(request.registry, '/oauth2/exchange'), form), ['refresh_token']);
  }
}

function realmOf(registry: RegistryAddress, path: string) {
  return { url: new URL(path, registry.origin), isRegistry: true };
}

function serviceOf({ service, registry }: TokenRequest): string {
  return service ?? registry.origin.host;
}

/** https://learn.microsoft.com/azure/container-registry/container-registry-disable-authentication-as-arm */
function toAudienceError(registry: RegistryAddress, cause: RegistryError): RegistryError {
  const name = toAzureName(registry.name);
  return new RegistryError({
    code: 'audience-refused',
    status: cause.status ?? 401,
    message: `cannot log in to ${registry.name}: the tenant does not know the audience of Azure Container Registry, and the registry does not take a token for Azure Resource Manager`,
    hint:
      'Make the registry service known to the tenant: az ad sp create --id 6a0ec4d3-30cb-4a83-91c0-ae56bc0e3d26. ' +
      `Or let the registry take the other (azureADAuthenticationAsArmPolicy): az acr config authentication-as-arm update --registry ${name} --status enabled.`,
    cause,
  });
}
