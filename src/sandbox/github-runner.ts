import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { WorkflowRun } from './github/identity-token.ts';
import { type GithubPullRequest, toNumber, toPullRequest, toRepository, toUser } from './github/payload.ts';
import type { Github } from './github.ts';

/** A step of a job, as the runner starts it. */
export interface GithubStepOptions {
  /** Folder of the step's own, made here. */
  readonly folder: string;
  /** Inputs by their name in action.yml. */
  readonly inputs: Readonly<Record<string, string>>;
  /** The checked-out repository; an empty folder where absent. */
  readonly workspace?: string;
}

export interface GithubStep {
  /** The whole environment: nothing is to be inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly outputFile: string;
  readonly summaryFile: string;
  readonly temporaryFolder: string;
}

export interface GithubJob {
  readonly github: Github;
  readonly run: WorkflowRun;
  readonly pullRequest: GithubPullRequest;
  readonly requestToken: string;
}

/**
 * Prepares what actions/runner gives a JavaScript action in a job that a pull request has started: variables (GitHubContext.cs, RunnerContext.cs,
 * NodeScriptActionHandler.cs), the event's payload and the files of the workflow commands (FileCommandManager.cs).
 */
export async function prepareGithubStep(job: GithubJob, options: GithubStepOptions): Promise<GithubStep> {
  const { github, requestToken } = job;
  const { folder } = options;
  const paths = {
    workspace: options.workspace ?? join(folder, 'work'),
    temporary: join(folder, 'temp'),
    tools: join(folder, 'tools'),
    commands: join(folder, 'commands'),
    home: join(folder, 'home'),
  };
  await Promise.all(Object.values(paths).map((path) => mkdir(path, { recursive: true })));
  const eventFile = join(paths.temporary, 'event.json');
  const commandFile = (name: string): string => join(paths.commands, name);
  const commandFiles = ['output', 'step_summary', 'state', 'env', 'path'].map(commandFile);
  await Promise.all([writeFile(eventFile, JSON.stringify(toEvent(job), null, 2)), ...commandFiles.map((path) => writeFile(path, ''))]);
  const files = {
    EVENT_PATH: eventFile,
    WORKSPACE: paths.workspace,
    OUTPUT: commandFile('output'),
    STEP_SUMMARY: commandFile('step_summary'),
    STATE: commandFile('state'),
    ENV: commandFile('env'),
    PATH: commandFile('path'),
  };
  const runner = {
    OS: 'Linux',
    ARCH: 'X64',
    NAME: 'GitHub Actions 1',
    ENVIRONMENT: 'github-hosted',
    TEMP: paths.temporary,
    TOOL_CACHE: paths.tools,
    WORKSPACE: paths.workspace,
  };
  const env = {
    CI: 'true',
    HOME: paths.home,
    GITHUB_ACTIONS: 'true',
    ...prefixed('GITHUB_', toContext(job)),
    ...prefixed('GITHUB_', files),
    ...prefixed('RUNNER_', runner),
    ACTIONS_ID_TOKEN_REQUEST_URL: github.identityTokenUrl,
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: requestToken,
    // The runner replaces spaces and nothing else; dashes stay.
    ...Object.fromEntries(
      Object.entries(options.inputs).map(([input, value]) => [`INPUT_${input.replaceAll(' ', '_').toUpperCase()}`, value]),
    ),
  };
  return { env, outputFile: commandFile('output'), summaryFile: commandFile('step_summary'), temporaryFolder: paths.temporary };
}

/** https://docs.github.com/actions/reference/workflows-and-actions/variables */
function toContext({ github, run }: GithubJob): Readonly<Record<string, string>> {
  const { owner, name } = run.repository;
  const fullName = `${owner}/${name}`;
  const workflowRef = `${fullName}/${run.workflowFile}@${run.ref}`;
  return {
    ACTION: '__image-custody',
    ACTOR: run.actor,
    ACTOR_ID: String(toNumber(run.actor)),
    API_URL: github.url,
    BASE_REF: run.baseRef,
    EVENT_NAME: run.eventName,
    GRAPHQL_URL: `${github.url}/graphql`,
    HEAD_REF: run.headRef,
    JOB: 'image',
    REF: run.ref,
    REF_NAME: run.ref.replace(/^refs\/(?:heads|tags|pull)\//, ''),
    REF_PROTECTED: 'false',
    REF_TYPE: 'branch',
    REPOSITORY: fullName,
    REPOSITORY_ID: String(toNumber(fullName)),
    REPOSITORY_OWNER: owner,
    REPOSITORY_OWNER_ID: String(toNumber(owner)),
    RETENTION_DAYS: '90',
    RUN_ATTEMPT: '1',
    RUN_ID: run.runId,
    RUN_NUMBER: '1',
    SERVER_URL: 'https://github.com',
    SHA: run.sha,
    TRIGGERING_ACTOR: run.actor,
    WORKFLOW: run.workflow,
    WORKFLOW_REF: workflowRef,
    WORKFLOW_SHA: run.sha,
  };
}

/** https://docs.github.com/webhooks/webhook-events-and-payloads#pull_request */
function toEvent({ github, run, pullRequest }: GithubJob): object {
  const addresses = { api: github.url, server: 'https://github.com' };
  return {
    action: 'synchronize',
    number: pullRequest.number,
    before: pullRequest.base.sha,
    after: pullRequest.head.sha,
    pull_request: toPullRequest(pullRequest, run.repository, addresses),
    repository: toRepository(run.repository, addresses),
    sender: toUser(run.actor, addresses),
  };
}

function prefixed(prefix: string, values: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}${name}`, value]));
}
