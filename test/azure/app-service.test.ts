import { afterAll, beforeAll, expect, test } from 'vitest';
import { type AzureCredential, openCredential } from '../../src/azure/credential.ts';
import { type AppServiceIdentity, startAppServiceIdentity } from '../../src/sandbox/managed-identity.ts';
import { clientId, type Directory, errorOf, objectId, startDirectory, unfederatedId } from './directory.ts';

// In a file of its own, for the SDK looks once per process where managed identities come from.
const header = 'a-header-of-the-app-1b0c9';
let directory: Directory;
let app: AppServiceIdentity;

beforeAll(async () => {
  directory = await startDirectory();
  app = await startAppServiceIdentity({ entra: directory.entra, header, identities: [{ clientId, kind: 'system' }] });
  Object.assign(process.env, { IDENTITY_ENDPOINT: app.endpoint, IDENTITY_HEADER: header });
});
afterAll(async () => {
  delete process.env.IDENTITY_ENDPOINT;
  delete process.env.IDENTITY_HEADER;
  await Promise.all([app.close(), directory.close()]);
});

function open(id?: string): AzureCredential {
  return openCredential({ kind: 'managed-identity', clientId: id, imds: undefined }, { transport: { ...directory.options.transport } });
}

test('the identity of an app gives a token, asked for with its header and without a probe', async () => {
  const credential = open();
  const { token } = await credential.getToken('https://vault.azure.net/.default');
  await expect(directory.entra.verifyToken(token, 'https://vault.azure.net')).resolves.toMatchObject({ oid: objectId });
  expect(app.requests.map(({ url }) => url.searchParams.get('resource'))).toEqual(['https://vault.azure.net']);
});

test('an app without that identity is told', async () => {
  const credential = open(unfederatedId);
  const error = await errorOf(credential.getToken('https://management.azure.com/.default'), credential);
  expect(error).toMatchObject({ code: 'managed-identity-missing', message: expect.stringContaining('No User Assigned') });
  expect(JSON.stringify(error)).not.toContain(header);
});

test('an endpoint that is gone is told', async () => {
  app.faults.add({ reset: true, times: Infinity });
  const credential = open();
  const error = await errorOf(credential.getToken('https://containerregistry.azure.net/.default'), credential);
  expect(error).toMatchObject({ code: 'managed-identity-absent', hint: expect.stringContaining('IDENTITY_ENDPOINT') });
});
