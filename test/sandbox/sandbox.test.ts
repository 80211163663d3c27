import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPipelineRun } from '../../src/host/azure-pipelines/pipeline-run.ts';
import { readWorkflowRun } from '../../src/host/github/workflow-run.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';
import { send } from './client.ts';

let folder: string;
let sandbox: Sandbox;
let startMs: number;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sandbox-'));
  const began = performance.now();
  sandbox = await startSandbox(join(folder, 'sandbox'), { secrets: { 'registry-password': 'canary' } });
  startMs = performance.now() - began;
});

afterAll(async () => {
  await sandbox.close();
  await rm(folder, { recursive: true });
});

describe('the sandbox', () => {
  it('starts well under a second', () => {
    // Alone it takes a tenth; the rest is for a busy machine.
    expect(startMs).toBeLessThan(1000);
  });

  it('serves TLS that its file vouches for', async () => {
    const ca = await readFile(sandbox.caFile, 'utf8');
    for (const { url } of [sandbox.entra, sandbox.vault, sandbox.github, sandbox.azureDevops, sandbox.osv]) {
      expect(url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
      expect((await send(url, { ca })).status).toBeGreaterThanOrEqual(300);
    }
  });
});

describe('a child with nothing but the environment of a step', () => {
  it('on GitHub federates with the real SDK, reads the secret and no other', async () => {
    const step = await sandbox.prepareGithubStep({
      folder: join(folder, 'github'),
      inputs: { 'key-vault': sandbox.vault.url, 'fail-on': 'high' },
    });
    expect(step.env['INPUT_FAIL-ON']).toBe('high');
    const script = `
      import { ClientAssertionCredential } from '@azure/identity';
      import { SecretClient } from '@azure/keyvault-secrets';
      import { get } from 'node:https';
      const { env } = process;
      const assertion = () => new Promise((resolve, reject) => get(env.ACTIONS_ID_TOKEN_REQUEST_URL + '&audience=api://AzureADTokenExchange',
        { headers: { authorization: 'Bearer ' + env.ACTIONS_ID_TOKEN_REQUEST_TOKEN } },
        async (response) => resolve(JSON.parse((await response.toArray()).join('')).value)).on('error', reject));
      const credential = new ClientAssertionCredential(env.AZURE_TENANT_ID, env.AZURE_CLIENT_ID, assertion, { disableInstanceDiscovery: true });
      const client = new SecretClient(env['INPUT_KEY-VAULT'], credential, { disableChallengeResourceVerification: true });
      const missing = await client.getSecret('other').catch(({ code }) => code);
      console.log((await client.getSecret('registry-password')).value, missing);`;
    expect(await run(script, step.env)).toBe('canary SecretNotFound\n');
  });

  it('on Azure Pipelines federates with the real SDK through the service connection', async () => {
    const step = await sandbox.prepareAzurePipelinesStep({
      folder: join(folder, 'azure'),
      inputs: { keyVault: sandbox.vault.url, azureServiceConnection: 'contoso-azure' },
    });
    const script = `
      import { AzurePipelinesCredential } from '@azure/identity';
      import { SecretClient } from '@azure/keyvault-secrets';
      const { env } = process;
      const id = ${JSON.stringify(sandbox.identity.connectionId)};
      const credential = new AzurePipelinesCredential(env['ENDPOINT_AUTH_PARAMETER_' + id + '_TENANTID'],
        env['ENDPOINT_AUTH_PARAMETER_' + id + '_SERVICEPRINCIPALID'], id, env.ENDPOINT_AUTH_PARAMETER_SYSTEMVSSCONNECTION_ACCESSTOKEN,
        { disableInstanceDiscovery: true });
      const client = new SecretClient(env.INPUT_KEYVAULT, credential, { disableChallengeResourceVerification: true });
      console.log((await client.getSecret('registry-password')).value);`;
    expect(await run(script, step.env)).toBe('canary\n');
  });
});

describe('the environment', () => {
  it('is read by the GitHub host as a pull request of the stand-in', async () => {
    const step = await sandbox.prepareGithubStep({ folder: join(folder, 'github-read'), inputs: {} });
    expect(readWorkflowRun(step.env)).toMatchObject({
      repository: 'contoso/shop',
      headSha: 'a1'.repeat(20),
      pullRequest: sandbox.pullRequest,
      fork: false,
    });
    for (const name of ['GITHUB_OUTPUT', 'GITHUB_STEP_SUMMARY', 'GITHUB_STATE', 'GITHUB_ENV', 'GITHUB_PATH', 'GITHUB_EVENT_PATH']) {
      expect((await stat(step.env[name] ?? '')).isFile(), name).toBe(true);
    }
    for (const name of ['GITHUB_WORKSPACE', 'RUNNER_TEMP', 'RUNNER_TOOL_CACHE', 'HOME']) {
      expect((await stat(step.env[name] ?? '')).isDirectory(), name).toBe(true);
    }
    const reply = await ask(`${sandbox.github.url}/repos/contoso/shop/issues/${sandbox.pullRequest}/comments`, sandbox.githubToken);
    expect(reply).toMatchObject({ status: 200, json: [] });
  });

  it('is read by the Azure Pipelines host as a pull request of the stand-in', async () => {
    const step = await sandbox.prepareAzurePipelinesStep({ folder: join(folder, 'azure-read'), inputs: { failOn: 'high', 'a b.c': 'd' } });
    const { pullRequest, token } = readPipelineRun(step.env);
    expect(pullRequest).toMatchObject({ collectionUrl: sandbox.azureDevops.collectionUrl, project: 'Shop', id: sandbox.pullRequest });
    expect(step.env).toMatchObject({ INPUT_FAILON: 'high', INPUT_A_B_C: 'd', TF_BUILD: 'True', 'agent.jobstatus': 'Succeeded' });
    expect(JSON.parse(step.env.ENDPOINT_AUTH_SYSTEMVSSCONNECTION ?? '')).toEqual({
      parameters: { AccessToken: token?.reveal() },
      scheme: 'OAuth',
    });
    expect(JSON.parse(step.env.VSTS_PUBLIC_VARIABLES ?? '')).toContain('system.oidcRequestUri');
    expect(step.env.SYSTEM_ACCESSTOKEN).toBeUndefined();
    const threads = `${pullRequest?.collectionUrl}Shop/_apis/git/repositories/${pullRequest?.repository}/pullRequests/${pullRequest?.id}/threads`;
    expect(await ask(threads, token?.reveal() ?? '')).toMatchObject({ status: 200, json: { count: 0 } });
  });

  it('carries no secret of the sandbox but the tokens of the job', async () => {
    const step = await sandbox.prepareGithubStep({ folder: join(folder, 'github-secrets'), inputs: {} });
    const text = JSON.stringify(step.env);
    expect(text).not.toContain(sandbox.identity.clientSecret);
    expect(text).not.toContain('canary');
    expect(text).not.toContain(sandbox.githubToken);
  });
});

function ask(url: string, token: string) {
  return send(url, { ca: sandbox.authority.certificatePem, headers: { authorization: `Bearer ${token}` } });
}

async function run(script: string, env: Readonly<Record<string, string>>): Promise<string> {
  const root = resolve(import.meta.dirname, '../..');
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], { env: { ...env }, cwd: root });
  return stdout;
}
