import { randomUUID } from 'node:crypto';
import { type Answer, matchRoute, parseJsonObject, type ReceivedRequest, Refusal, type Route, toJsonAnswer } from './exchange.ts';
import { checkRunRoutes } from './github/check-runs.ts';
import { issueIdentityToken, toSubject, type WorkflowRun } from './github/identity-token.ts';
import { issueCommentRoutes } from './github/issue-comments.ts';
import { type GithubPullRequest, type GithubRepository, toPublicUser, toPullRequest, toRepository } from './github/payload.ts';
import { notFound, toGithubRefusal } from './github/refusal.ts';
import { type CheckRun, type GithubActor, type GithubService, type IssueComment, identify, permit } from './github/service.ts';
import { createTokenKey, type TokenKey } from './json-web-token.ts';
import { type StandIn, type StandInOptions, startStandIn } from './stand-in.ts';

export interface GithubOptions extends StandInOptions {
  readonly repository: GithubRepository;
  readonly pullRequests: readonly GithubPullRequest[];
  /** Actors by their token. */
  readonly tokens: Readonly<Record<string, GithubActor>>;
  /** The job that may ask for identity tokens, and with which token. */
  readonly job?: { readonly run: WorkflowRun; readonly requestToken: string };
  /** Comments that are there already. */
  readonly comments?: readonly Pick<IssueComment, 'issue' | 'body' | 'author'>[];
}

export interface Github extends StandIn {
  /** Issuer of the identity tokens: a federated credential names it. */
  readonly issuer: string;
  /** Subject of the identity tokens of the job. */
  readonly subject: string | undefined;
  /** ACTIONS_ID_TOKEN_REQUEST_URL. */
  readonly identityTokenUrl: string;
  readonly comments: readonly IssueComment[];
  readonly checkRuns: readonly CheckRun[];
}

const issuerPath = '/_oidc';
const identityTokenPath = `${issuerPath}/idtoken`;

/** The versions that @octokit/openapi describes. */
const apiVersions = ['2022-11-28', '2026-03-10'];

/** Starts a stand-in of GitHub's REST API for one repository, with the issuer of its workflows' identity tokens. */
export async function startGithub(options: GithubOptions): Promise<Github> {
  const now = options.now ?? (() => new Date());
  const key = createTokenKey();
  const started = { url: '' };
  const comments: IssueComment[] = [];
  const checkRuns: CheckRun[] = [];
  const service: GithubService = {
    addresses: {
      server: 'https://github.com',
      get api() {
        return started.url;
      },
    },
    repository: options.repository,
    pullRequests: options.pullRequests,
    tokens: options.tokens,
    now,
    comments,
    checkRuns,
    nextId: 4_000_000_000,
  };
  for (const comment of options.comments ?? []) {
    service.nextId += 1;
    comments.push({ ...comment, id: service.nextId, createdAt: now(), updatedAt: now() });
  }
  const standIn = await startStandIn(async (request) => {
    const issuer = { url: `${started.url}${issuerPath}`, key: await key, now: now() };
    return answerIdentity(options.job, issuer, request) ?? answer(service, request);
  }, options);
  started.url = standIn.url;
  return {
    ...standIn,
    issuer: `${standIn.url}${issuerPath}`,
    subject: options.job === undefined ? undefined : toSubject(options.job.run),
    identityTokenUrl: `${standIn.url}${identityTokenPath}?api-version=2.0`,
    comments,
    checkRuns,
  };
}

interface TokenIssuer {
  readonly url: string;
  readonly key: TokenKey;
  readonly now: Date;
}

/** Answers what concerns identity tokens, and nothing else. */
function answerIdentity(job: GithubOptions['job'], { url, key, now }: TokenIssuer, request: ReceivedRequest): Answer | undefined {
  switch (request.url.pathname) {
    case identityTokenPath:
      if (job === undefined) {
        throw toGithubRefusal(403, 'Resource not accessible by integration');
      }
      return issueIdentityToken(request, job.run, url, job.requestToken, key, now);
    case `${issuerPath}/.well-known/openid-configuration`:
      return toJsonAnswer(200, toConfiguration(url));
    case `${issuerPath}/.well-known/jwks`:
      return toJsonAnswer(200, { keys: [key.publicJwk] });
    default:
      return undefined;
  }
}

const routes: readonly Route<GithubService>[] = [
  ...issueCommentRoutes,
  ...checkRunRoutes,
  { method: 'GET', path: /^\/repos\/[^/]+\/[^/]+\/pulls\/(?<number>\d+)$/, handle: getPullRequest },
  { method: 'GET', path: /^\/repos\/[^/]+\/[^/]+$/, handle: getRepository },
  { method: 'GET', path: /^\/user$/, handle: getUser },
  { method: 'POST', path: /^\/graphql$/, handle: queryViewer },
];

/** Answers with the headers of the real one, refusals included. */
async function answer(service: GithubService, request: ReceivedRequest): Promise<Answer> {
  const given = await answerRequest(service, request).catch((error: unknown) => {
    if (error instanceof Refusal) {
      return error.answer;
    }
    throw error;
  });
  const headers = {
    'x-github-request-id': randomUUID(),
    'x-github-media-type': 'github.v3; format=json',
    'x-ratelimit-limit': '1000',
    'x-ratelimit-remaining': '999',
    'x-ratelimit-used': '1',
    'x-ratelimit-reset': String(Math.floor(service.now().getTime() / 1000) + 3600),
    'x-ratelimit-resource': 'core',
  };
  return { ...given, headers: { ...headers, ...given.headers } };
}

async function answerRequest(service: GithubService, request: ReceivedRequest): Promise<Answer> {
  const { 'user-agent': userAgent, 'x-github-api-version': version } = request.headers;
  if (userAgent === undefined || userAgent === '') {
    throw toGithubRefusal(403, 'Request forbidden by administrative rules. Please make sure your request has a User-Agent header.');
  }
  if (version !== undefined && !apiVersions.includes(String(version))) {
    throw toGithubRefusal(
      400,
      `"${String(version)}" is not a supported version of the REST API. Supported versions: ${apiVersions.join(', ')}.`,
    );
  }
  const found = matchRoute(routes, request);
  const { owner, name } = service.repository;
  const isElsewhere = /^\/repos\//.test(request.url.pathname) && !isUnder(request.url.pathname, `/repos/${owner}/${name}`);
  if (found === 'none' || found === 'wrong-method' || isElsewhere) {
    throw notFound();
  }
  return found.route.handle(service, request, found.parameters);
}

function getPullRequest(service: GithubService, request: ReceivedRequest, { number }: Readonly<Record<string, string>>): Answer {
  const page = '/pulls/pulls#get-a-pull-request';
  permit(service, request, 'read', ['pull_requests'], page);
  const pullRequest = service.pullRequests.find((known) => known.number === Number(number));
  if (pullRequest === undefined) {
    throw notFound(page);
  }
  return toJsonAnswer(200, toPullRequest(pullRequest, service.repository, service.addresses));
}

function getRepository(service: GithubService, request: ReceivedRequest): Answer {
  permit(service, request, 'read', ['contents'], '/repos/repos#get-a-repository');
  return toJsonAnswer(200, toRepository(service.repository, service.addresses));
}

/** A token of Actions is no user. */
function getUser(service: GithubService, request: ReceivedRequest): Answer {
  const actor = identify(service, request);
  if (actor.kind === 'actions') {
    throw toGithubRefusal(403, 'Resource not accessible by integration', '/users/users#get-the-authenticated-user');
  }
  return toJsonAnswer(200, toPublicUser(actor.login, service.addresses));
}

/** The one GraphQL query that tells an app's token who it is. */
function queryViewer(service: GithubService, request: ReceivedRequest): Answer {
  const actor = identify(service, request);
  const query = parseJsonObject(request.body)?.query;
  if (typeof query !== 'string' || !/^\s*(?:query\b[^{]*)?\{\s*viewer\s*\{\s*login\s*\}\s*\}\s*$/.test(query)) {
    return toJsonAnswer(200, { errors: [{ message: 'The stand-in answers { viewer { login } } and nothing else.' }] });
  }
  return toJsonAnswer(200, { data: { viewer: { login: actor.login } } });
}

/** OpenID Connect Discovery 1.0, section 3, as https://token.actions.githubusercontent.com answers. */
function toConfiguration(issuer: string): object {
  return {
    issuer,
    jwks_uri: `${issuer}/.well-known/jwks`,
    subject_types_supported: ['public', 'pairwise'],
    response_types_supported: ['id_token'],
    claims_supported: ['sub', 'aud', 'exp', 'iat', 'iss', 'jti', 'nbf', 'ref', 'repository', 'repository_id', 'workflow'],
    id_token_signing_alg_values_supported: ['RS256'],
    scopes_supported: ['openid'],
  };
}

function isUnder(path: string, root: string): boolean {
  const [given, wanted] = [path.toLowerCase(), root.toLowerCase()];
  return given === wanted || given.startsWith(`${wanted}/`);
}
