import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { DevopsPullRequest } from './azure-devops/service.ts';
import type { AzureDevops, AzureDevopsOptions } from './azure-devops.ts';

/** A task of a job, as the agent starts it. */
export interface AzurePipelinesStepOptions {
  /** Folder of the step's own, made here. */
  readonly folder: string;
  /** Inputs by their name in task.json. */
  readonly inputs: Readonly<Record<string, string>>;
  /** The checked-out repository; an empty folder where absent. */
  readonly workspace?: string;
}

export interface AzurePipelinesStep {
  /** The whole environment: nothing is to be inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly temporaryFolder: string;
}

/** An Azure Resource Manager service connection, as the service hands it to the agent (azure-arm-endpoint.ts of azure-pipelines-tasks-common-packages). */
export interface ServiceConnection {
  readonly id: string;
  readonly name: string;
  readonly scheme: string;
  /** Of its authorization. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly data: Readonly<Record<string, string>>;
}

export interface AzurePipelinesJob {
  readonly azureDevops: AzureDevops;
  readonly organization: string;
  readonly project: AzureDevopsOptions['project'];
  readonly repository: AzureDevopsOptions['repository'];
  readonly pullRequest: DevopsPullRequest;
  /** The job's access token. */
  readonly token: string;
  /** Those of the project. A task is given those that its inputs name. */
  readonly connections: readonly ServiceConnection[];
}

const planId = '5a5a5a5a-0000-4000-8000-000000000001';
const jobId = '12f1170f-54f2-53f3-20dd-22fc7dff55f9';

/**
 * Prepares what azure-pipelines-agent gives a Node task in a build of a pull request: variables by VarUtil.ConvertToEnvVariableFormat, the
 * inputs and the endpoints (Handler.cs). The job's token comes as the endpoint SYSTEMVSSCONNECTION, and as no variable.
 */
export async function prepareAzurePipelinesStep(job: AzurePipelinesJob, options: AzurePipelinesStepOptions): Promise<AzurePipelinesStep> {
  const { folder } = options;
  const paths = {
    sources: options.workspace ?? join(folder, 's'),
    artifacts: join(folder, 'a'),
    binaries: join(folder, 'b'),
    temporary: join(folder, '_temp'),
    tools: join(folder, '_tool'),
    home: join(folder, 'home'),
  };
  await Promise.all(Object.values(paths).map((path) => mkdir(path, { recursive: true })));
  const variables = {
    ...toSystemVariables(job, paths.sources),
    ...toBuildVariables(job, paths),
    'agent.buildDirectory': folder,
    'agent.homeDirectory': folder,
    'agent.id': '1',
    'agent.jobName': 'Job',
    'agent.jobStatus': 'Succeeded',
    'agent.machineName': 'sandbox',
    'agent.name': 'Azure Pipelines 1',
    'agent.os': 'Linux',
    'agent.osArchitecture': 'X64',
    'agent.rootDirectory': folder,
    'agent.tempDirectory': paths.temporary,
    'agent.toolsDirectory': paths.tools,
    'agent.version': '4.260.0',
    'agent.workFolder': folder,
    'pipeline.workspace': folder,
    'task.displayName': 'Image Custody',
  };
  const named = job.connections.filter(({ id, name }) => Object.values(options.inputs).some((value) => value === name || value === id));
  // The service replaces the name of a connection by its id when the run is queued.
  const idOf = (value: string): string => named.find(({ name }) => name === value)?.id ?? value;
  const env = {
    HOME: paths.home,
    TF_BUILD: 'True',
    ...Object.fromEntries(Object.entries(variables).map(([name, value]) => [toVariableName(name), value])),
    'agent.jobstatus': variables['agent.jobStatus'],
    VSTS_PUBLIC_VARIABLES: JSON.stringify(Object.keys(variables)),
    VSTS_SECRET_VARIABLES: '[]',
    ...toSystemEndpoint(job),
    ...Object.assign({}, ...named.map(toServiceEndpoint)),
    ...Object.fromEntries(Object.entries(options.inputs).map(([name, value]) => [`INPUT_${toVariableName(name)}`, idOf(value)])),
  };
  return { env, temporaryFolder: paths.temporary };
}

/** https://learn.microsoft.com/azure/devops/pipelines/build/variables#system-variables-devops-services */
function toSystemVariables(job: AzurePipelinesJob, sources: string): Readonly<Record<string, string>> {
  const { azureDevops, project, pullRequest } = job;
  const collection = azureDevops.collectionUrl;
  return {
    'system.collectionId': '5a5a5a5a-0000-4000-8000-000000000002',
    'system.collectionUri': collection,
    'system.culture': 'en-US',
    'system.defaultWorkingDirectory': sources,
    'system.definitionId': '1',
    'system.hostType': 'build',
    'system.jobAttempt': '1',
    'system.jobDisplayName': 'Job',
    'system.jobId': jobId,
    'system.jobName': 'Job',
    'system.oidcRequestUri': `${collection}${project.id}/_apis/distributedtask/hubs/build/plans/${planId}/jobs/${jobId}/oidctoken`,
    'system.phaseName': 'Job',
    'system.planId': planId,
    'system.pullRequest.isFork': 'False',
    'system.pullRequest.pullRequestId': String(pullRequest.id),
    'system.pullRequest.pullRequestIteration': '1',
    'system.pullRequest.sourceBranch': pullRequest.sourceRef,
    'system.pullRequest.sourceCommitId': pullRequest.sourceCommit,
    'system.pullRequest.sourceRepositoryUri': `${collection}${project.name}/_git/${job.repository.name}`,
    'system.pullRequest.targetBranch': pullRequest.targetRef,
    'system.serverType': 'Hosted',
    'system.stageName': '__default',
    'system.taskInstanceId': '5a5a5a5a-0000-4000-8000-000000000003',
    'system.taskInstanceName': 'ImageCustody',
    'system.teamFoundationCollectionUri': collection,
    'system.teamFoundationServerUri': collection,
    'system.teamProject': project.name,
    'system.teamProjectId': project.id,
    'system.timelineId': planId,
  };
}

/** https://learn.microsoft.com/azure/devops/pipelines/build/variables#build-variables-devops-services */
function toBuildVariables(
  { azureDevops, project, repository, pullRequest }: AzurePipelinesJob,
  paths: { readonly sources: string; readonly artifacts: string; readonly binaries: string },
): Readonly<Record<string, string>> {
  return {
    'build.artifactStagingDirectory': paths.artifacts,
    'build.binariesDirectory': paths.binaries,
    'build.buildId': '1',
    'build.buildNumber': '20260101.1',
    'build.buildUri': 'vstfs:///Build/Build/1',
    'build.definitionName': 'shop',
    'build.queuedBy': 'Microsoft.VisualStudio.Services.TFS',
    'build.reason': 'PullRequest',
    'build.repository.id': repository.id,
    'build.repository.localPath': paths.sources,
    'build.repository.name': repository.name,
    'build.repository.provider': 'TfsGit',
    'build.repository.uri': `${azureDevops.collectionUrl}${project.name}/_git/${repository.name}`,
    'build.sourceBranch': `refs/pull/${pullRequest.id}/merge`,
    'build.sourceBranchName': 'merge',
    'build.sourcesDirectory': paths.sources,
    'build.sourceVersion': pullRequest.sourceCommit,
    'build.stagingDirectory': paths.artifacts,
  };
}

function toSystemEndpoint({ azureDevops, token }: AzurePipelinesJob): Readonly<Record<string, string>> {
  const authorization = { parameters: { AccessToken: token }, scheme: 'OAuth' };
  return {
    ENDPOINT_URL_SYSTEMVSSCONNECTION: azureDevops.collectionUrl,
    ENDPOINT_AUTH_SYSTEMVSSCONNECTION: JSON.stringify(authorization),
    ENDPOINT_AUTH_SCHEME_SYSTEMVSSCONNECTION: 'OAuth',
    ENDPOINT_AUTH_PARAMETER_SYSTEMVSSCONNECTION_ACCESSTOKEN: token,
  };
}

function toServiceEndpoint({ id, scheme, parameters, data }: ServiceConnection): Readonly<Record<string, string>> {
  const spread = (prefix: string, values: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
    Object.fromEntries(Object.entries(values).map(([key, value]) => [`${prefix}${id}_${toVariableName(key)}`, value]));
  return {
    [`ENDPOINT_URL_${id}`]: 'https://management.azure.com/',
    [`ENDPOINT_AUTH_${id}`]: JSON.stringify({ parameters, scheme }),
    [`ENDPOINT_AUTH_SCHEME_${id}`]: scheme,
    ...spread('ENDPOINT_AUTH_PARAMETER_', parameters),
    [`ENDPOINT_DATA_${id}`]: JSON.stringify(data),
    ...spread('ENDPOINT_DATA_', data),
  };
}

/** VarUtil.ConvertToEnvVariableFormat of azure-pipelines-agent: dots and spaces become underscores, and no other character. */
function toVariableName(name: string): string {
  return name.replace(/[. ]/g, '_').toUpperCase();
}
