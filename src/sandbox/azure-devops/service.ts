import { type Answer, isJsonObject, parseJsonObject, type ReceivedRequest, toJsonAnswer } from '../exchange.ts';
import { invalidArgument, needsPullRequestContribute, toDevopsRefusal } from './refusal.ts';

type Json = Readonly<Record<string, unknown>>;

/** Whose token it is. */
export interface DevopsIdentity {
  readonly id: string;
  readonly displayName: string;
  /** "Contribute to pull requests" on the repository. */
  readonly mayContribute: boolean;
}

export interface DevopsPullRequest {
  readonly id: number;
  readonly title: string;
  readonly sourceRef: string;
  readonly targetRef: string;
  readonly sourceCommit: string;
  readonly targetCommit: string;
  /** Files that it changes, each with a leading slash. */
  readonly files: readonly string[];
}

export interface PullRequestThread {
  readonly id: number;
  readonly pullRequest: number;
  readonly status: string | undefined;
  readonly comments: readonly ThreadComment[];
  /** As answered. */
  readonly properties: Json;
  readonly context: { readonly thread: unknown; readonly pullRequest: unknown };
  readonly publishedAt: Date;
  readonly updatedAt: Date;
}

export interface ThreadComment {
  readonly id: number;
  readonly parentId: number;
  readonly content: string;
  readonly type: string;
  readonly author: Pick<DevopsIdentity, 'id' | 'displayName'>;
  readonly publishedAt: Date;
  readonly updatedAt: Date;
  readonly isDeleted: boolean;
}

export interface PullRequestStatus {
  readonly id: number;
  readonly pullRequest: number;
  readonly state: string;
  readonly description: string;
  readonly context: { readonly genre: string; readonly name: string };
  readonly iterationId: number | undefined;
  readonly targetUrl: string | undefined;
  readonly properties: unknown;
  readonly createdBy: DevopsIdentity;
  readonly createdAt: Date;
}

export interface DevopsService {
  /** `https://127.0.0.1:port/ORGANIZATION`. */
  readonly collectionUrl: string;
  readonly project: { readonly id: string; readonly name: string };
  readonly repository: { readonly id: string; readonly name: string };
  readonly pullRequests: readonly DevopsPullRequest[];
  readonly tokens: Readonly<Record<string, DevopsIdentity>>;
  readonly now: () => Date;
  readonly threads: PullRequestThread[];
  readonly statuses: PullRequestStatus[];
}

/** Whose token the request carries: as Bearer, or as the password of Basic with any user. */
export function identify(service: DevopsService, request: ReceivedRequest): DevopsIdentity {
  const [scheme = '', value = ''] = (request.headers.authorization ?? '').split(' ');
  const token = /^basic$/i.test(scheme)
    ? Buffer.from(value, 'base64')
        .toString('utf8')
        .replace(/^[^:]*:/, '')
    : value;
  const identity = /^(?:basic|bearer)$/i.test(scheme) && Object.hasOwn(service.tokens, token) ? service.tokens[token] : undefined;
  if (identity !== undefined) {
    return identity;
  }
  const isSuppressed = request.headers['x-tfs-fedauthredirect'] === 'Suppress';
  if (scheme === '' && !isSuppressed) {
    // Who brings nothing is sent to the sign-in page.
    throw toDevopsRefusal(302, 'UnauthorizedRequestException', 'Object moved', {
      location: `${service.collectionUrl}/_signin?reply_to=${encodeURIComponent(request.url.href)}`,
    });
  }
  const challenge = `Bearer authorization_uri=https://login.microsoftonline.com/common, Basic realm="${service.collectionUrl}", TFS-Federated`;
  throw toDevopsRefusal(
    401,
    'UnauthorizedRequestException',
    "TF400813: The user 'aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa' is not authorized to access this resource.",
    { 'www-authenticate': challenge },
    'Microsoft.TeamFoundation.Framework.Server',
  );
}

/** The identity, where it may write to pull requests. */
export function permitContribution(service: DevopsService, request: ReceivedRequest): DevopsIdentity {
  const identity = identify(service, request);
  if (!identity.mayContribute) {
    throw needsPullRequestContribute(identity.id);
  }
  return identity;
}

/** The pull request of the path; refuses another project, repository or number. */
export function findPullRequest(service: DevopsService, parameters: Readonly<Record<string, string>>): DevopsPullRequest {
  const { project = service.project.name, repository = '', pullRequest = '' } = parameters;
  if (!isNamed(service.project, project)) {
    const message = `TF200016: The following project does not exist: ${project}. Verify that the name of the project is correct and that the project exists on the specified Azure DevOps Server.`;
    throw toDevopsRefusal(404, 'ProjectDoesNotExistWithNameException', message, {}, 'Microsoft.TeamFoundation.Core.WebApi');
  }
  if (!isNamed(service.repository, repository)) {
    const message = `TF401019: The Git repository with name or identifier ${repository} does not exist or you do not have permissions for the operation you are attempting.`;
    throw toDevopsRefusal(404, 'GitRepositoryNotFoundException', message);
  }
  const found = service.pullRequests.find(({ id }) => id === Number(pullRequest));
  if (found === undefined) {
    throw toDevopsRefusal(404, 'GitPullRequestNotFoundException', 'TF401180: The requested pull request was not found.');
  }
  return found;
}

export function readBody(request: ReceivedRequest): Json {
  const body = parseJsonObject(request.body);
  if (body === undefined) {
    throw invalidArgument('Value cannot be null.\r\nParameter name: The body of the request is no JSON object.');
  }
  return body;
}

/** The envelope of lists. */
export function toList(items: readonly unknown[]): Answer {
  return toJsonAnswer(200, { value: items, count: items.length });
}

export function toIdentityRef({ id, displayName }: Pick<DevopsIdentity, 'id' | 'displayName'>, { collectionUrl }: DevopsService): Json {
  return {
    displayName,
    url: `${collectionUrl}/_apis/Identities/${id}`,
    id,
    uniqueName: `Build\\${id}`,
    imageUrl: `${collectionUrl}/_api/_common/identityImage?id=${id}`,
    descriptor: `svc.${Buffer.from(id).toString('base64url')}`,
  };
}

export function toPullRequestUrl({ collectionUrl, repository }: DevopsService, pullRequest: number): string {
  return `${collectionUrl}/_apis/git/repositories/${repository.id}/pullRequests/${pullRequest}`;
}

/** A property bag as it is answered: each value with its .NET type. */
export function toProperties(value: unknown): Json {
  const entries = isJsonObject(value) ? Object.entries(value) : [];
  return Object.fromEntries(
    entries.map(([name, item]) => [name, isJsonObject(item) && '$value' in item ? item : { $type: toType(item), $value: item }]),
  );
}

/** An enum that may be given by name or by number. */
export function readEnum(value: unknown, names: readonly string[], parameter: string): string | undefined {
  if (value === undefined || value === null) {
    return undefined;
  }
  const name = typeof value === 'number' ? names[value] : names.find((known) => known.toLowerCase() === String(value).toLowerCase());
  if (name === undefined) {
    throw invalidArgument(`The value specified for the following variable is not valid: ${parameter}.`);
  }
  return name;
}

function toType(value: unknown): string {
  switch (typeof value) {
    case 'number':
      return Number.isInteger(value) ? 'System.Int32' : 'System.Double';
    case 'boolean':
      return 'System.Boolean';
    default:
      return 'System.String';
  }
}

function isNamed({ id, name }: { readonly id: string; readonly name: string }, text: string): boolean {
  return id === text.toLowerCase() || name.toLowerCase() === text.toLowerCase();
}
