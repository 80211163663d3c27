import { type Answer, type ReceivedRequest, type Route, toJsonAnswer } from '../exchange.ts';
import { toActionsApp, toNodeId, toUser } from './payload.ts';
import { notFound, toGithubRefusal, toValidationFailure } from './refusal.ts';
import { createId, type GithubService, type IssueComment, paginate, permit, readBody } from './service.ts';

/** As the API's error states it. More may be stored, but nobody promises it. */
export const maxCommentCharacters = 65_536;

const permissions = ['issues', 'pull_requests'] as const;

/** https://docs.github.com/rest/issues/comments */
export const issueCommentRoutes: readonly Route<GithubService>[] = [
  { method: 'GET', path: /^\/repos\/[^/]+\/[^/]+\/issues\/(?<number>\d+)\/comments$/, handle: listComments },
  { method: 'POST', path: /^\/repos\/[^/]+\/[^/]+\/issues\/(?<number>\d+)\/comments$/, handle: createComment },
  { method: 'PATCH', path: /^\/repos\/[^/]+\/[^/]+\/issues\/comments\/(?<id>\d+)$/, handle: updateComment },
];

type Parameters = Readonly<Record<string, string>>;

function listComments(service: GithubService, request: ReceivedRequest, parameters: Parameters): Answer {
  const issue = findIssue(service, parameters, '/issues/comments#list-issue-comments');
  permit(service, request, 'read', permissions, '/issues/comments#list-issue-comments');
  const since = Date.parse(request.url.searchParams.get('since') ?? '1970-01-01');
  const found = service.comments.filter((comment) => comment.issue === issue && comment.updatedAt.getTime() >= since);
  const { page, headers } = paginate(found, request.url);
  return toJsonAnswer(
    200,
    page.map((comment) => toBody(comment, service)),
    headers,
  );
}

function createComment(service: GithubService, request: ReceivedRequest, parameters: Parameters): Answer {
  const page = '/issues/comments#create-an-issue-comment';
  const actor = permit(service, request, 'write', permissions, page);
  const issue = findIssue(service, parameters, page);
  if (service.pullRequests.find(({ number }) => number === issue)?.locked === true) {
    throw toGithubRefusal(403, 'Unable to create comment because issue is locked.', page);
  }
  const now = service.now();
  const comment = { id: createId(service), issue, body: readText(request, page), author: actor, createdAt: now, updatedAt: now };
  service.comments.push(comment);
  const body = toBody(comment, service);
  return toJsonAnswer(201, body, { location: String(body.url) });
}

function updateComment(service: GithubService, request: ReceivedRequest, parameters: Parameters): Answer {
  const page = '/issues/comments#update-an-issue-comment';
  permit(service, request, 'write', permissions, page);
  const index = service.comments.findIndex(({ id }) => id === Number(parameters.id));
  const comment = service.comments[index];
  if (comment === undefined) {
    throw notFound(page);
  }
  const updated = { ...comment, body: readText(request, page), updatedAt: service.now() };
  service.comments[index] = updated;
  return toJsonAnswer(200, toBody(updated, service));
}

function findIssue(service: GithubService, { number }: Parameters, page: string): number {
  const issue = Number(number);
  if (!service.pullRequests.some((pullRequest) => pullRequest.number === issue)) {
    throw notFound(page);
  }
  return issue;
}

function readText(request: ReceivedRequest, page: string): string {
  const { body } = readBody(request);
  if (typeof body !== 'string') {
    throw toGithubRefusal(422, 'Invalid request.\n\n"body" wasn\'t supplied.', page);
  }
  if (body.trim() === '') {
    throw toValidationFailure('IssueComment', 'body', "body can't be blank", page);
  }
  if ([...body].length > maxCommentCharacters) {
    throw toValidationFailure('IssueComment', 'body', `body is too long (maximum is ${maxCommentCharacters} characters)`, page);
  }
  return body;
}

function toBody(comment: IssueComment, { addresses, repository }: GithubService): Readonly<Record<string, unknown>> {
  const { id, issue, body, author } = comment;
  const root = `${addresses.api}/repos/${repository.owner}/${repository.name}`;
  const page = `${addresses.server}/${repository.owner}/${repository.name}/pull/${issue}`;
  return {
    url: `${root}/issues/comments/${id}`,
    html_url: `${page}#issuecomment-${id}`,
    issue_url: `${root}/issues/${issue}`,
    id,
    node_id: toNodeId('IC', String(id)),
    user: toUser(author.login, addresses),
    created_at: comment.createdAt.toISOString().replace(/\.\d+/, ''),
    updated_at: comment.updatedAt.toISOString().replace(/\.\d+/, ''),
    author_association: author.kind === 'actions' ? 'NONE' : 'CONTRIBUTOR',
    body,
    performed_via_github_app: author.kind === 'actions' ? toActionsApp(addresses) : null,
  };
}
