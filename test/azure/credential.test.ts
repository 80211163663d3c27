import { afterAll, beforeAll, expect, test } from 'vitest';
import { type AzureCredential, openCredential } from '../../src/azure/credential.ts';
import { fetchRegistryToken } from '../../src/azure/registry-token.ts';
import { SecretValue } from '../../src/lib/secret-value.ts';
import { StepError } from '../../src/lib/step-error.ts';
import {
  clientId,
  clientSecret,
  type Directory,
  errorOf,
  expiredId,
  objectId,
  secretCredential,
  startDirectory,
  subject,
  tenantId,
  unfederatedId,
} from './directory.ts';

const scope = 'https://vault.azure.net/.default';
let directory: Directory;
beforeAll(async () => {
  directory = await startDirectory();
});
afterAll(() => directory.close());

function federated(fetchAssertion: (audience: string) => Promise<SecretValue>, id = clientId): AzureCredential {
  return openCredential({ kind: 'federated', tenantId, clientId: id, fetchAssertion }, directory.options);
}

test('a client secret gives a token, and with it the object id', async () => {
  const credential = secretCredential(directory);
  expect(credential.objectId).toBeUndefined();
  expect(credential.description).toBe(`client secret of application ${clientId} in tenant ${tenantId}`);
  const { token } = await credential.getToken(scope);
  await expect(directory.entra.verifyToken(token, 'https://vault.azure.net')).resolves.toMatchObject({ oid: objectId });
  expect(credential.description).toBe(`client secret of application ${clientId} in tenant ${tenantId}, object id ${objectId}`);
});

test('a token of the pipeline gives a token, asked for with the audience of the exchange', async () => {
  const audiences: string[] = [];
  const credential = federated(async (audience) => {
    audiences.push(audience);
    return new SecretValue(directory.assertion({ aud: audience }));
  });
  await credential.getToken(scope);
  expect(audiences).toEqual(['api://AzureADTokenExchange']);
  expect(credential.description).toContain('federated credential');
});

test('each cloud has its own audience for the exchange', () => {
  const audienceAt = (authorityHost: string) =>
    openCredential({ kind: 'federated', tenantId, clientId, fetchAssertion: async () => new SecretValue('') }, { authorityHost }).cloud
      .tokenExchangeAudience;
  expect(audienceAt('https://login.microsoftonline.us')).toBe('api://AzureADTokenExchangeUSGov');
  expect(audienceAt('https://login.partner.microsoftonline.cn/')).toBe('api://AzureADTokenExchangeChina');
});

test.each([
  ['a wrong secret', 'client-secret-wrong', 'az ad app credential reset', { secret: 'not-the-value' }],
  ['an expired secret', 'client-secret-expired', 'az ad app credential reset', { clientId: expiredId }],
  ['an unknown application', 'application-unknown', 'az ad sp', { clientId: '99999999-9999-4999-8999-999999999999' }],
  ['an unknown tenant', 'tenant-unknown', 'az account show', { tenantId: '99999999-9999-4999-8999-999999999999' }],
])('%s is told, with the command that mends it', async (_, code, hint, fields) => {
  const credential = secretCredential(directory, fields);
  const error = await errorOf(credential.getToken(scope), credential);
  expect(error).toMatchObject({ code, origin: 'identity', hint: expect.stringContaining(hint) });
  expect(error.message).toContain(credential.clientId);
  expect(error.message).toContain(credential.tenantId);
  expect(error.message).toContain('AADSTS');
  expect(error.message).not.toMatch(/Trace ID|Correlation ID/);
});

test.each([
  ['no federation', unfederatedId, {}],
  ['another subject', clientId, { sub: "repo:contoso/shop:environment:it's" }],
  ['a subject in another case', clientId, { sub: subject.toUpperCase() }],
  ['another audience', clientId, { aud: 'api://other' }],
])('%s is answered with the federated credential to create, safe to paste into a shell', async (_, id, claims) => {
  const credential = federated(async () => new SecretValue(directory.assertion(claims)), id);
  const error = await errorOf(credential.getToken(scope), credential);
  expect(error).toMatchObject({ code: 'federation-missing', origin: 'identity' });
  const [, command = ''] = /(az ad app federated-credential create .*?\})'\. /.exec(error.hint) ?? [];
  expect(command).toContain(`--id ${id}`);
  const { execFileSync } = await import('node:child_process');
  const words = execFileSync('sh', ['-c', `az() { for word in "$@"; do printf '%s\\n' "$word"; done; }; ${command}'`])
    .toString()
    .split('\n');
  const presented = { sub: subject, ...claims };
  expect(JSON.parse(words.at(-2) ?? '')).toEqual({
    name: 'image-custody',
    issuer: directory.issuer,
    subject: presented.sub,
    audiences: ['api://AzureADTokenExchange'],
  });
});

test('a pipeline token that is too old is told apart', async () => {
  const credential = federated(async () => new SecretValue(directory.assertion({ exp: Math.floor(Date.now() / 1000) - 3600 })));
  expect(await errorOf(credential.getToken(scope), credential)).toMatchObject({
    code: 'clock-skew',
    hint: expect.stringContaining('clock'),
  });
});

test('why the pipeline gave no token comes through unchanged', async () => {
  const reason = new StepError({ code: 'no-id-token', origin: 'host', message: 'Cannot ask GitHub', hint: 'permissions: id-token: write' });
  const credential = federated(() => Promise.reject(reason));
  await expect(credential.getToken(scope)).rejects.toBe(reason);
});

test('a host that does not answer, and one whose certificate is not trusted, are told apart', async () => {
  const choice = { kind: 'client-secret', tenantId, clientId, clientSecret: new SecretValue(clientSecret) } as const;
  const transport = { maxRetries: 0, timeoutMs: 2000 };
  const closed = await errorOf(openCredential(choice, { authorityHost: 'https://127.0.0.1:1', transport }).getToken(scope));
  expect(closed).toMatchObject({ code: 'identity-unreachable', origin: 'identity', hint: expect.stringContaining('firewall') });
  expect(closed.message).toContain('127.0.0.1:1');
  const untrusted = await errorOf(openCredential(choice, { authorityHost: directory.entra.url, transport }).getToken(scope));
  expect(untrusted).toMatchObject({ code: 'identity-unreachable', hint: expect.stringContaining('NODE_EXTRA_CA_CERTS') });
});

test('a host that never answers is given up', async () => {
  directory.entra.faults.add({ match: ({ method }) => method === 'POST', drop: true, times: Number.POSITIVE_INFINITY });
  const { authorityHost, transport } = directory.options;
  const choice = { kind: 'client-secret', tenantId, clientId, clientSecret: new SecretValue(clientSecret) } as const;
  const credential = openCredential(choice, { authorityHost, transport: { ...transport, maxRetries: 0, timeoutMs: 300 } });
  expect(await errorOf(credential.getToken(scope), credential)).toMatchObject({ code: 'identity-unreachable' });
  directory.entra.faults.clear();
});

test('a passing fault of the host is retried', async () => {
  directory.entra.faults.add({ match: ({ method }) => method === 'POST', status: 503, headers: { 'retry-after': '0' } });
  await expect(secretCredential(directory).getToken(scope)).resolves.toMatchObject({ token: expect.any(String) });
});

test('a server that echoes the secret does not bring it into the error', async () => {
  const credential = secretCredential(directory);
  const echo = { error: 'invalid_client', error_description: `AADSTS7000215: Invalid client secret ${clientSecret} provided.` };
  directory.entra.faults.add({ match: ({ method }) => method === 'POST', status: 401, body: echo });
  const error = await errorOf(credential.getToken(scope), credential);
  expect(error.message).toContain('Invalid client secret *** provided');
});

test('a registry token is for the registry, and for the resource manager where that is asked for; there is none where the tenant does not know the registry', async () => {
  const token = await fetchRegistryToken(secretCredential(directory), 'registry');
  await expect(directory.entra.verifyToken(token?.reveal() ?? '', 'https://containerregistry.azure.net')).resolves.toMatchObject({
    oid: objectId,
  });
  const unknown = {
    error: 'invalid_resource',
    error_description: 'AADSTS500011: The resource principal named https://containerregistry.azure.net was not found',
  };
  directory.entra.faults.add({ match: ({ method }) => method === 'POST', status: 400, body: unknown });
  expect(await fetchRegistryToken(secretCredential(directory), 'registry')).toBeUndefined();
  const other = await fetchRegistryToken(secretCredential(directory), 'resource-manager');
  await expect(directory.entra.verifyToken(other?.reveal() ?? '', 'https://management.azure.com')).resolves.toMatchObject({
    oid: objectId,
  });
});

test.each([
  ['azure-tenant-id', { tenantId: 'a/b' }, {}],
  ['azure-tenant-id', { tenantId: '' }, {}],
  ['azure-client-id', { clientId: 'my-app' }, {}],
  ['AZURE_AUTHORITY_HOST', {}, { authorityHost: 'http://login.microsoftonline.com' }],
  ['AZURE_AUTHORITY_HOST', {}, { authorityHost: 'login.microsoftonline.com' }],
  ['AZURE_AUTHORITY_HOST', {}, { authorityHost: 'https://login.microsoftonline.com/tenant' }],
])('%s is refused before anything is sent: %j %j', (input, fields, options) => {
  const choice = { kind: 'client-secret', tenantId, clientId, clientSecret: new SecretValue('x'), ...fields } as const;
  expect(() => openCredential(choice, options)).toThrow(
    expect.objectContaining({ code: 'bad-identity', origin: 'input', message: expect.stringContaining(input) }),
  );
});
