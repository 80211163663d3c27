import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openCredential } from '../../src/azure/credential.ts';
import type { CredentialChoice } from '../../src/lib/credential-choice.ts';
import { SecretValue } from '../../src/lib/secret-value.ts';
import { type EntraError, entraErrors } from '../../src/sandbox/entra/error.ts';
import { type Entra, startEntra } from '../../src/sandbox/entra.ts';
import { clientId, clientSecret, type Directory, errorOf, objectId, startDirectory, subject, tenantId } from './directory.ts';

const scope = 'https://vault.azure.net/.default';
const ids = ['a', 'b', 'c', 'd'].map((digit) => clientId.replace(/^2+/, digit.repeat(8)));
let directory: Directory;
let entra: Entra;
beforeAll(async () => {
  directory = await startDirectory();
  const refusals = [
    entraErrors.disabledApplication(clientId),
    entraErrors.blockedByPolicy(),
    entraErrors.noConsent(clientId),
    entraErrors.throttled(),
  ];
  entra = await startEntra({
    tenantId,
    tls: await directory.authority.issueTls(),
    issuerCa: directory.authority.certificatePem,
    // Less than MSAL and this program renew ahead of the end.
    tokenLifetimeSeconds: 200,
    applications: [
      { clientId, objectId, secret: { value: clientSecret }, federated: [{ issuer: directory.issuer, subject }] },
      ...refusals.map((refusal: EntraError, index) => ({ clientId: ids[index] ?? '', objectId, secret: { value: clientSecret }, refusal })),
    ],
  });
});
beforeEach(() => entra.faults.clear());
afterAll(async () => {
  await Promise.all([entra.close(), directory.close()]);
});

function open(choice: CredentialChoice) {
  return openCredential(choice, { ...directory.options, authorityHost: entra.url });
}

function withSecret(id: string) {
  return open({ kind: 'client-secret', tenantId, clientId: id, clientSecret: new SecretValue(clientSecret) });
}

test.each([
  ['a disabled service principal', 0, 'principal-disabled', 'az ad sp update --id'],
  ['a conditional access policy', 1, 'conditional-access', 'named location'],
  ['a missing consent', 2, 'consent-missing', 'az ad app permission admin-consent'],
  ['a tenant that is busy', 3, 'identity-busy', 'fewer jobs'],
])('%s is told, with what mends it', async (_, index, code, hint) => {
  const credential = withSecret(ids[index] ?? '');
  const error = await errorOf(credential.getToken(scope), credential);
  expect(error).toMatchObject({ code, origin: 'identity', hint: expect.stringContaining(hint) });
  expect(error.message).toContain('AADSTS');
});

test.each(['53000', '53003', '530034'])('AADSTS%s is a conditional access policy, too', async (number) => {
  entra.faults.add({ status: 400, body: { error: 'invalid_grant', error_description: `AADSTS${number}: No.` }, times: Infinity });
  const credential = withSecret(clientId);
  expect(await errorOf(credential.getToken(scope), credential)).toMatchObject({ code: 'conditional-access' });
});

test('an endpoint that is busy is waited for as it says, and told where it stays so', async () => {
  entra.faults.add({ status: 429, headers: { 'retry-after': '0' } });
  await expect(withSecret(clientId).getToken(scope)).resolves.toMatchObject({ token: expect.any(String) });
  entra.faults.add({ status: 429, headers: { 'retry-after': '0' }, times: Infinity });
  const credential = withSecret(clientId);
  expect(await errorOf(credential.getToken(scope), credential)).toMatchObject({ code: 'identity-busy' });
});

test('what is no answer of Entra ID is told as such', async () => {
  entra.faults.add({ status: 403, body: '<html>Blocked by your proxy</html>', times: Infinity });
  const credential = withSecret(clientId);
  const error = await errorOf(credential.getToken(scope), credential);
  expect(error).toMatchObject({ code: 'identity-refused', hint: expect.stringContaining('proxy') });
});

test('a token is renewed before it ends, with a new proof', async () => {
  let proofs = 0;
  const fetchAssertion = async () => new SecretValue(directory.assertion({ jti: String(proofs++) }));
  const credential = open({ kind: 'federated', tenantId, clientId, fetchAssertion });
  const tokens = new Set([(await credential.getToken(scope)).token, (await credential.getToken(scope)).token]);
  expect([tokens.size, proofs]).toEqual([2, 2]);
});

test('a token that is good for long is given again without asking anybody', async () => {
  let proofs = 0;
  const fetchAssertion = async () => new SecretValue(directory.assertion({ jti: String(proofs++) }));
  const credential = openCredential({ kind: 'federated', tenantId, clientId, fetchAssertion }, directory.options);
  const first = await credential.getToken(scope);
  expect(await credential.getToken(scope)).toBe(first);
  expect(proofs).toBe(1);
});

test('a token of Kubernetes that nobody has renewed is told with its file and its end', async () => {
  const exp = Math.floor(Date.now() / 1000) - 3600;
  const fetchAssertion = async () => new SecretValue(directory.assertion({ exp, nbf: exp - 3600 }));
  const via = { kind: 'kubernetes', tokenFile: '/var/run/secrets/azure/tokens/azure-identity-token' } as const;
  const credential = open({ kind: 'federated', tenantId, clientId, fetchAssertion, via });
  const error = await errorOf(credential.getToken(scope), credential);
  expect(error).toMatchObject({ code: 'token-file-expired', hint: expect.stringContaining(via.tokenFile) });
  expect(error.hint).toContain(new Date(exp * 1000).toISOString());
  expect(credential.description).toContain('(workload identity of Kubernetes)');
});

test('tokens that are asked for at once do not mix up why each fails', async () => {
  const [blocked, known] = [withSecret(ids[1] ?? ''), withSecret(clientId)];
  const [error, token] = await Promise.all([errorOf(blocked.getToken(scope), blocked), known.getToken(scope)]);
  expect(error).toMatchObject({ code: 'conditional-access' });
  expect(token.token).toContain('.');
});
