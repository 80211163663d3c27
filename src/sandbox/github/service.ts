import { parseJsonObject, type ReceivedRequest } from '../exchange.ts';
import type { GithubAddresses, GithubPullRequest, GithubRepository } from './payload.ts';
import { toGithubRefusal } from './refusal.ts';

export type Permission = 'checks' | 'contents' | 'issues' | 'pull_requests';

/** Whose token it is. `actions`: GITHUB_TOKEN, which speaks for an app; `user`: a personal one. */
export interface GithubActor {
  readonly kind: 'actions' | 'user';
  readonly login: string;
  readonly permissions: Readonly<Partial<Record<Permission, 'read' | 'write'>>>;
}

export interface IssueComment {
  readonly id: number;
  readonly issue: number;
  readonly body: string;
  readonly author: Pick<GithubActor, 'kind' | 'login'>;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface CheckRun {
  readonly id: number;
  readonly name: string;
  readonly headSha: string;
  readonly status: string;
  readonly conclusion: string | null;
  readonly startedAt: string | null;
  readonly completedAt: string | null;
  readonly externalId: string;
  readonly output: { readonly title: string | null; readonly summary: string | null; readonly text: string | null };
  /** Those of every request so far. */
  readonly annotations: readonly Readonly<Record<string, unknown>>[];
}

/** What the stand-in knows, shared by its operations. */
export interface GithubService {
  readonly addresses: GithubAddresses;
  readonly repository: GithubRepository;
  readonly pullRequests: readonly GithubPullRequest[];
  readonly tokens: Readonly<Record<string, GithubActor>>;
  readonly now: () => Date;
  readonly comments: IssueComment[];
  readonly checkRuns: CheckRun[];
  nextId: number;
}

/** Whose token the request carries, or the 401. */
export function identify(service: GithubService, request: ReceivedRequest): GithubActor {
  const [scheme = '', token = ''] = (request.headers.authorization ?? '').split(' ');
  if (scheme === '') {
    throw toGithubRefusal(401, 'Requires authentication');
  }
  const actor = /^(?:bearer|token)$/i.test(scheme) && Object.hasOwn(service.tokens, token) ? service.tokens[token] : undefined;
  if (actor === undefined) {
    throw toGithubRefusal(401, 'Bad credentials');
  }
  return actor;
}

/** The actor, where its token has one of the permissions; else the 403 that an app's token gets, or the 404 that hides a private repository. */
export function permit(
  service: GithubService,
  request: ReceivedRequest,
  access: 'read' | 'write',
  permissions: readonly Permission[],
  page: string,
): GithubActor {
  const actor = identify(service, request);
  const isGranted = permissions.some((permission) => {
    const granted = actor.permissions[permission];
    return granted === 'write' || (access === 'read' && granted === 'read');
  });
  if (isGranted || (access === 'read' && !service.repository.private)) {
    return actor;
  }
  const accepted = permissions.map((permission) => `${permission}=${access}`).join('; ');
  const message = actor.kind === 'actions' ? 'Resource not accessible by integration' : 'Resource not accessible by personal access token';
  throw toGithubRefusal(403, message, page, { 'x-accepted-github-permissions': accepted });
}

/** The JSON object that a request brings, or the 400. */
export function readBody(request: ReceivedRequest): Readonly<Record<string, unknown>> {
  const body = parseJsonObject(request.body);
  if (body === undefined) {
    throw toGithubRefusal(400, request.body.length === 0 ? 'Body should be a JSON object' : 'Problems parsing JSON');
  }
  return body;
}

export function createId(service: GithubService): number {
  service.nextId += 1;
  return service.nextId;
}

/** One page of a list, with the Link header (https://docs.github.com/rest/using-the-rest-api/using-pagination-in-the-rest-api). */
export function paginate<T>(
  items: readonly T[],
  url: URL,
): { readonly page: readonly T[]; readonly headers: Readonly<Record<string, string>> } {
  const size = Math.min(toCount(url.searchParams.get('per_page'), 30), 100);
  const current = toCount(url.searchParams.get('page'), 1);
  const last = Math.max(1, Math.ceil(items.length / size));
  const link = (page: number, relation: string): string => {
    const target = new URL(url);
    target.searchParams.set('page', String(page));
    return `<${target.href}>; rel="${relation}"`;
  };
  const links = [
    ...(current > 1 ? [link(current - 1, 'prev')] : []),
    ...(current < last ? [link(current + 1, 'next'), link(last, 'last')] : []),
    ...(current > 1 ? [link(1, 'first')] : []),
  ];
  return {
    page: items.slice((current - 1) * size, current * size),
    headers: links.length === 0 ? {} : { link: links.join(', ') },
  };
}

function toCount(text: string | null, fallback: number): number {
  const count = Number(text);
  return text !== null && Number.isInteger(count) && count > 0 ? count : fallback;
}
