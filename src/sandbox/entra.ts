import { createHash, timingSafeEqual, type X509Certificate } from 'node:crypto';
import { type AccessTokenClaims, toAccessClaims, verifyAccessToken } from './entra/access-token.ts';
import { type FederatedCredential, findAssertionFault } from './entra/assertion.ts';
import { findCertificateFault, isOwnAssertion } from './entra/certificate-assertion.ts';
import { type EntraError, entraErrors, toEntraRefusal } from './entra/error.ts';
import { fetchIssuerKeys } from './entra/issuer.ts';
import { type Answer, matchRoute, type ReceivedRequest, type Route, toJsonAnswer, toTextAnswer } from './exchange.ts';
import { type Claims, createTokenKey, signToken } from './json-web-token.ts';
import { type StandIn, type StandInOptions, startStandIn } from './stand-in.ts';

/** An application with its service principal. */
export interface EntraApplication {
  readonly clientId: string;
  /** Object id of the service principal: `oid` in its tokens, what roles are granted to. */
  readonly objectId: string;
  readonly secret?: { readonly value: string; readonly expires?: Date };
  readonly federated?: readonly FederatedCredential[];
  /** Those whose keys sign for it. */
  readonly certificates?: readonly X509Certificate[];
  /** What it is told after it has proved who it is, in place of a token. */
  readonly refusal?: EntraError;
}

export interface EntraOptions extends StandInOptions {
  readonly tenantId: string;
  /** The directory's display name, in messages. Default `Contoso`. */
  readonly directory?: string;
  readonly applications: readonly EntraApplication[];
  /** Audiences that tokens are given for; default those of Key Vault, Container Registry, Resource Manager. */
  readonly resources?: readonly string[];
  /** PEM of an authority that issuers of assertions are trusted by, besides the public ones. */
  readonly issuerCa?: string;
  readonly tokenLifetimeSeconds?: number;
}

export interface Entra extends StandIn {
  readonly tenantId: string;
  /** What a resource does with a token: the claims, or it throws TokenRefused. */
  verifyToken(token: string, audience: string): Promise<AccessTokenClaims>;
  /** A token as the token endpoint gives it to the application; `claims` overrides any. For tests of resources. */
  issueToken(clientId: string, audience: string, claims?: Claims): Promise<string>;
}

export const defaultResources = [
  'https://vault.azure.net',
  'https://containerregistry.azure.net',
  'https://management.azure.com',
  'https://management.azure.com/',
  'https://management.core.windows.net/',
] as const;

const defaultLifetimeSeconds = 3599;

interface Directory {
  readonly options: EntraOptions;
  readonly url: string;
  readonly now: () => Date;
  readonly key: ReturnType<typeof createTokenKey>;
}

/** Starts a stand-in of Entra ID with one tenant: discovery, the v2.0 token endpoint for client credentials, and the signing keys. */
export async function startEntra(options: EntraOptions): Promise<Entra> {
  const now = options.now ?? (() => new Date());
  const started = { url: '' };
  // The key takes a while to find; nobody waits for it before the first token.
  const key = createTokenKey();
  const directory = (): Directory => ({ options, url: started.url, now, key });
  const standIn = await startStandIn((request) => answer(directory(), request), options);
  started.url = standIn.url;
  return {
    ...standIn,
    tenantId: options.tenantId,
    verifyToken: async (token, audience) => verifyAccessToken(token, { tenantId: options.tenantId, audience, key: await key, now: now() }),
    issueToken: async (clientId, audience, claims = {}) => {
      const application = options.applications.find((known) => known.clientId === clientId);
      if (application === undefined) {
        throw new Error(`no application ${clientId} in the stand-in`);
      }
      return signToken({ ...toClaims(directory(), application, audience, '1'), ...claims }, await key);
    },
  };
}

const tenantPattern = '/(?<tenant>[^/]+)';

const routes: readonly Route<Directory>[] = [
  { method: 'GET', path: /^\/common\/discovery\/instance$/, handle: discoverInstance },
  { method: 'GET', path: new RegExp(`^${tenantPattern}/v2\\.0/\\.well-known/openid-configuration$`), handle: describe },
  {
    method: 'GET',
    path: new RegExp(`^${tenantPattern}/discovery/v2\\.0/keys$`),
    handle: async ({ key }) => toJsonAnswer(200, { keys: [(await key).publicJwk] }),
  },
  { method: 'POST', path: new RegExp(`^${tenantPattern}/oauth2/v2\\.0/token$`), handle: grantToken },
];

function answer(directory: Directory, request: ReceivedRequest): Answer | Promise<Answer> {
  const found = matchRoute(routes, request);
  if (found === 'none' || found === 'wrong-method') {
    return toTextAnswer(found === 'none' ? 404 : 405, '');
  }
  const { tenant } = found.parameters;
  if (tenant !== undefined && tenant !== directory.options.tenantId) {
    throw refuse(directory, request, entraErrors.unknownTenant(tenant));
  }
  return found.route.handle(directory, request, found.parameters);
}

function discoverInstance({ url, options }: Directory): Answer {
  const { host } = new URL(url);
  return toJsonAnswer(200, {
    tenant_discovery_endpoint: `${url}/${options.tenantId}/v2.0/.well-known/openid-configuration`,
    'api-version': '1.1',
    metadata: [{ preferred_network: host, preferred_cache: host, aliases: [host] }],
  });
}

/** The members of https://login.microsoftonline.com/TENANT/v2.0/.well-known/openid-configuration that concern client credentials. */
function describe({ url, options }: Directory): Answer {
  const tenant = `${url}/${options.tenantId}`;
  return toJsonAnswer(200, {
    token_endpoint: `${tenant}/oauth2/v2.0/token`,
    token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt', 'client_secret_basic'],
    jwks_uri: `${tenant}/discovery/v2.0/keys`,
    response_modes_supported: ['query', 'fragment', 'form_post'],
    subject_types_supported: ['pairwise'],
    id_token_signing_alg_values_supported: ['RS256'],
    response_types_supported: ['code', 'id_token', 'code id_token', 'id_token token'],
    scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
    issuer: `${tenant}/v2.0`,
    authorization_endpoint: `${tenant}/oauth2/v2.0/authorize`,
    tenant_region_scope: 'EU',
    cloud_instance_name: 'microsoftonline.com',
  });
}

async function grantToken(directory: Directory, request: ReceivedRequest): Promise<Answer> {
  const { options, key } = directory;
  const form = new URLSearchParams(request.body.toString('utf8'));
  const read = (name: string): string => {
    const value = form.get(name) ?? '';
    if (value === '') {
      throw refuse(directory, request, entraErrors.missingParameter(name));
    }
    return value;
  };
  const grant = read('grant_type');
  if (grant !== 'client_credentials') {
    throw refuse(directory, request, entraErrors.unsupportedGrant(grant));
  }
  const clientId = read('client_id');
  const scope = read('scope');
  const application = options.applications.find((known) => known.clientId === clientId);
  if (application === undefined) {
    throw refuse(directory, request, entraErrors.unknownApplication(clientId, options.directory ?? 'Contoso'));
  }
  const fault = (await findCredentialFault(application, form, directory)) ?? application.refusal ?? findScopeFault(scope, options);
  if (fault !== undefined) {
    throw refuse(directory, request, fault);
  }
  const claims = toClaims(directory, application, toAudience(scope), form.has('client_assertion') ? '2' : '1');
  const lifetime = options.tokenLifetimeSeconds ?? defaultLifetimeSeconds;
  return toJsonAnswer(200, {
    token_type: 'Bearer',
    expires_in: lifetime,
    ext_expires_in: lifetime,
    access_token: signToken(claims, await key),
  });
}

async function findCredentialFault(
  application: EntraApplication,
  form: URLSearchParams,
  { options, url, now }: Directory,
): Promise<EntraError | undefined> {
  const { clientId, secret, federated = [], certificates = [] } = application;
  const assertion = form.get('client_assertion');
  if (assertion !== null) {
    if (form.get('client_assertion_type') !== 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer') {
      return entraErrors.missingParameter('client_assertion_type');
    }
    const tenant = `${url}/${options.tenantId}`;
    return isOwnAssertion(assertion, clientId)
      ? findCertificateFault(assertion, { clientId, certificates, tokenUrls: [`${tenant}/oauth2/v2.0/token`, `${tenant}/v2.0`] }, now())
      : findAssertionFault(assertion, federated, now(), (issuer) => fetchIssuerKeys(issuer, options.issuerCa));
  }
  const given = form.get('client_secret');
  if (given === null) {
    return entraErrors.noCredential();
  }
  if (secret === undefined || !isEqual(given, secret.value)) {
    return entraErrors.wrongSecret(clientId);
  }
  return secret.expires !== undefined && secret.expires <= now() ? entraErrors.expiredSecret(clientId) : undefined;
}

function findScopeFault(scope: string, options: EntraOptions): EntraError | undefined {
  // MSAL adds the OpenID scopes to none of these requests; a second scope would be refused as well.
  if (!scope.endsWith('/.default') || scope.includes(' ')) {
    return entraErrors.scopeWithoutDefault(scope);
  }
  const audience = toAudience(scope);
  const known: readonly string[] = options.resources ?? defaultResources;
  return known.includes(audience) ? undefined : entraErrors.unknownResource(audience, options.directory ?? 'Contoso');
}

function toAudience(scope: string): string {
  return scope.slice(0, -'/.default'.length);
}

function toClaims({ options, now }: Directory, application: EntraApplication, audience: string, appidacr: '1' | '2'): AccessTokenClaims {
  const { tenantId, tokenLifetimeSeconds: lifetimeSeconds = defaultLifetimeSeconds } = options;
  const { clientId, objectId } = application;
  return toAccessClaims({ tenantId, clientId, objectId, audience, appidacr, now: now(), lifetimeSeconds });
}

function refuse({ url, now }: Directory, request: ReceivedRequest, error: EntraError): Error {
  return toEntraRefusal(error, url, request.headers, now());
}

function isEqual(a: string, b: string): boolean {
  const [left, right] = [a, b].map((text) => createHash('sha256').update(text).digest()) as [Buffer, Buffer];
  return timingSafeEqual(left, right);
}
