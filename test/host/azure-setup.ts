import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAzurePipelinesHost } from '../../src/host/azure-pipelines/azure-pipelines-host.ts';
import type { Host } from '../../src/host/host.ts';
import { type AzureDevops, type AzureDevopsOptions, startAzureDevops } from '../../src/sandbox/azure-devops.ts';
import { prepareAzurePipelinesStep } from '../../src/sandbox/azure-pipelines-agent.ts';
import { http } from './github-setup.ts';

const project = { id: '11111111-0000-4000-8000-000000000001', name: 'Fabrikam Fiber' };
const repository = { id: '22222222-0000-4000-8000-000000000002', name: 'shop' };
const pullRequest = {
  id: 22,
  title: '##vso[task.complete]',
  sourceRef: 'refs/heads/topic',
  targetRef: 'refs/heads/main',
  sourceCommit: 'a1'.repeat(20),
  targetCommit: 'b2'.repeat(20),
  files: ['/Dockerfile'],
};
export const builder = { id: '33333333-0000-4000-8000-000000000003', displayName: 'Fabrikam Build Service', mayContribute: true };
export const stranger = { id: '44444444-0000-4000-8000-000000000004', displayName: 'Mallory', mayContribute: true };

export interface AzureRun {
  readonly host: Host;
  readonly output: () => string;
}

export interface AzureSetup extends AzureRun {
  readonly azureDevops: AzureDevops;
  readonly env: Readonly<Record<string, string>>;
  readonly temporaryFolder: string;
  again(change?: { readonly subject?: string; readonly env?: Readonly<Record<string, string | undefined>> }): AzureRun;
  close(): Promise<void>;
}

/** A task of a pull request's build, with the stand-in of Azure DevOps behind it. */
export async function setUpAzure(options: Partial<AzureDevopsOptions> = {}, token = 'builder'): Promise<AzureSetup> {
  const azureDevops = await startAzureDevops({
    organization: 'fabrikam',
    project,
    repository,
    pullRequests: [pullRequest],
    tokens: { builder, reader: { ...builder, mayContribute: false }, stranger },
    ...options,
  });
  const folder = await mkdtemp(join(tmpdir(), 'image-custody-test-'));
  const job = { azureDevops, organization: 'fabrikam', project, repository, pullRequest, token, connections: [] };
  const step = await prepareAzurePipelinesStep(job, { folder, inputs: { failOn: 'high' } });
  let count = 0;
  function again(change: Parameters<AzureSetup['again']>[0] = {}): AzureRun {
    let written = '';
    const host = createAzurePipelinesHost({
      env: { ...step.env, ...change.env },
      write: (text) => {
        written += text;
      },
      http,
      subject: change.subject ?? 'shop',
      random: () => {
        count += 1;
        return `random-${count}`;
      },
    });
    return { host, output: () => written };
  }
  return { azureDevops, ...again(), env: step.env, temporaryFolder: step.temporaryFolder, again, close: () => azureDevops.close() };
}
