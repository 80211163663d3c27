import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type AzureCredential, openCredential } from '../../src/azure/credential.ts';
import { startInstanceMetadata } from '../../src/sandbox/managed-identity.ts';
import type { StandIn } from '../../src/sandbox/stand-in.ts';
import { clientId, type Directory, errorOf, objectId, startDirectory, tenantId, unfederatedId } from './directory.ts';

// The SDK keeps its source, its client and its tokens for the whole process: each test asks for another resource, or is refused.
const scopes = ['vault.azure.net', 'containerregistry.azure.net', 'management.azure.com'].map((host) => `https://${host}/.default`);
let directory: Directory;
let metadata: StandIn;
const identities: { clientId: string; kind: 'system' | 'user' }[] = [];

beforeAll(async () => {
  directory = await startDirectory();
  metadata = await startInstanceMetadata({ entra: directory.entra, identities });
  process.env.AZURE_POD_IDENTITY_AUTHORITY_HOST = metadata.url;
});
beforeEach(() => {
  identities.length = 0;
  metadata.faults.clear();
});
afterAll(async () => {
  delete process.env.AZURE_POD_IDENTITY_AUTHORITY_HOST;
  await Promise.all([metadata.close(), directory.close()]);
});

function open(id?: string, imds: string | undefined = metadata.url): AzureCredential {
  return openCredential(
    { kind: 'managed-identity', clientId: id, imds },
    // A proxy would be asked for a link-local address: whatever the transport says, nothing goes over its agents.
    { transport: { ...directory.options.transport, agentFor: () => expect.unreachable('the endpoint is not asked over a proxy') } },
  );
}

test('the identity of the machine gives a token, which says who it is', async () => {
  identities.push({ clientId, kind: 'system' });
  const credential = open();
  expect(credential.description).toBe('managed identity of this machine');
  const { token } = await credential.getToken(scopes[0] ?? '');
  await expect(directory.entra.verifyToken(token, 'https://vault.azure.net')).resolves.toMatchObject({ oid: objectId });
  expect(credential.description).toBe(`managed identity of this machine in tenant ${tenantId}, object id ${objectId}`);
  expect(credential).toMatchObject({ tenantId, clientId, objectId, principalType: 'ServicePrincipal' });
  expect(credential.secrets.has(token)).toBe(true);
});

test('one that a user has assigned is asked for by its client id', async () => {
  identities.push({ clientId, kind: 'user' }, { clientId: unfederatedId, kind: 'user' });
  const credential = open(unfederatedId);
  await credential.getToken(scopes[1] ?? '');
  expect(metadata.requests.at(-1)?.url.searchParams.get('client_id')).toBe(unfederatedId);
  expect(credential.description).toContain(`managed identity ${unfederatedId} in tenant ${tenantId}`);
});

test.each([
  ['none', [], undefined, 'managed-identity-missing', 'az vm identity assign'],
  [
    'not the one that was named',
    [{ clientId, kind: 'user' as const }],
    unfederatedId,
    'managed-identity-missing',
    `[?clientId=='${unfederatedId}']`,
  ],
  [
    'several',
    [
      { clientId, kind: 'user' as const },
      { clientId: unfederatedId, kind: 'user' as const },
    ],
    undefined,
    'managed-identity-ambiguous',
    'azure-client-id',
  ],
])('a machine with %s is told, with the command that mends it', async (_, given, id, code, hint) => {
  identities.push(...given);
  const credential = open(id);
  const error = await errorOf(credential.getToken(scopes[2] ?? ''), credential);
  expect(error).toMatchObject({ code, origin: 'identity', hint: expect.stringContaining(hint) });
});

test.each([
  [429, { error: 'too_many_requests', error_description: 'Temporarily throttled' }, 'managed-identity-busy'],
  [500, { error: 'unknown', error_description: 'Failed to retrieve token from the Active directory' }, 'managed-identity-refused'],
  [403, 'forbidden', 'managed-identity-refused'],
])('an endpoint that answers %s is asked again where that helps, and told', async (status, body, code) => {
  metadata.faults.add({ match: ({ headers }) => headers.metadata === 'true', status, body, times: Infinity });
  const asked = metadata.requests.length;
  const credential = open();
  expect(await errorOf(credential.getToken(scopes[2] ?? ''), credential)).toMatchObject({ code });
  // The probe, and three attempts where waiting helps.
  expect(metadata.requests.length - asked).toBe(status === 403 ? 2 : 4);
});

test('what the tenant does not know is told as everywhere', async () => {
  identities.push({ clientId, kind: 'system' });
  const credential = open();
  expect(await errorOf(credential.getToken('https://unknown.example/.default'), credential)).toMatchObject({ code: 'resource-unknown' });
});

test.each([404, 403, 401, 200])('another cloud or a proxy, which answers there with %s, is no endpoint', async (status) => {
  const before = metadata.requests.length;
  metadata.faults.add({ status, body: 'denied destination', times: Infinity });
  const credential = open();
  const error = await errorOf(credential.getToken(scopes[0] ?? ''), credential);
  expect(error).toMatchObject({ code: 'managed-identity-absent', message: expect.stringContaining(String(status)) });
  expect(metadata.requests.length - before).toBe(1);
});

test('no endpoint is known at once: nothing is waited for over retries', async () => {
  const credential = open(undefined, 'http://127.0.0.1:1');
  const error = await errorOf(credential.getToken(scopes[0] ?? ''), credential);
  expect(error).toMatchObject({ code: 'managed-identity-absent', message: expect.stringContaining('ECONNREFUSED') });
});
