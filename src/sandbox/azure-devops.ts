import { randomUUID } from 'node:crypto';
import { verifyApiVersion } from './azure-devops/api-version.ts';
import { permissionRoutes } from './azure-devops/permissions.ts';
import { toDevopsRefusal } from './azure-devops/refusal.ts';
import {
  type DevopsIdentity,
  type DevopsPullRequest,
  type DevopsService,
  identify,
  type PullRequestStatus,
  type PullRequestThread,
  toIdentityRef,
} from './azure-devops/service.ts';
import { statusRoutes } from './azure-devops/statuses.ts';
import { threadRoutes } from './azure-devops/threads.ts';
import { tokenExchangeAudience } from './entra/assertion.ts';
import { type Answer, matchRoute, type ReceivedRequest, Refusal, type Route, toJsonAnswer } from './exchange.ts';
import { createTokenKey, signToken } from './json-web-token.ts';
import { type StandIn, type StandInOptions, startStandIn } from './stand-in.ts';

export interface AzureDevopsOptions extends StandInOptions {
  readonly organization: string;
  readonly project: DevopsService['project'];
  readonly repository: DevopsService['repository'];
  readonly pullRequests: readonly DevopsPullRequest[];
  /** Identities by their token. */
  readonly tokens: Readonly<Record<string, DevopsIdentity>>;
  /** Names of the service connections by their id: those that identity tokens are given for. */
  readonly serviceConnections?: Readonly<Record<string, string>>;
  /** Threads that are there already, each of one comment. */
  readonly threads?: readonly {
    readonly pullRequest: number;
    readonly content: string;
    readonly author: Pick<DevopsIdentity, 'id' | 'displayName'>;
  }[];
}

export interface AzureDevops extends StandIn {
  /** System.CollectionUri, with its slash at the end. */
  readonly collectionUrl: string;
  /** Issuer of the identity tokens: a federated credential names it. */
  readonly issuer: string;
  readonly threads: readonly PullRequestThread[];
  readonly statuses: readonly PullRequestStatus[];
  /** Subject of the identity tokens of a service connection. */
  subjectOf(connection: string): string;
}

type Token = (request: ReceivedRequest, connection: string) => Promise<Answer>;

/** Starts a stand-in of Azure DevOps: the pull requests of one repository, and the issuer of its pipelines' identity tokens. */
export async function startAzureDevops(options: AzureDevopsOptions): Promise<AzureDevops> {
  const now = options.now ?? (() => new Date());
  const key = createTokenKey();
  const started = { url: '' };
  const service: DevopsService = {
    get collectionUrl() {
      return `${started.url}/${options.organization}`;
    },
    project: options.project,
    repository: options.repository,
    pullRequests: options.pullRequests,
    tokens: options.tokens,
    now,
    threads: (options.threads ?? []).map((thread, index) => toSeed(thread, index + 1, now())),
    statuses: [],
  };
  const subjectOf = (connection: string): string =>
    `sc://${options.organization}/${options.project.name}/${options.serviceConnections?.[connection]}`;
  const issueToken: Token = async (request, connection) => {
    identify(service, request);
    if (!Object.hasOwn(options.serviceConnections ?? {}, connection)) {
      throw toDevopsRefusal(404, 'ServiceEndpointNotFoundException', `Service connection ${connection} was not found.`);
    }
    const seconds = Math.floor(now().getTime() / 1000);
    const times = { nbf: seconds, iat: seconds, exp: seconds + 600 };
    const claims = { jti: randomUUID(), sub: subjectOf(connection), aud: tokenExchangeAudience, iss: `${started.url}/_oidc`, ...times };
    return toJsonAnswer(200, { oidcToken: signToken(claims, await key) });
  };
  const standIn = await startStandIn(async (request) => {
    switch (request.url.pathname) {
      case '/_oidc/.well-known/openid-configuration':
        return toJsonAnswer(200, { issuer: `${started.url}/_oidc`, jwks_uri: `${started.url}/_oidc/.well-known/jwks` });
      case '/_oidc/.well-known/jwks':
        return toJsonAnswer(200, { keys: [(await key).publicJwk] });
      default:
        return answer(service, request, issueToken);
    }
  }, options);
  started.url = standIn.url;
  const { threads, statuses } = service;
  return { ...standIn, collectionUrl: `${service.collectionUrl}/`, issuer: `${standIn.url}/_oidc`, threads, statuses, subjectOf };
}

const routes: readonly Route<DevopsService>[] = [...threadRoutes, ...statusRoutes, ...permissionRoutes];

const connectionDataPath = /^\/[^/]+\/_apis\/connectionData$/i;
/** Described as `7.1-preview.2`. */
const permissionsPath = /^\/[^/]+\/_apis\/permissions\//i;
const tokenPath = /^\/[^/]+\/[^/]+\/_apis\/distributedtask\/hubs\/[^/]+\/plans\/[^/]+\/jobs\/[^/]+\/oidctoken$/i;

/** Answers with the headers of the real one, refusals included. */
async function answer(service: DevopsService, request: ReceivedRequest, issueToken: Token): Promise<Answer> {
  const given = await answerRequest(service, request, issueToken).catch((error: unknown) => {
    if (error instanceof Refusal) {
      return error.answer;
    }
    throw error;
  });
  const id = randomUUID();
  return {
    ...given,
    headers: { 'x-vss-e2eid': id, activityid: id, 'cache-control': 'no-cache, no-store, must-revalidate', ...given.headers },
  };
}

async function answerRequest(service: DevopsService, request: ReceivedRequest, issueToken: Token): Promise<Answer> {
  const { pathname, searchParams } = request.url;
  const isConnectionData = connectionDataPath.test(pathname);
  const isPreviewOnly = isConnectionData || permissionsPath.test(pathname);
  identify(service, request);
  verifyApiVersion(request, isPreviewOnly);
  if (isConnectionData && request.method === 'GET') {
    return toConnectionData(service, request);
  }
  if (tokenPath.test(pathname) && request.method === 'POST') {
    return issueToken(request, searchParams.get('serviceConnectionId') ?? '');
  }
  const found = matchRoute(routes, request);
  if (found === 'none' || found === 'wrong-method') {
    const message = `The requested resource does not support http method '${request.method}'.`;
    throw found === 'none'
      ? toDevopsRefusal(404, 'VssResourceNotFoundException', `API resource location ${pathname} is not registered.`)
      : toDevopsRefusal(405, 'HttpMethodNotSupportedException', message);
  }
  return found.route.handle(service, request, found.parameters);
}

function toConnectionData(service: DevopsService, request: ReceivedRequest): Answer {
  const identity = identify(service, request);
  const user = {
    id: identity.id,
    descriptor: `Microsoft.TeamFoundation.ServiceIdentity;${identity.id}:Build:${service.project.id}`,
    subjectDescriptor: toIdentityRef(identity, service).descriptor,
    providerDisplayName: identity.displayName,
    isActive: true,
    properties: { Account: { $type: 'System.String', $value: service.project.id } },
    resourceVersion: 2,
    metaTypeId: 0,
  };
  return toJsonAnswer(200, { authenticatedUser: user, authorizedUser: user, instanceId: service.project.id, deploymentType: 'hosted' });
}

function toSeed(
  { pullRequest, content, author }: NonNullable<AzureDevopsOptions['threads']>[number],
  id: number,
  now: Date,
): PullRequestThread {
  const comment = { id: 1, parentId: 0, content, type: 'text', author, publishedAt: now, updatedAt: now, isDeleted: false };
  const times = { publishedAt: now, updatedAt: now };
  return { id, pullRequest, status: 'active', comments: [comment], properties: {}, context: { thread: null, pullRequest: null }, ...times };
}
