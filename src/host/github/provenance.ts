import { toKnownFields } from '../../lib/known-fields.ts';
import type { BuildRun } from '../../model/build-run.ts';

/** https://github.com/actions/buildtypes/blob/main/workflow/v1/README.md, by the URL under which GitHub's own attestations name it. */
const githubBuildType = 'https://actions.github.io/buildtypes/workflow/v1';
/** Of events for which that build type must not be used; the parameters are the same (docs/attestations.md). */
const ownBuildType = 'https://github.com/image-custody/image-custody/buildtypes/github-actions/v1';
const githubEvents = ['create', 'release', 'push', 'workflow_dispatch'];

/**
 * The run that the step belongs to, as the runner's variables name it, which no step can set. Undefined where they are not those of a run.
 * https://docs.github.com/actions/reference/workflows-and-actions/variables
 */
export function readBuildRun(env: Readonly<Record<string, string | undefined>>): BuildRun | undefined {
  const { GITHUB_SERVER_URL: server = '', GITHUB_REPOSITORY: repository = '', GITHUB_REF: ref = '', GITHUB_SHA: commit = '' } = env;
  const { GITHUB_WORKFLOW_REF: workflowRef = '', GITHUB_RUN_ID: run = '', GITHUB_EVENT_NAME: event = '' } = env;
  const workflow = toWorkflow(workflowRef, repository, ref);
  const isRun = /^https?:\/\/[^/@]+$/.test(server) && /^[\w.-]+\/[\w.-]+$/.test(repository) && /^\d+$/.test(run) && event !== '';
  if (!isRun || workflow === undefined) return undefined;
  const address = `${server}/${repository}`;
  const isCommit = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/.test(commit);
  return {
    buildType: githubEvents.includes(event) ? githubBuildType : ownBuildType,
    builder: `${server}/${workflowRef}`,
    invocation: `${address}/actions/runs/${run}/attempts/${env.GITHUB_RUN_ATTEMPT ?? '1'}`,
    externalParameters: { workflow: { ref: workflow.ref, repository: address, path: workflow.path } },
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

/** `owner/name/.github/workflows/ci.yml@ref`; path and ref may have an `@`, too. */
function toWorkflow(text: string, repository: string, ref: string): { readonly path: string; readonly ref: string } | undefined {
  if (!text.startsWith(`${repository}/`)) return undefined;
  const rest = text.slice(repository.length + 1);
  const at = ref !== '' && rest.endsWith(`@${ref}`) ? rest.length - ref.length - 1 : rest.indexOf('@');
  return at <= 0 || at === rest.length - 1 ? undefined : { path: rest.slice(0, at), ref: rest.slice(at + 1) };
}
