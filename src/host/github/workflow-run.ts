import { readFileSync } from 'node:fs';

/** What is known of the run that the step belongs to. */
export interface WorkflowRun {
  /** `owner/name`; undefined where the variables are not those of a run. */
  readonly repository: string | undefined;
  /** The commit to report on: the head of the pull request rather than the merge commit that is checked out. */
  readonly headSha: string | undefined;
  readonly pullRequest: number | undefined;
  /** The pull request comes from another repository, so its token may only read. */
  readonly fork: boolean;
  /** Tells this step's comment from those of other jobs and steps. */
  readonly step: string;
}

interface Event {
  readonly number?: unknown;
  readonly pull_request?: {
    readonly number?: unknown;
    readonly head?: { readonly sha?: unknown; readonly repo?: { readonly full_name?: unknown } | null };
  };
  readonly repository?: { readonly full_name?: unknown };
}

/** Reads the variables and the event file that the runner provides. A missing or damaged file is no error: then it is no pull request. */
export function readWorkflowRun(env: Readonly<Record<string, string | undefined>>): WorkflowRun {
  const event = readEvent(env.GITHUB_EVENT_PATH);
  const repository = env.GITHUB_REPOSITORY;
  const head = event.pull_request?.head;
  const sha = isCommit(head?.sha) ? head.sha : env.GITHUB_SHA;
  const number = event.pull_request?.number ?? /^refs\/pull\/(\d+)\//.exec(env.GITHUB_REF ?? '')?.[1];
  return {
    repository: repository !== undefined && /^[\w.-]+\/[\w.-]+$/.test(repository) ? repository : undefined,
    headSha: isCommit(sha) ? sha : undefined,
    pullRequest: toNumber(number),
    fork: event.pull_request !== undefined && head?.repo?.full_name !== (event.repository?.full_name ?? repository),
    step: [workflowFile(env), env.GITHUB_JOB, env.GITHUB_ACTION].map((part) => part ?? '').join('\n'),
  };
}

function readEvent(path: string | undefined): Event {
  if (path === undefined || path === '') return {};
  try {
    const event: unknown = JSON.parse(readFileSync(path, 'utf8').replace(/^\uFEFF/, ''));
    return typeof event === 'object' && event !== null ? (event as Event) : {};
  } catch {
    return {};
  }
}

/** `owner/name/.github/workflows/ci.yml@ref` without the ref, which differs between the runs of a pull request's life. */
function workflowFile(env: Readonly<Record<string, string | undefined>>): string | undefined {
  return env.GITHUB_WORKFLOW_REF?.replace(/@.*$/s, '') ?? env.GITHUB_WORKFLOW;
}

function isCommit(text: unknown): text is string {
  return typeof text === 'string' && /^[0-9a-f]{40}([0-9a-f]{24})?$/.test(text);
}

function toNumber(value: unknown): number | undefined {
  const number = Number(value);
  return value !== undefined && Number.isSafeInteger(number) && number > 0 ? number : undefined;
}
