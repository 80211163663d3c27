import type { Http } from '../../lib/http.ts';
import type { CheckOutcome, HostCheck } from '../../model/check.ts';
import { orWarning } from '../unanswered-check.ts';
import { createSend, isRefused, type Send } from './api.ts';
import { type PipelineRun, type PullRequest, readPipelineRun } from './pipeline-run.ts';

export interface AzurePipelinesChecksOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly http: Http;
}

/**
 * Security namespace "Git Repositories" and its bit PullRequestContribute:
 * https://learn.microsoft.com/azure/devops/organizations/security/namespace-reference
 */
const gitNamespace = '2e9eb7ed-3c0a-47d4-87c1-0ffdd275fd87';
const contributeBit = 16_384;

/** What this job may do in Azure DevOps. Nothing is wrong that the step goes on without: these are warnings. Nothing is written. */
export function listAzurePipelinesChecks({ env, http }: AzurePipelinesChecksOptions): readonly HostCheck[] {
  const run = readPipelineRun(env);
  const send = run.token === undefined ? undefined : createSend(http, run.token);
  return [
    { name: 'build', needs: [], run: async () => describeBuild(run, env) },
    { name: 'identity token', needs: [], run: async () => findIdentityToken(env.SYSTEM_OIDCREQUESTURI) },
    { name: 'job token', needs: [], run: () => orWarning(() => describeToken(env.SYSTEM_COLLECTIONURI, send)) },
    { name: 'comment', needs: [], input: 'comment', run: () => orWarning(() => findPermission(run, send)) },
  ];
}

function describeBuild({ pullRequest, foreignProvider }: PipelineRun, env: AzurePipelinesChecksOptions['env']): CheckOutcome {
  const { BUILD_REASON: reason = 'no reason', BUILD_REPOSITORY_NAME: name = 'no repository', BUILD_REPOSITORY_PROVIDER: provider } = env;
  const what = pullRequest === undefined ? '' : `, pull request ${pullRequest.id}`;
  const text = `${reason} of ${name} (${provider ?? 'no provider'})${what}`;
  const isFork = env.SYSTEM_PULLREQUEST_ISFORK?.toLowerCase() === 'true';
  if (isFork) {
    return {
      state: 'warning',
      text: `${text}, of a fork: it gets secrets and service connections only where the pipeline says so`,
      hint: 'Leave push and keyVault out for builds of forks: the step scans and gives its verdict.',
    };
  }
  if (foreignProvider === undefined) return { state: 'right', text };
  return { state: 'right', text: `${text}: the repository is not in Azure Repos, so no comment is written` };
}

function findIdentityToken(requestUri: string | undefined): CheckOutcome {
  if (requestUri !== undefined && requestUri !== '') {
    return { state: 'right', text: 'the job may ask for one (System.OidcRequestUri), for service connections that federate' };
  }
  return {
    state: 'right',
    text: 'the job may not ask for one (System.OidcRequestUri is not set): a service connection cannot federate here',
  };
}

interface Identity {
  readonly name: string;
  readonly descriptor: string;
}

async function fetchIdentity(collectionUrl: string, send: Send): Promise<Identity | { readonly message: string }> {
  const answer = await send('GET', new URL('_apis/connectionData?api-version=7.1-preview', collectionUrl));
  const user = (answer.value as { readonly authenticatedUser?: Readonly<Record<string, unknown>> } | undefined)?.authenticatedUser;
  const { providerDisplayName: name, subjectDescriptor: descriptor } = user ?? {};
  if (answer.status !== 200 || typeof name !== 'string') return { message: answer.message };
  return { name, descriptor: typeof descriptor === 'string' && /^[\w.-]+$/.test(descriptor) ? descriptor : 'IDENTITY' };
}

async function describeToken(collectionUrl: string | undefined, send: Send | undefined): Promise<CheckOutcome> {
  if (send === undefined || collectionUrl === undefined || !URL.canParse(collectionUrl)) return noToken;
  const identity = await fetchIdentity(collectionUrl, send);
  if ('name' in identity) return { state: 'right', text: `it is of ${JSON.stringify(identity.name)}, and Azure DevOps accepts it` };
  return {
    state: 'warning',
    text: `Azure DevOps does not accept it: ${identity.message}`,
    hint: 'Run the job again: its token ends with the job.',
  };
}

const noToken: CheckOutcome = {
  state: 'warning',
  text: 'the agent gave this task no access token: no comment',
  hint: 'Run it as a task of Azure Pipelines (ImageCustody@1), which gets the token of the job by itself.',
};

async function findPermission({ pullRequest, token }: PipelineRun, send: Send | undefined): Promise<CheckOutcome> {
  if (pullRequest === undefined) return { state: 'right', text: 'not a pull request of Azure Repos: no comment is written' };
  if (send === undefined || token === undefined) return noToken;
  const { collectionUrl, projectId, repository } = pullRequest;
  const securityToken = `repoV2/${projectId}/${repository}`;
  const path = `_apis/permissions/${gitNamespace}/${contributeBit}?tokens=${encodeURIComponent(securityToken)}&api-version=7.1-preview.2`;
  const answer = await send('GET', new URL(path, collectionUrl));
  const isAllowed = toBoolean(answer.value);
  if (answer.status === 200 && isAllowed === true) return { state: 'right', text: 'the build identity may contribute to pull requests' };
  const identity = await fetchIdentity(collectionUrl, send);
  const hint = grantHint(pullRequest, 'name' in identity ? identity : { name: 'of this build', descriptor: 'IDENTITY' });
  if (answer.status === 200 && isAllowed === false) {
    return { state: 'warning', text: 'the build identity lacks the permission "Contribute to pull requests" on the repository', hint };
  }
  const why = isRefused(answer) ? 'Azure DevOps does not let the build identity ask' : 'Azure DevOps did not say';
  return { state: 'warning', text: `whether it may contribute to pull requests cannot be told: ${why} (${answer.message})`, hint };
}

/** A list in its envelope, or bare, as the description has it. */
function toBoolean(value: unknown): boolean | undefined {
  const list = Array.isArray(value) ? value : (value as { readonly value?: unknown } | undefined)?.value;
  const [first] = Array.isArray(list) ? list : [];
  return typeof first === 'boolean' ? first : undefined;
}

function grantHint({ collectionUrl, projectId, repository }: PullRequest, { name, descriptor }: Identity): string {
  return (
    `Grant it to ${JSON.stringify(name)} (Project settings, Repositories, Security): az devops security permission update --organization ${collectionUrl} ` +
    `--namespace-id ${gitNamespace} --subject ${descriptor} --token repoV2/${projectId}/${repository} --allow-bit ${contributeBit}`
  );
}
