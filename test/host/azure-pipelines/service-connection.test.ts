import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type AzureCredential, openCredential } from '../../../src/azure/credential.ts';
import { readServiceConnection } from '../../../src/host/azure-pipelines/service-connection.ts';
import type { HttpClient } from '../../../src/lib/http.ts';
import { createHttp } from '../../../src/lib/http-client.ts';
import { StepError } from '../../../src/lib/step-error.ts';
import { type Sandbox, startSandbox } from '../../../src/sandbox/sandbox.ts';
import { connectionNames } from '../../../src/sandbox/service-connections.ts';

type Env = Readonly<Record<string, string | undefined>>;
const scope = 'https://vault.azure.net/.default';
let folder: string;
let sandbox: Sandbox;
let http: HttpClient;
let count = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'image-custody-connection-'));
  sandbox = await startSandbox(folder);
  http = createHttp({ userAgent: 'test', ca: [sandbox.authority.certificatePem] });
  process.env.AZURE_POD_IDENTITY_AUTHORITY_HOST = sandbox.metadata.url;
});
beforeEach(() => sandbox.azureDevops.faults.clear());
afterAll(async () => {
  delete process.env.AZURE_POD_IDENTITY_AUTHORITY_HOST;
  await sandbox.close();
  await rm(folder, { recursive: true });
});

async function prepare(connection: string): Promise<Env> {
  const inputs = { azureServiceConnection: connection };
  return (await sandbox.prepareAzurePipelinesStep({ folder: join(folder, `step-${count++}`), inputs })).env;
}

function read(env: Env) {
  const retry = { now: () => new Date(), random: () => 0, sleep: async () => undefined };
  return readServiceConnection(env.INPUT_AZURESERVICECONNECTION ?? '', { env, http, retry, imds: sandbox.metadata.url });
}

function open(env: Env): AzureCredential {
  const { choice, authorityHost } = read(env);
  return openCredential(choice, { authorityHost, transport: { agentFor: http.agentFor, maxRetries: 0, retryDelayMs: 1 } });
}

async function errorOf(promise: Promise<unknown>): Promise<StepError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof StepError)) throw new Error(`no StepError: ${String(error)}`);
  return error;
}

describe('a service connection', () => {
  it.each([
    ['federated', 'federated credential of application', 'objectId'],
    ['secret', 'client secret of application', 'objectId'],
    ['certificate', 'client certificate of application', 'objectId'],
    ['managed', 'managed identity', 'machineObjectId'],
  ] as const)('%s gives a token as it comes from the agent, in its own cloud', async (name, description, objectId) => {
    const env = await prepare(connectionNames[name]);
    const credential = open(env);
    const { token } = await credential.getToken(scope);
    await expect(sandbox.entra.verifyToken(token, 'https://vault.azure.net')).resolves.toMatchObject({ oid: sandbox.identity[objectId] });
    expect(credential.description).toContain(description);
    expect(credential.description).toContain(`(service connection ${env.INPUT_AZURESERVICECONNECTION})`);
  });

  it('that federates asks for its token with that of the job, anew for each token of Entra ID', async () => {
    const credential = open(await prepare(connectionNames.federated));
    const before = sandbox.azureDevops.requests.length;
    for (const host of ['vault.azure.net', 'containerregistry.azure.net', 'vault.azure.net'])
      await credential.getToken(`https://${host}/.default`);
    const asked = sandbox.azureDevops.requests.slice(before).filter(({ url }) => url.pathname.endsWith('/oidctoken'));
    expect(asked.map(({ method }) => method)).toEqual(['POST', 'POST']);
    expect(Object.fromEntries(asked[0]?.url.searchParams ?? [])).toEqual({
      'api-version': '7.1',
      serviceConnectionId: sandbox.identity.connectionId,
    });
  });

  it('masks what proves it, and nothing of it is in an error', async () => {
    const secret = read(await prepare(connectionNames.secret));
    expect(secret.secrets.map((value) => value.reveal())).toEqual([sandbox.identity.clientSecret]);
    const certificate = read(await prepare(connectionNames.certificate));
    expect(certificate.secrets.map((value) => value.reveal())).toEqual([await sandbox.clientCertificate()]);
    expect(JSON.stringify([secret, certificate])).not.toMatch(/PRIVATE KEY/);
  });

  it.each([
    [
      { ACTIVEDIRECTORYAUTHORITY: undefined, ENVIRONMENTAUTHORITYURL: undefined, ENVIRONMENT: 'AzureUSGovernment' },
      'https://login.microsoftonline.us/',
    ],
    [
      { ACTIVEDIRECTORYAUTHORITY: undefined, ENVIRONMENTAUTHORITYURL: undefined, ENVIRONMENT: 'AzureChinaCloud' },
      'https://login.chinacloudapi.cn/',
    ],
    [{ ACTIVEDIRECTORYAUTHORITY: undefined, ENVIRONMENTAUTHORITYURL: 'https://login.windows.net/' }, 'https://login.windows.net/'],
    [{ ACTIVEDIRECTORYAUTHORITY: undefined, ENVIRONMENTAUTHORITYURL: undefined, ENVIRONMENT: undefined }, undefined],
  ])('of the environment %o is of that cloud', async (data, authorityHost) => {
    const env = await prepare(connectionNames.federated);
    const changes = Object.entries(data).map(([name, value]) => [`ENDPOINT_DATA_${sandbox.identity.connectionId}_${name}`, value]);
    expect(read({ ...env, ...Object.fromEntries(changes) }).authorityHost).toBe(authorityHost);
  });
});

describe('a service connection that cannot be used', () => {
  it.each([
    ['is unknown', 'nobody', {}, 'service-connection-missing', 'az devops service-endpoint list'],
    ['has another scheme', connectionNames.federated, { AUTH_SCHEME: 'Token' }, 'service-connection-unsupported', 'workload identity'],
    ['lacks an id', connectionNames.federated, { AUTH_PARAMETER_TENANTID: '' }, 'service-connection-incomplete', 'Edit'],
    ['lacks its key', connectionNames.secret, { AUTH_PARAMETER_SERVICEPRINCIPALKEY: '' }, 'service-connection-incomplete', 'Edit'],
  ] as const)('for it %s is told before anything is asked', async (_, name, changes, code, hint) => {
    const env = await prepare(name);
    const id = env.INPUT_AZURESERVICECONNECTION;
    const changed = Object.entries(changes).map(([key, value]) => [
      key.replace(/^(AUTH_SCHEME|AUTH_PARAMETER)/, `ENDPOINT_$1_${id}`),
      value,
    ]);
    const error = await errorOf((async () => read({ ...env, ...Object.fromEntries(changed) }))());
    expect(error).toMatchObject({ code, origin: 'identity', hint: expect.stringContaining(hint) });
  });

  it.each([
    ['for the agent does not say where', { SYSTEM_OIDCREQUESTURI: undefined }, 'oidc-endpoint-missing', 'Update all agents'],
    ['for the job has no token', { ENDPOINT_AUTH_PARAMETER_SYSTEMVSSCONNECTION_ACCESSTOKEN: undefined }, 'oidc-endpoint-missing', 'agent'],
    [
      'for the job may not use it',
      { ENDPOINT_AUTH_PARAMETER_SYSTEMVSSCONNECTION_ACCESSTOKEN: 'expired-canary' },
      'service-connection-unauthorized',
      'az devops invoke --area pipelinePermissions',
    ],
  ])('gives no token, %s', async (_, changes, code, hint) => {
    const credential = open({ ...(await prepare(connectionNames.federated)), ...changes });
    const error = await errorOf(credential.getToken(scope));
    expect(error).toMatchObject({ code, origin: 'identity', hint: expect.stringContaining(hint) });
    expect(error.message + error.hint).not.toContain('canary');
  });

  it.each([
    [404, { message: 'Service connection was not found.' }, 'service-connection-unauthorized', 1],
    [403, { message: 'Access denied' }, 'service-connection-unauthorized', 1],
    [503, 'busy', 'service-connection-refused', 4],
    [200, {}, 'service-connection-refused', 1],
  ])('is told where Azure DevOps answers %s', async (status, body, code, times) => {
    const before = sandbox.azureDevops.requests.length;
    sandbox.azureDevops.faults.add({ status, body, times: Infinity });
    const error = await errorOf(open(await prepare(connectionNames.federated)).getToken(scope));
    expect(error).toMatchObject({ code, message: expect.stringContaining(String(status)) });
    expect(sandbox.azureDevops.requests.length - before).toBe(times);
  });

  it('is told with the host that did not answer, where that was Azure DevOps', async () => {
    const env = await prepare(connectionNames.federated);
    const { host } = new URL(sandbox.azureDevops.url);
    sandbox.azureDevops.faults.add({ reset: true, times: Infinity });
    const error = await errorOf(open(env).getToken(scope));
    expect(error).toMatchObject({
      code: 'identity-unreachable',
      message: expect.stringContaining(host),
      hint: expect.stringContaining(host),
    });
  });

  it('is federated by no credential of the application: the hint has what the connection presents', async () => {
    const env = await prepare(connectionNames.federated);
    const id = sandbox.identity.connectionId;
    const other = { [`ENDPOINT_AUTH_PARAMETER_${id}_SERVICEPRINCIPALID`]: sandbox.identity.machineId };
    const error = await errorOf(open({ ...env, ...other }).getToken(scope));
    expect(error).toMatchObject({ code: 'federation-missing', hint: expect.stringContaining(sandbox.azureDevops.subjectOf(id)) });
    expect(error.hint).toContain('this service connection');
  });
});
