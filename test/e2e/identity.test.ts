import { createPrivateKey } from 'node:crypto';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OAuth2Server } from 'oauth2-mock-server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toCamelCase } from '../../src/inputs/input.ts';
import { startEntra } from '../../src/sandbox/entra.ts';
import type { Exchange } from '../../src/sandbox/exchange.ts';
import { startAppServiceIdentity } from '../../src/sandbox/managed-identity.ts';
import { connectionNames } from '../../src/sandbox/service-connections.ts';
import { expectDescribed } from './descriptions.ts';
import { readDescriptions } from './openapi.ts';
import { shared } from './peers.ts';
import { type ShopSandbox, startShopSandbox } from './shop-sandbox.ts';
import { runBundle, type StepResult } from './step.ts';

/** The packaged hosts as each kind of Azure identity, with what a real runner gives them: an environment, and nothing else. */
let world: ShopSandbox;
let workspace: string;
const exchanges: Exchange[] = [];
let count = 0;

beforeAll(async () => {
  world = await startShopSandbox((exchange) => exchanges.push(exchange));
  workspace = join(world.folder, 'workspace');
  await world.placeShop(workspace, 'fixed');
  return () => world.close();
});

type Env = Readonly<Record<string, string | undefined>>;

async function runTask(inputs: Readonly<Record<string, string>>, change: (env: Env) => Env = (env) => env): Promise<StepResult> {
  const camel = Object.fromEntries(Object.entries({ ...world.inputs, ...inputs }).map(([name, value]) => [toCamelCase(name), value]));
  const step = await world.sandbox.prepareAzurePipelinesStep({ folder: join(world.folder, `task-${count++}`), workspace, inputs: camel });
  return runBundle('azure-pipelines.js', [], { env: change(step.env), cwd: workspace });
}

async function runAction(inputs: Readonly<Record<string, string>>, change: (env: Env) => Env | Promise<Env>): Promise<StepResult> {
  const given = { ...world.inputs, 'github-token': world.sandbox.githubToken, ...inputs };
  const step = await world.sandbox.prepareGithubStep({ folder: join(world.folder, `action-${count++}`), workspace, inputs: given });
  // None of these may be taken for GitHub's own federation.
  const { ACTIONS_ID_TOKEN_REQUEST_URL: _, ACTIONS_ID_TOKEN_REQUEST_TOKEN: __, ...env } = step.env;
  return runBundle('github.js', [], { env: { ...(await change(env)) }, cwd: workspace });
}

/** That the step went through as this identity, and that nothing which proves it was shown but to be masked. */
function expectSignedIn({ exitCode, stdout, stderr }: StepResult, description: string, objectId: string, secrets: readonly string[]): void {
  expect(exitCode, stdout + stderr).toBe(0);
  const lines = stdout.split('\n').filter((line) => line.startsWith('Signed in as '));
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain(description);
  expect(lines[0]).toContain(`in tenant ${world.sandbox.identity.tenantId}, object id ${objectId}.`);
  const shown = stdout.split('\n').filter((line) => !/^(?:##vso\[task\.setsecret\]|::add-mask::)/.test(line));
  for (const secret of secrets.flatMap((text) => text.split('\n')).filter((line) => line.length > 30 && !line.startsWith('-----'))) {
    expect([...shown, stderr].join('\n')).not.toContain(secret);
  }
}

describe('the task of Azure Pipelines', () => {
  it.each([
    ['federated', 'federated credential of application'],
    ['secret', 'client secret of application'],
    ['certificate', 'client certificate of application'],
    ['managed', 'managed identity'],
  ] as const)('publishes as a service connection: %s', async (name, description) => {
    const { identity } = world.sandbox;
    const run = await runTask({ 'azure-service-connection': connectionNames[name] });
    const objectId = name === 'managed' ? identity.machineObjectId : identity.objectId;
    expectSignedIn(run, description, objectId, [identity.clientSecret, await world.sandbox.clientCertificate()]);
  });

  it('asks Azure DevOps for the token as it is described', () => {
    const asked = exchanges.filter(({ request }) => request.url.pathname.endsWith('/oidctoken'));
    const task = readDescriptions({ 'task.json': shared('testdata/openapi/azure-devops/7.1/distributedTask/task.json') });
    expectDescribed(task, asked, 1);
    expect(asked.every(({ answer }) => answer?.status === 200)).toBe(true);
  });

  it.each([
    ['of another project', { 'azure-service-connection': 'nobody' }, 3, 'service-connection-missing'],
    [
      'beside another identity',
      { 'azure-service-connection': connectionNames.federated, 'azure-identity': 'azure-cli' },
      2,
      'input-conflict',
    ],
  ])('ends with a message for a connection %s', async (_, inputs, exitCode, code) => {
    const run = await runTask(inputs);
    expect(run.exitCode, run.stdout).toBe(exitCode);
    expect(run.stdout).toContain(`Error code: ${code} `);
  });

  it('ends with a message where the job has no token for the connection', async () => {
    const run = await runTask({ 'azure-service-connection': connectionNames.federated }, (env) => ({
      ...env,
      ENDPOINT_AUTH_PARAMETER_SYSTEMVSSCONNECTION_ACCESSTOKEN: 'over',
    }));
    expect(run.exitCode).toBe(3);
    expect(run.stdout).toContain('Error code: service-connection-unauthorized ');
  });
});

describe('the action on a self-hosted runner', () => {
  const header = 'header-of-the-app-5d1a7c2e9b40';
  const machine = () => ({
    objectId: world.sandbox.identity.machineObjectId,
    inputs: { 'azure-identity': 'managed-identity', 'azure-client-id': world.sandbox.identity.machineId },
  });

  it('publishes as the managed identity of a virtual machine', async () => {
    const { objectId, inputs } = machine();
    const run = await runAction(inputs, (env) => ({ ...env, AZURE_POD_IDENTITY_AUTHORITY_HOST: world.sandbox.metadata.url }));
    expectSignedIn(run, 'managed identity', objectId, []);
  });

  it('publishes as the managed identity of an app', async () => {
    const { objectId, inputs } = machine();
    const app = await startAppServiceIdentity({
      entra: world.sandbox.entra,
      header,
      identities: [{ clientId: world.sandbox.identity.machineId, kind: 'user' }],
    });
    const run = await runAction(inputs, (env) => ({ ...env, IDENTITY_ENDPOINT: app.endpoint, IDENTITY_HEADER: header }));
    await app.close();
    expectSignedIn(run, 'managed identity', objectId, [header]);
  });

  it('publishes with a client certificate that has a password', async () => {
    const file = join(world.folder, 'client.pem');
    const pem = await world.sandbox.clientCertificate();
    const passphrase = 'a password of the key, which is long enough to be seen';
    const key = createPrivateKey(pem).export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase });
    await writeFile(file, `${key}${pem.slice(pem.indexOf('-----BEGIN CERTIFICATE'))}`);
    const given = { AZURE_CLIENT_CERTIFICATE_PATH: file, AZURE_CLIENT_CERTIFICATE_PASSWORD: passphrase };
    const run = await runAction({}, (env) => ({ ...env, ...given }));
    expectSignedIn(run, 'client certificate of application', world.sandbox.identity.objectId, [pem, passphrase]);
  });

  it('publishes as who is logged in to the Azure CLI, which gets nothing of the run', async () => {
    const { identity, entra } = world.sandbox;
    const home = join(world.folder, 'home');
    await mkdir(join(home, 'bin'), { recursive: true });
    const accessToken = await entra.issueToken(identity.clientId, 'https://vault.azure.net', { scp: 'user_impersonation' });
    const answer = { accessToken, expires_on: Math.floor(Date.now() / 1000) + 3600, tenant: identity.tenantId };
    await writeFile(join(home, 'answer.json'), JSON.stringify(answer));
    await writeFile(
      join(home, 'bin/az'),
      '#!/bin/sh\n/usr/bin/env > "$HOME/env"\necho "$*" >> "$HOME/args"\nexec /bin/cat "$HOME/answer.json"\n',
    );
    await chmod(join(home, 'bin/az'), 0o755);
    const run = await runAction({ 'azure-identity': 'azure-cli' }, (env) => ({
      ...env,
      HOME: home,
      PATH: `${join(home, 'bin')}:/usr/bin:/bin`,
      AZURE_CLIENT_SECRET: identity.clientSecret,
      NPM_TOKEN: 'a token of something else',
    }));
    expectSignedIn(run, 'login of the Azure CLI', identity.objectId, [accessToken, identity.clientSecret]);
    const names = (await readFile(join(home, 'env'), 'utf8')).split('\n').map((line) => line.split('=')[0]);
    expect(names.filter((name) => !['', 'HOME', 'PATH', 'PWD', 'OLDPWD', 'SHLVL', '_'].includes(name ?? ''))).toEqual([]);
    expect(await readFile(join(home, 'args'), 'utf8')).toBe(
      `account get-access-token --output json --resource https://vault.azure.net --tenant ${identity.tenantId}\n`,
    );
  });
});

describe('the action in a pod with Microsoft Entra Workload ID', () => {
  const subject = 'system:serviceaccount:ci:runner';
  let cluster: OAuth2Server;
  let tokenFile: string;
  let tenantUrl: string;

  beforeAll(async () => {
    const { authority, identity } = world.sandbox;
    const tls = await authority.issueTls();
    const [keyFile, certificateFile] = [join(world.folder, 'cluster.key'), join(world.folder, 'cluster.crt')];
    await Promise.all([writeFile(keyFile, tls.keyPem), writeFile(certificateFile, tls.certificatePem)]);
    // The cluster's issuer is somebody else's OpenID provider.
    cluster = new OAuth2Server(keyFile, certificateFile);
    await cluster.issuer.keys.generate('RS256');
    await cluster.start(0, '127.0.0.1');
    const tenant = await startEntra({
      tenantId: identity.tenantId,
      tls,
      issuerCa: authority.certificatePem,
      applications: [
        { clientId: identity.clientId, objectId: identity.objectId, federated: [{ issuer: cluster.issuer.url ?? '', subject }] },
      ],
    });
    tenantUrl = tenant.url;
    tokenFile = join(world.folder, 'azure-identity-token');
    return () => tenant.close();
  });
  afterAll(() => cluster.stop());

  /** The vault of the sandbox trusts its own tenant alone: whose tokens these are shows as a refusal of the vault, after the sign-in. */
  async function run(lifetimeSeconds: number): Promise<StepResult> {
    const now = Math.floor(Date.now() / 1000);
    const claims = { sub: subject, aud: 'api://AzureADTokenExchange', iat: now - 7200, nbf: now - 7200, exp: now + lifetimeSeconds };
    const token = await cluster.issuer.buildToken({ scopesOrTransform: (_, payload) => void Object.assign(payload, claims) });
    await writeFile(tokenFile, token);
    const result = await runAction({}, (env) => ({ ...env, AZURE_FEDERATED_TOKEN_FILE: tokenFile, AZURE_AUTHORITY_HOST: tenantUrl }));
    expect(result.stdout + result.stderr).not.toContain(token);
    return result;
  }

  it("signs in by the pod's token", async () => {
    const { stdout } = await run(3600);
    expect(stdout).toContain(
      `Signed in as federated credential of application ${world.sandbox.identity.clientId} (workload identity of Kubernetes) in tenant ${world.sandbox.identity.tenantId}, object id ${world.sandbox.identity.objectId}.`,
    );
  });

  it('ends with a message for one that the kubelet has not renewed', async () => {
    const { exitCode, stdout } = await run(-3600);
    expect(exitCode).toBe(3);
    expect(stdout).toContain('Error code: token-file-expired ');
  });
});
