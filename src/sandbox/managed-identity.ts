import { randomUUID } from 'node:crypto';
import { defaultResources, type Entra } from './entra.ts';
import { type Answer, type ReceivedRequest, toJsonAnswer, toTextAnswer } from './exchange.ts';
import { type StandIn, type StandInOptions, startStandIn } from './stand-in.ts';

/** An identity of a machine: its own, or one that a user has assigned. */
export interface MachineIdentity {
  /** One of the directory's applications. */
  readonly clientId: string;
  readonly kind: 'system' | 'user';
}

export interface ManagedIdentityOptions extends StandInOptions {
  readonly entra: Entra;
  readonly identities: readonly MachineIdentity[];
  readonly tokenLifetimeSeconds?: number;
}

/** Starts a stand-in of the Azure instance metadata service: https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token */
export function startInstanceMetadata(options: ManagedIdentityOptions): Promise<StandIn> {
  return startStandIn((request) => answerMetadata(request, options), options);
}

export interface AppServiceIdentityOptions extends ManagedIdentityOptions {
  /** IDENTITY_HEADER of the app. */
  readonly header: string;
}

/** IDENTITY_ENDPOINT of an app: https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference */
export interface AppServiceIdentity extends StandIn {
  readonly endpoint: string;
}

export async function startAppServiceIdentity(options: AppServiceIdentityOptions): Promise<AppServiceIdentity> {
  const standIn = await startStandIn((request) => answerAppService(request, options), options);
  return { ...standIn, endpoint: `${standIn.url}/msi/token` };
}

async function answerMetadata(request: ReceivedRequest, options: ManagedIdentityOptions): Promise<Answer> {
  const { url, headers } = request;
  // Where a variable names the host, MSAL ends the path with a slash.
  if (!/^\/metadata\/identity\/oauth2\/token\/?$/.test(url.pathname)) {
    return toTextAnswer(404, '');
  }
  if (headers.metadata !== 'true' || headers['x-forwarded-for'] !== undefined) {
    return refuse('bad_request_102', 'Required metadata header not specified');
  }
  const resource = url.searchParams.get('resource');
  if (url.searchParams.get('api-version') !== '2018-02-01' || resource === null || resource === '') {
    return refuse('invalid_request', 'Required query variable is missing');
  }
  const asked = url.searchParams.get('client_id');
  const identity = findIdentity(options.identities, asked);
  if (identity === 'several') {
    return refuse(
      'invalid_request',
      'Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in the token request',
    );
  }
  if (identity === undefined) {
    return refuse('invalid_request', 'Identity not found');
  }
  if (!isKnown(resource)) {
    return refuse('invalid_resource', `AADSTS500011: The resource principal named ${resource} was not found in the tenant named Contoso.`);
  }
  const { token, from, to, lifetimeSeconds } = await issue(identity, resource, options);
  return toJsonAnswer(200, {
    access_token: token,
    client_id: identity.clientId,
    expires_in: String(lifetimeSeconds),
    expires_on: String(to),
    ext_expires_in: String(lifetimeSeconds),
    not_before: String(from),
    resource,
    token_type: 'Bearer',
  });
}

async function answerAppService(request: ReceivedRequest, options: AppServiceIdentityOptions): Promise<Answer> {
  const { url, headers } = request;
  const fail = (statusCode: number, message: string) => toJsonAnswer(statusCode, { statusCode, message, correlationId: randomUUID() });
  if (url.pathname !== '/msi/token') {
    return fail(404, 'Not Found');
  }
  if (headers['x-identity-header'] !== options.header) {
    return fail(401, 'The request is missing the header X-IDENTITY-HEADER, or its value is not valid.');
  }
  const resource = url.searchParams.get('resource');
  if (url.searchParams.get('api-version') !== '2019-08-01' || resource === null || !isKnown(resource)) {
    return fail(400, 'The request is missing a parameter, or a parameter is not valid.');
  }
  const asked = url.searchParams.get('client_id');
  const own = options.identities.find(({ kind, clientId }) => (asked === null ? kind === 'system' : clientId === asked));
  if (own === undefined) {
    return fail(400, 'No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.');
  }
  const { token, to } = await issue(own, resource, options);
  return toJsonAnswer(200, { access_token: token, client_id: own.clientId, expires_on: String(to), resource, token_type: 'Bearer' });
}

/** The metadata service takes the only one that a user has assigned where the machine has none of its own. */
function findIdentity(identities: readonly MachineIdentity[], asked: string | null): MachineIdentity | 'several' | undefined {
  if (asked !== null) {
    return identities.find(({ clientId }) => clientId === asked);
  }
  const own = identities.find(({ kind }) => kind === 'system');
  return own ?? (identities.length > 1 ? 'several' : identities[0]);
}

async function issue(identity: MachineIdentity, resource: string, { entra, tokenLifetimeSeconds = 86_399, now }: ManagedIdentityOptions) {
  const from = Math.floor((now?.() ?? new Date()).getTime() / 1000);
  const to = from + tokenLifetimeSeconds;
  const token = await entra.issueToken(identity.clientId, resource, { appidacr: '2', nbf: from, iat: from, exp: to });
  return { token, from, to, lifetimeSeconds: tokenLifetimeSeconds };
}

function isKnown(resource: string): boolean {
  return defaultResources.some((known) => known.replace(/\/$/, '') === resource.replace(/\/$/, ''));
}

function refuse(error: string, description: string): Answer {
  return toJsonAnswer(400, { error, error_description: description });
}
