import { afterAll, beforeAll, expect, test } from 'vitest';
import { openFirstCredential } from '../../src/azure/first-credential.ts';
import type { CredentialChoice } from '../../src/lib/credential-choice.ts';
import type { ProgramOutcome } from '../../src/model/program.ts';
import { startInstanceMetadata } from '../../src/sandbox/managed-identity.ts';
import type { StandIn } from '../../src/sandbox/stand-in.ts';
import { clientId, type Directory, errorOf, objectId, startDirectory, tenantId } from './directory.ts';

const scope = 'https://vault.azure.net/.default';
let directory: Directory;
let metadata: StandIn;
const identities: { clientId: string; kind: 'system' }[] = [];
beforeAll(async () => {
  directory = await startDirectory();
  metadata = await startInstanceMetadata({ entra: directory.entra, identities });
  process.env.AZURE_POD_IDENTITY_AUTHORITY_HOST = metadata.url;
});
afterAll(async () => {
  delete process.env.AZURE_POD_IDENTITY_AUTHORITY_HOST;
  await Promise.all([metadata.close(), directory.close()]);
});

function open(outcome: ProgramOutcome, imds: string, onSignIn?: (description: string) => void) {
  const choices: readonly CredentialChoice[] = [
    { kind: 'managed-identity', clientId: undefined, imds },
    { kind: 'azure-cli', tenantId: undefined },
  ];
  let runs = 0;
  const runProgram = async () => {
    runs += 1;
    return outcome;
  };
  const credential = openFirstCredential(choices, 'no ids are given', {
    transport: directory.options.transport ?? {},
    runProgram,
    ...(onSignIn === undefined ? {} : { onSignIn }),
  });
  return { credential, runs: () => runs };
}

const nowhere = 'http://127.0.0.1:1';

test('nothing is asked before a token is wanted', () => {
  const { credential, runs } = open({ kind: 'absent' }, metadata.url);
  expect(credential).toMatchObject({ kind: 'undetermined', description: 'no Azure identity', tenantId: undefined });
  expect([runs(), metadata.requests.length]).toEqual([0, 0]);
});

test('where the machine has none of them, each is told with its reason', async () => {
  const { credential } = open({ kind: 'absent' }, nowhere);
  const error = await errorOf(credential.getToken(scope), credential);
  expect(error).toMatchObject({ code: 'no-identity', origin: 'identity', hint: expect.stringContaining('azure-service-connection') });
  expect(error.message).toMatch(/no ids are given; a managed identity: nothing answers at .*; the Azure CLI: there is no program az/);
});

test('a machine without an identity of its own has that of the Azure CLI', async () => {
  const accessToken = `h.${Buffer.from(JSON.stringify({ oid: objectId, tid: tenantId })).toString('base64url')}.s`;
  const output = Buffer.from(JSON.stringify({ accessToken, expires_on: Math.floor(Date.now() / 1000) + 3600, tenant: tenantId }));
  const told: string[] = [];
  const { credential } = open({ kind: 'ended', code: 0, output, errors: '' }, metadata.url, (text) => told.push(text));
  await Promise.all([credential.getToken(scope), credential.getToken(scope)]);
  expect(credential.kind).toBe('azure-cli');
  expect(told).toEqual([`login of the Azure CLI in tenant ${tenantId}, object id ${objectId}`]);
});

test('the identity of the machine comes first, and the Azure CLI is not started', async () => {
  identities.push({ clientId, kind: 'system' });
  const { credential, runs } = open({ kind: 'absent' }, metadata.url);
  await credential.getToken(scope);
  expect(credential).toMatchObject({ kind: 'managed-identity', objectId });
  expect(runs()).toBe(0);
});

test('one that is there and fails is told as it is', async () => {
  const expired = 'AADSTS700082: The refresh token has expired due to inactivity.';
  const { credential } = open({ kind: 'ended', code: 1, output: Buffer.alloc(0), errors: expired }, nowhere);
  expect(await errorOf(credential.getToken(scope), credential)).toMatchObject({ code: 'azure-cli-expired' });
});
