import { type Answer, isJsonObject, type ReceivedRequest, type Route, toJsonAnswer } from '../exchange.ts';
import { invalidArgument } from './refusal.ts';
import {
  type DevopsService,
  findPullRequest,
  identify,
  type PullRequestStatus,
  permitContribution,
  readBody,
  readEnum,
  toIdentityRef,
  toList,
  toProperties,
  toPullRequestUrl,
} from './service.ts';
import { toPath } from './threads.ts';

type Parameters = Readonly<Record<string, string>>;

const states = ['notSet', 'pending', 'succeeded', 'failed', 'error', 'notApplicable'];

/** https://learn.microsoft.com/rest/api/azure/devops/git/pull-request-statuses; the pull request itself and its iterations stand with them. */
export const statusRoutes: readonly Route<DevopsService>[] = [
  { method: 'GET', path: toPath('/statuses'), handle: listStatuses },
  { method: 'POST', path: toPath('/statuses'), handle: createStatus },
  { method: 'GET', path: toPath(''), handle: getPullRequest },
  { method: 'GET', path: toPath('/iterations'), handle: listIterations },
  { method: 'GET', path: toPath('/iterations/(?<iteration>1)/changes'), handle: listChanges },
];

function listStatuses(service: DevopsService, request: ReceivedRequest, parameters: Parameters): Answer {
  identify(service, request);
  const { id } = findPullRequest(service, parameters);
  return toList(service.statuses.filter(({ pullRequest }) => pullRequest === id).map((status) => toBody(status, service)));
}

function createStatus(service: DevopsService, request: ReceivedRequest, parameters: Parameters): Answer {
  const createdBy = permitContribution(service, request);
  const { id: pullRequest } = findPullRequest(service, parameters);
  const { context, state, description, iterationId, targetUrl, properties } = readBody(request);
  const { genre, name } = isJsonObject(context) ? context : {};
  if (typeof name !== 'string' || name === '') {
    throw invalidArgument('Value cannot be null.\r\nParameter name: status.Context.Name');
  }
  if (iterationId !== undefined && iterationId !== 1) {
    throw invalidArgument('The value specified for the following variable is not valid: iterationId.');
  }
  const status: PullRequestStatus = {
    id: service.statuses.length + 1,
    pullRequest,
    state: readEnum(state, states, 'state') ?? 'notSet',
    description: typeof description === 'string' ? description : '',
    context: { genre: typeof genre === 'string' ? genre : '', name },
    iterationId,
    targetUrl: typeof targetUrl === 'string' ? targetUrl : undefined,
    properties: properties === undefined ? undefined : toProperties(properties),
    createdBy,
    createdAt: service.now(),
  };
  service.statuses.push(status);
  return toJsonAnswer(200, toBody(status, service));
}

function toBody(status: PullRequestStatus, service: DevopsService): object {
  const { iterationId, targetUrl, properties } = status;
  return {
    ...(iterationId === undefined ? {} : { iterationId }),
    ...(properties === undefined ? {} : { properties }),
    id: status.id,
    state: status.state,
    description: status.description,
    context: { name: status.context.name, genre: status.context.genre },
    creationDate: status.createdAt.toISOString(),
    updatedDate: status.createdAt.toISOString(),
    createdBy: toIdentityRef(status.createdBy, service),
    ...(targetUrl === undefined ? {} : { targetUrl }),
    _links: { self: { href: `${toPullRequestUrl(service, status.pullRequest)}/statuses/${status.id}` } },
  };
}

function getPullRequest(service: DevopsService, request: ReceivedRequest, parameters: Parameters): Answer {
  identify(service, request);
  const { id, title, sourceRef, targetRef, sourceCommit, targetCommit } = findPullRequest(service, parameters);
  const { collectionUrl, project, repository } = service;
  return toJsonAnswer(200, {
    repository: {
      id: repository.id,
      name: repository.name,
      url: `${collectionUrl}/_apis/git/repositories/${repository.id}`,
      project: { id: project.id, name: project.name, state: 'wellFormed' },
    },
    pullRequestId: id,
    codeReviewId: id,
    status: 'active',
    title,
    sourceRefName: sourceRef,
    targetRefName: targetRef,
    mergeStatus: 'succeeded',
    isDraft: false,
    lastMergeSourceCommit: { commitId: sourceCommit },
    lastMergeTargetCommit: { commitId: targetCommit },
    reviewers: [],
    url: toPullRequestUrl(service, id),
    supportsIterations: true,
  });
}

/** There is one iteration: the pull request as it was opened. */
function listIterations(service: DevopsService, request: ReceivedRequest, parameters: Parameters): Answer {
  identify(service, request);
  const { sourceCommit, targetCommit } = findPullRequest(service, parameters);
  const opened = service.now().toISOString();
  const commits = { sourceRefCommit: { commitId: sourceCommit }, targetRefCommit: { commitId: targetCommit } };
  return toList([
    { id: 1, description: '', createdDate: opened, updatedDate: opened, ...commits, hasMoreCommits: false, reason: 'create' },
  ]);
}

function listChanges(service: DevopsService, request: ReceivedRequest, parameters: Parameters): Answer {
  identify(service, request);
  const { files } = findPullRequest(service, parameters);
  return toJsonAnswer(200, {
    changeEntries: files.map((path, index) => ({ changeTrackingId: index + 1, changeId: index + 1, item: { path }, changeType: 'edit' })),
  });
}
