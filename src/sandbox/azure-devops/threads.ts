import { type Answer, isJsonObject, type ReceivedRequest, type Route, toJsonAnswer } from '../exchange.ts';
import { invalidArgument, toDevopsRefusal } from './refusal.ts';
import {
  type DevopsIdentity,
  type DevopsService,
  findPullRequest,
  identify,
  type PullRequestThread,
  permitContribution,
  readBody,
  readEnum,
  type ThreadComment,
  toIdentityRef,
  toList,
  toProperties,
  toPullRequestUrl,
} from './service.ts';

type Json = Readonly<Record<string, unknown>>;
type Parameters = Readonly<Record<string, string>>;

/** Undocumented; the service says so itself (runatlantis/atlantis#1585). */
export const maxCommentCharacters = 150_000;

const threadStatuses = ['unknown', 'active', 'fixed', 'wontFix', 'closed', 'byDesign', 'pending'];
const commentTypes = ['unknown', 'text', 'codeChange', 'system'];

const pullRequestPath = '^/[^/]+(?:/(?<project>[^/]+))?/_apis/git/repositories/(?<repository>[^/]+)/pullRequests/(?<pullRequest>\\d+)';

/** https://learn.microsoft.com/rest/api/azure/devops/git/pull-request-threads */
export const threadRoutes: readonly Route<DevopsService>[] = [
  { method: 'GET', path: toPath('/threads'), handle: listThreads },
  { method: 'POST', path: toPath('/threads'), handle: createThread },
  { method: 'GET', path: toPath('/threads/(?<thread>\\d+)'), handle: getThread },
  { method: 'PATCH', path: toPath('/threads/(?<thread>\\d+)'), handle: updateThread },
  { method: 'GET', path: toPath('/threads/(?<thread>\\d+)/comments'), handle: listComments },
  { method: 'POST', path: toPath('/threads/(?<thread>\\d+)/comments'), handle: createComment },
  { method: 'PATCH', path: toPath('/threads/(?<thread>\\d+)/comments/(?<comment>\\d+)'), handle: updateComment },
  { method: 'DELETE', path: toPath('/threads/(?<thread>\\d+)/comments/(?<comment>\\d+)'), handle: deleteComment },
];

/** A path below a pull request, read without case as the service reads it. */
export function toPath(below: string): RegExp {
  return new RegExp(`${pullRequestPath}${below}$`, 'i');
}

function listThreads(service: DevopsService, request: ReceivedRequest, parameters: Parameters): Answer {
  identify(service, request);
  const { id } = findPullRequest(service, parameters);
  return toList(service.threads.filter(({ pullRequest }) => pullRequest === id).map((thread) => toBody(thread, service)));
}

function createThread(service: DevopsService, request: ReceivedRequest, parameters: Parameters): Answer {
  const author = permitContribution(service, request);
  const { id: pullRequest } = findPullRequest(service, parameters);
  const body = readBody(request);
  const given = Array.isArray(body.comments) ? body.comments : [];
  if (given.length === 0) {
    throw invalidArgument('Value cannot be null.\r\nParameter name: comments');
  }
  const now = service.now();
  const thread: PullRequestThread = {
    id: service.threads.length + 1,
    pullRequest,
    status: readEnum(body.status, threadStatuses, 'status'),
    comments: given.map((comment, index) => readComment(comment, index + 1, author, now)),
    properties: toProperties(body.properties),
    context: { thread: body.threadContext ?? null, pullRequest: body.pullRequestThreadContext ?? null },
    publishedAt: now,
    updatedAt: now,
  };
  service.threads.push(thread);
  return toJsonAnswer(200, toBody(thread, service));
}

function getThread(service: DevopsService, request: ReceivedRequest, parameters: Parameters): Answer {
  identify(service, request);
  return toJsonAnswer(200, toBody(findThread(service, parameters), service));
}

function updateThread(service: DevopsService, request: ReceivedRequest, parameters: Parameters): Answer {
  permitContribution(service, request);
  const thread = findThread(service, parameters);
  const body = readBody(request);
  return toJsonAnswer(
    200,
    toBody(
      replace(service, {
        ...thread,
        status: readEnum(body.status, threadStatuses, 'status') ?? thread.status,
        properties: { ...thread.properties, ...toProperties(body.properties) },
      }),
      service,
    ),
  );
}

function listComments(service: DevopsService, request: ReceivedRequest, parameters: Parameters): Answer {
  identify(service, request);
  return toList(findThread(service, parameters).comments.map((comment) => toCommentBody(comment, service)));
}

function createComment(service: DevopsService, request: ReceivedRequest, parameters: Parameters): Answer {
  const author = permitContribution(service, request);
  const thread = findThread(service, parameters);
  const comment = readComment(readBody(request), thread.comments.length + 1, author, service.now());
  replace(service, { ...thread, comments: [...thread.comments, comment] });
  return toJsonAnswer(200, toCommentBody(comment, service));
}

function updateComment(service: DevopsService, request: ReceivedRequest, parameters: Parameters): Answer {
  const content = readContent(readBody(request).content);
  const changed = changeComment(service, request, parameters, (comment) => ({ ...comment, content, updatedAt: service.now() }));
  return toJsonAnswer(200, toCommentBody(changed, service));
}

function deleteComment(service: DevopsService, request: ReceivedRequest, parameters: Parameters): Answer {
  changeComment(service, request, parameters, (comment) => ({ ...comment, content: '', isDeleted: true }));
  return toJsonAnswer(200, null);
}

/** Nobody changes a comment but its author. */
function changeComment(
  service: DevopsService,
  request: ReceivedRequest,
  parameters: Parameters,
  change: (comment: ThreadComment) => ThreadComment,
): ThreadComment {
  const identity = permitContribution(service, request);
  const thread = findThread(service, parameters);
  const comment = thread.comments.find(({ id }) => id === Number(parameters.comment));
  if (comment === undefined) {
    throw toDevopsRefusal(404, 'DiscussionCommentNotFoundException', `The comment ${parameters.comment} was not found.`);
  }
  if (comment.author.id !== identity.id) {
    throw toDevopsRefusal(403, 'CommentUpdateForbiddenException', 'Only the author of a comment can change it.');
  }
  const changed = change(comment);
  replace(service, { ...thread, comments: thread.comments.map((known) => (known.id === comment.id ? changed : known)) });
  return changed;
}

function findThread(service: DevopsService, parameters: Parameters): PullRequestThread {
  const { id } = findPullRequest(service, parameters);
  const thread = service.threads.find((known) => known.id === Number(parameters.thread) && known.pullRequest === id);
  if (thread === undefined) {
    throw toDevopsRefusal(404, 'DiscussionThreadNotFoundException', `The thread ${parameters.thread} was not found.`);
  }
  return thread;
}

function replace(service: DevopsService, thread: PullRequestThread): PullRequestThread {
  const changed = { ...thread, updatedAt: service.now() };
  service.threads[service.threads.findIndex(({ id }) => id === thread.id)] = changed;
  return changed;
}

function readComment(value: unknown, id: number, author: DevopsIdentity, now: Date): ThreadComment {
  const { content, parentCommentId, commentType } = isJsonObject(value) ? value : {};
  return {
    id,
    parentId: Number(parentCommentId ?? 0),
    content: readContent(content),
    type: readEnum(commentType, commentTypes, 'commentType') ?? 'text',
    author,
    publishedAt: now,
    updatedAt: now,
    isDeleted: false,
  };
}

function readContent(content: unknown): string {
  if (typeof content !== 'string' || content === '') {
    throw invalidArgument('Value cannot be null or empty.\r\nParameter name: comment.Content');
  }
  if (content.length > maxCommentCharacters) {
    throw invalidArgument(
      `A discussion comment cannot be longer than ${maxCommentCharacters} characters.\r\nParameter name: comment.Content`,
    );
  }
  return content;
}

function toBody(thread: PullRequestThread, service: DevopsService): Json {
  const url = toPullRequestUrl(service, thread.pullRequest);
  return {
    pullRequestThreadContext: thread.context.pullRequest,
    id: thread.id,
    publishedDate: thread.publishedAt.toISOString(),
    lastUpdatedDate: thread.updatedAt.toISOString(),
    comments: thread.comments.map((comment) => toCommentBody(comment, service)),
    ...(thread.status === undefined ? {} : { status: thread.status }),
    threadContext: thread.context.thread,
    properties: thread.properties,
    identities: null,
    isDeleted: thread.comments.every(({ isDeleted }) => isDeleted),
    _links: {
      self: { href: `${url}/threads/${thread.id}` },
      repository: { href: `${service.collectionUrl}/_apis/git/repositories/${service.repository.id}` },
    },
  };
}

function toCommentBody(comment: ThreadComment, service: DevopsService): Json {
  return {
    id: comment.id,
    parentCommentId: comment.parentId,
    author: toIdentityRef(comment.author, service),
    ...(comment.isDeleted ? { isDeleted: true } : { content: comment.content }),
    publishedDate: comment.publishedAt.toISOString(),
    lastUpdatedDate: comment.updatedAt.toISOString(),
    lastContentUpdatedDate: comment.updatedAt.toISOString(),
    commentType: comment.type,
    usersLiked: [],
  };
}
