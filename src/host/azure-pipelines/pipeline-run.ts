import { SecretValue } from '../../lib/secret-value.ts';

/** What is known of the run: https://learn.microsoft.com/azure/devops/pipelines/build/variables. */
export interface PipelineRun {
  /** Of an Azure Repos repository; undefined outside a pull request and for repositories elsewhere. */
  readonly pullRequest: PullRequest | undefined;
  /** A pull request of a repository that is not in Azure Repos. */
  readonly foreignProvider: string | undefined;
  /** Of the job, as the agent gives it to every task. */
  readonly token: SecretValue | undefined;
  /** Tells this step's thread from those of other jobs and steps. */
  readonly step: string;
  /** For messages: who the job's token is, as far as the variables tell. */
  readonly identity: string;
}

export interface PullRequest {
  readonly collectionUrl: string;
  readonly project: string;
  readonly repository: string;
  readonly id: number;
  /** `System.TeamProjectId`, by which permissions are kept. */
  readonly projectId: string | undefined;
}

export function readPipelineRun(env: Readonly<Record<string, string | undefined>>): PipelineRun {
  const provider = env.BUILD_REPOSITORY_PROVIDER;
  const id = Number(env.SYSTEM_PULLREQUEST_PULLREQUESTID);
  const collectionUrl = env.SYSTEM_COLLECTIONURI ?? env.SYSTEM_TEAMFOUNDATIONCOLLECTIONURI;
  const { SYSTEM_TEAMPROJECT: project, BUILD_REPOSITORY_ID: repository } = env;
  const inPullRequest = Number.isSafeInteger(id) && id > 0;
  const token = env.ENDPOINT_AUTH_PARAMETER_SYSTEMVSSCONNECTION_ACCESSTOKEN ?? env.SYSTEM_ACCESSTOKEN;
  return {
    pullRequest:
      inPullRequest && provider === 'TfsGit' && collectionUrl && URL.canParse(collectionUrl) && project && repository
        ? { collectionUrl: collectionUrl.replace(/\/*$/, '/'), project, repository, id, projectId: env.SYSTEM_TEAMPROJECTID }
        : undefined,
    foreignProvider: env.BUILD_REASON === 'PullRequest' && provider !== 'TfsGit' ? provider : undefined,
    token: token ? new SecretValue(token) : undefined,
    step: [env.SYSTEM_DEFINITIONID, env.SYSTEM_STAGENAME, env.SYSTEM_JOBNAME, env.SYSTEM_TASKINSTANCENAME]
      .map((part) => part ?? '')
      .join('\n'),
    identity: `"${project ?? 'PROJECT'} Build Service" or, where the job authorization scope is not limited to the project, "Project Collection Build Service"`,
  };
}
