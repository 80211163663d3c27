import { toKnownFields } from '../../lib/known-fields.ts';
import type { BuildRun } from '../../model/build-run.ts';

/** docs/attestations.md */
const buildType = 'https://github.com/image-custody/image-custody/buildtypes/azure-pipelines/v1';

/**
 * The run that the task belongs to, as the agent's variables name it. Undefined where they are not those of a pipeline that builds: in a classic release they
 * tell of the run that made its artifact. https://learn.microsoft.com/azure/devops/pipelines/build/variables
 */
export function readBuildRun(env: Readonly<Record<string, string | undefined>>): BuildRun | undefined {
  const { SYSTEM_COLLECTIONURI: collectionUri = '', SYSTEM_TEAMPROJECT: project = '', SYSTEM_DEFINITIONID: definitionId = '' } = env;
  const { BUILD_BUILDID: build = '', SYSTEM_HOSTTYPE: hostType = 'build' } = env;
  const collection = toPlainUrl(collectionUri);
  const isRun = project !== '' && /^\d+$/.test(definitionId) && /^\d+$/.test(build) && hostType === 'build';
  if (!isRun || collection === undefined) return undefined;
  const address = `${collection}/${encodeURIComponent(project)}`;
  const repository = toPlainUrl(env.BUILD_REPOSITORY_URI ?? '');
  const ref = env.BUILD_SOURCEBRANCH;
  return {
    buildType,
    builder: `${address}/_build?definitionId=${definitionId}`,
    invocation: `${address}/_build/results?buildId=${build}`,
    externalParameters: {
      pipeline: toKnownFields({ collection, project, definitionId, definitionName: env.BUILD_DEFINITIONNAME }),
      source: toKnownFields({ repository, ref }),
    },
    internalParameters: {
      azurePipelines: toKnownFields({
        reason: env.BUILD_REASON,
        projectId: env.SYSTEM_TEAMPROJECTID,
        repositoryId: toIdentifier(env.BUILD_REPOSITORY_ID),
        repositoryProvider: env.BUILD_REPOSITORY_PROVIDER,
        stageAttempt: env.SYSTEM_STAGEATTEMPT,
        jobAttempt: env.SYSTEM_JOBATTEMPT,
      }),
    },
    source: toSource(repository, ref, env.BUILD_SOURCEVERSION),
  };
}

/** Undefined for what is not Git: the version of TFVC is a number. */
function toSource(repository: string | undefined, ref: string | undefined, commit = ''): BuildRun['source'] {
  if (repository === undefined || !ref || !/^[0-9a-f]{40}(?:[0-9a-f]{24})?$/.test(commit)) return undefined;
  return { uri: `git+${repository}@${ref}`, commit };
}

/** Of a repository that is only known by its address it is the address. */
function toIdentifier(text = ''): string | undefined {
  return text.includes('://') ? toPlainUrl(text) : text;
}

/** Without a user, whom the URI of a repository names (`https://contoso@dev.azure.com/…`), and without a slash at its end. */
function toPlainUrl(text: string): string | undefined {
  if (!/^https?:/i.test(text) || !URL.canParse(text)) return undefined;
  const { origin, pathname } = new URL(text);
  return `${origin}${pathname}`.replace(/\/+$/, '');
}
