import type { Http } from '../../lib/http.ts';
import type { SecretValue } from '../../lib/secret-value.ts';
import type { CheckOutcome, HostCheck } from '../../model/check.ts';
import { orWarning } from '../unanswered-check.ts';
import { createGitHubApi, type GitHubAnswer, type GitHubApi, isRefused } from './api.ts';
import { fetchLogin } from './pull-request-comment.ts';
import { readWorkflowRun, type WorkflowRun } from './workflow-run.ts';

export interface GitHubChecksOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly http: Http;
  /** That of the input github-token. */
  readonly token: () => SecretValue | undefined;
}

/**
 * What this job may do on GitHub. Nothing is wrong that the step goes on without: these are warnings. Nothing is written, for the requests that ask
 * whether something may be written are of a form that GitHub refuses (422) from who may, and from who may not with 403 or 404.
 */
export function listGitHubChecks({ env, http, token }: GitHubChecksOptions): readonly HostCheck[] {
  const run = readWorkflowRun(env);
  const withApi = (look: (api: GitHubApi) => Promise<CheckOutcome>): Promise<CheckOutcome> => {
    const given = token();
    return given === undefined ? Promise.resolve(noToken) : orWarning(() => look(createGitHubApi({ env, http, token: given })));
  };
  return [
    { name: 'event', needs: [], run: async () => describeEvent(run, env.GITHUB_EVENT_NAME) },
    { name: 'identity token', needs: [], run: async () => findIdentityToken(run, env.ACTIONS_ID_TOKEN_REQUEST_URL) },
    { name: 'github-token', needs: [], readsToken: true, run: () => withApi(describeToken) },
    { name: 'comment', needs: [], readsToken: true, input: 'comment', run: () => withApi((api) => tryComment(run, api)) },
    { name: 'check run', needs: [], readsToken: true, input: 'annotations', run: () => withApi((api) => tryCheckRun(run, api)) },
  ];
}

function describeEvent({ repository = 'no repository', pullRequest, fork }: WorkflowRun, event = 'no event'): CheckOutcome {
  const what = pullRequest === undefined ? '' : `, pull request ${pullRequest}${fork ? ' of a fork' : ''}`;
  const text = `${event} in ${repository}${what}`;
  if (!fork) return { state: 'right', text };
  return {
    state: 'warning',
    text: `${text}: the token may only read, and there is no identity token and no secret`,
    hint: 'Leave push and key-vault out for pull requests of forks: the step scans, annotates its log and gives its verdict.',
  };
}

function findIdentityToken({ fork }: WorkflowRun, requestUrl: string | undefined): CheckOutcome {
  if (requestUrl !== undefined && requestUrl !== '') return { state: 'right', text: 'the job may ask for one (id-token: write)' };
  const why = fork
    ? 'a pull request of a fork gets none'
    : 'the job has no `permissions: id-token: write`, which federation with Azure takes';
  return { state: 'right', text: `the job may not ask for one: ${why}` };
}

const noToken: CheckOutcome = {
  state: 'warning',
  text: 'there is no token: no comment and no check run',
  hint: 'Leave the input github-token out, so that it is the token of the job, or give it one.',
};

/** An app's token may not ask who it is in this way (403); one that is none is told so (401). */
async function describeToken(api: GitHubApi): Promise<CheckOutcome> {
  const answer = await api.request('GET', '/user');
  if (answer.status === 200 || answer.status === 403)
    return { state: 'right', text: `it is of ${await fetchLogin(api)}, and GitHub accepts it` };
  return {
    state: 'warning',
    text: `GitHub does not accept it: ${answer.message}`,
    hint: 'Leave the input github-token out, so that it is the token of the job, or give it one that has not expired.',
  };
}

async function tryComment({ repository, pullRequest, fork }: WorkflowRun, api: GitHubApi): Promise<CheckOutcome> {
  if (repository === undefined || pullRequest === undefined) return { state: 'right', text: 'not a pull request: no comment is written' };
  // A comment without its text.
  const answer = await api.request('POST', `/repos/${repository}/issues/${pullRequest}/comments`, {});
  return judge(answer, 'a comment', `on pull request ${pullRequest}`, 'pull-requests: write', fork);
}

async function tryCheckRun({ repository, headSha, fork }: WorkflowRun, api: GitHubApi): Promise<CheckOutcome> {
  if (repository === undefined || headSha === undefined) return { state: 'right', text: 'no commit is known: no check run is made' };
  // A check run without name and commit.
  const answer = await api.request('POST', `/repos/${repository}/check-runs`, {});
  return judge(answer, 'a check run', `for ${headSha}`, 'checks: write', fork);
}

function judge(answer: GitHubAnswer, what: string, where: string, permission: string, fork: boolean): CheckOutcome {
  if (answer.status === 422) return { state: 'right', text: `the token may write ${what} ${where}` };
  const accepted = answer.accepted === undefined ? '' : `; GitHub accepts ${answer.accepted}`;
  if (!isRefused(answer)) {
    const hint = 'Run it again; where it stays so, see https://www.githubstatus.com.';
    return { state: 'warning', text: `whether the token may write ${what} cannot be told: ${answer.message}`, hint };
  }
  const hint = fork
    ? 'A pull request of a fork has a token that may only read: the report is in the job summary.'
    : `Give the job \`permissions: ${permission}\`. Without it the report is in the job summary and the log.`;
  return { state: 'warning', text: `the token may not write ${what} ${where} (${answer.message}${accepted})`, hint };
}
