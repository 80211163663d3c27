import { toKnownFields } from '../../lib/known-fields.ts';
import type { SecretValue } from '../../lib/secret-value.ts';
import type { BuildRun } from '../../model/build-run.ts';

/** https://github.com/actions/buildtypes/blob/main/workflow/v1/README.md, by the URL under which GitHub's own attestations name it. */
const githubBuildType = 'https://actions.github.io/buildtypes/workflow/v1';
/** Of events for which that build type must not be used; the parameters are the same (docs/attestations.md). */
const ownBuildType = 'https://github.com/image-custody/image-custody/buildtypes/github-actions/v1';
const githubEvents = ['create', 'release', 'push', 'workflow_dispatch'];

/** The audience of the token that is asked who runs the job; nobody takes it. */
const audience = 'image-custody';

/**
 * The run that the step belongs to. Its builder is the workflow that has the job, as the build type wants it: in a reusable workflow this is another one than was started,
 * and only GitHub's identity token names it. Without a right to one, or where GitHub gives none, it is the workflow that was started.
 */
export async function findBuildRun(
  env: Readonly<Record<string, string | undefined>>,
  fetchIdentityToken: ((audience: string) => Promise<SecretValue>) | undefined,
): Promise<BuildRun | undefined> {
  const run = readBuildRun(env);
  const token = run && (await fetchIdentityToken?.(audience).catch(() => undefined));
  const claims = token === undefined ? {} : readClaims(token);
  const workflow = claims.job_workflow_ref;
  const isOfThisRun = claims.repository === env.GITHUB_REPOSITORY && claims.run_id === env.GITHUB_RUN_ID;
  if (run === undefined || !isOfThisRun || typeof workflow !== 'string' || splitWorkflow(workflow) === undefined) return run;
  return { ...run, builder: `${env.GITHUB_SERVER_URL}/${workflow}` };
}

/** Not verified: it comes from the address that the runner gave, as its variables do. https://docs.github.com/actions/reference/security/oidc#oidc-token-claims */
function readClaims(token: SecretValue): Readonly<Record<string, unknown>> {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.reveal().split('.')[1] ?? '', 'base64url').toString());
    return typeof claims === 'object' && claims !== null ? (claims as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/**
 * The same as the runner's variables name it, which no step can set. Undefined where they are not those of a run.
 * https://docs.github.com/actions/reference/workflows-and-actions/variables
 */
export function readBuildRun(env: Readonly<Record<string, string | undefined>>): BuildRun | undefined {
  const { GITHUB_SERVER_URL: server = '', GITHUB_REPOSITORY: repository = '', GITHUB_REF: ref = '', GITHUB_SHA: commit = '' } = env;
  const { GITHUB_WORKFLOW_REF: workflowRef = '', GITHUB_RUN_ID: run = '', GITHUB_EVENT_NAME: event = '' } = env;
  const workflow = splitWorkflow(workflowRef, ref);
  const isRun = /^https?:\/\/[^/@]+$/.test(server) && /^[\w.-]+\/[\w.-]+$/.test(repository) && /^\d+$/.test(run) && event !== '';
  if (!isRun || workflow === undefined) return undefined;
  const address = `${server}/${repository}`;
  const isCommit = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/.test(commit);
  return {
    buildType: githubEvents.includes(event) && workflow.repository === repository ? githubBuildType : ownBuildType,
    builder: `${server}/${workflowRef}`,
    invocation: `${address}/actions/runs/${run}/attempts/${env.GITHUB_RUN_ATTEMPT ?? '1'}`,
    externalParameters: { workflow: { ref: workflow.ref, repository: `${server}/${workflow.repository}`, path: workflow.path } },
    internalParameters: {
      github: toKnownFields({
        event_name: event,
        repository_id: env.GITHUB_REPOSITORY_ID,
        repository_owner_id: env.GITHUB_REPOSITORY_OWNER_ID,
        runner_environment: env.RUNNER_ENVIRONMENT,
      }),
    },
    source: isCommit && ref !== '' ? { uri: `git+${address}@${ref}`, commit } : undefined,
  };
}

interface Workflow {
  /** `owner/name`; of a workflow that the rules of an organization require, another one than the run's. */
  readonly repository: string;
  readonly path: string;
  readonly ref: string;
}

/** `owner/name/.github/workflows/ci.yml@ref`; path and ref may have an `@`, too, and the ref is often known. */
function splitWorkflow(text: string, ref = ''): Workflow | undefined {
  const [, repository = '', rest = ''] = /^([\w.-]+\/[\w.-]+)\/(.+)$/s.exec(text) ?? [];
  const at = ref !== '' && rest.endsWith(`@${ref}`) ? rest.length - ref.length - 1 : rest.indexOf('@');
  return at <= 0 || at === rest.length - 1 ? undefined : { repository, path: rest.slice(0, at), ref: rest.slice(at + 1) };
}
