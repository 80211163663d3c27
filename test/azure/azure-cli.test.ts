import { expect, test } from 'vitest';
import { openCredential } from '../../src/azure/credential.ts';
import type { ProgramOutcome, ProgramRequest } from '../../src/model/program.ts';
import { errorOf, objectId, tenantId } from './directory.ts';

const scope = 'https://vault.azure.net/.default';

function toToken(claims: object): string {
  return `h.${Buffer.from(JSON.stringify({ oid: objectId, tid: tenantId, ...claims })).toString('base64url')}.s`;
}

function printed(fields: object): ProgramOutcome {
  return { kind: 'ended', code: 0, output: Buffer.from(JSON.stringify(fields)), errors: '' };
}

function failed(errors: string): ProgramOutcome {
  return { kind: 'ended', code: 1, output: Buffer.alloc(0), errors };
}

function open(answer: () => ProgramOutcome, tenant?: string) {
  const requests: ProgramRequest[] = [];
  const runProgram = async (request: ProgramRequest) => {
    requests.push(request);
    return answer();
  };
  return { requests, credential: openCredential({ kind: 'azure-cli', tenantId: tenant }, { runProgram }) };
}

const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds;

test('az is asked for the resource, in the tenant, and a token is kept until shortly before its end', async () => {
  let count = 0;
  const lifetimes = [200, 3600, 3600];
  const answer = () =>
    printed({
      accessToken: toToken({ scp: 'user_impersonation', n: count }),
      expires_on: inSeconds(lifetimes[count++] ?? 0),
      tenant: tenantId,
    });
  const { requests, credential } = open(answer, tenantId);
  const tokens = [await credential.getToken(scope), await credential.getToken(scope), await credential.getToken(scope)];
  expect(requests).toHaveLength(2);
  expect(tokens[1]).toBe(tokens[2]);
  expect(requests[0]).toMatchObject({
    name: 'az',
    args: ['account', 'get-access-token', '--output', 'json', '--resource', 'https://vault.azure.net', '--tenant', tenantId],
  });
  expect(credential.description).toBe(`login of the Azure CLI in tenant ${tenantId}, object id ${objectId}`);
  expect(credential.principalType).toBe('User');
});

test('a log-in as a service principal is told from that of a user', async () => {
  const { credential } = open(() => printed({ accessToken: toToken({ idtyp: 'app' }), expires_on: inSeconds(3600), tenant: tenantId }));
  await credential.getToken(scope);
  expect(credential).toMatchObject({ principalType: 'ServicePrincipal', tenantId });
});

test.each<[string, ProgramOutcome, string, string]>([
  ['is not installed', { kind: 'absent' }, 'azure-cli-missing', 'install-azure-cli'],
  ['is not logged in', failed("ERROR: Please run 'az login' to setup account."), 'azure-cli-login', 'azure/login'],
  [
    'has a log-in that has expired',
    failed('ERROR: AADSTS700082: The refresh token has expired due to inactivity. Trace ID: 1 Correlation ID: 2\nPlease run: az login'),
    'azure-cli-expired',
    `az login --tenant ${tenantId}`,
  ],
  [
    'is logged in elsewhere',
    failed("ERROR: AADSTS50020: User account 'a' from identity provider 'b' does not exist in tenant 'c'."),
    'azure-cli-tenant',
    `az login --tenant ${tenantId}`,
  ],
  ['gives a token of another tenant', printed({ accessToken: 'x.y.z', expires_on: 1, tenant: objectId }), 'azure-cli-tenant', tenantId],
  [
    'is too old to say how long',
    printed({ accessToken: 'x.y.z', expiresOn: '2026-01-01', tenant: tenantId }),
    'azure-cli-refused',
    'az upgrade',
  ],
  ['prints something else', { kind: 'ended', code: 0, output: Buffer.from('Hello'), errors: '' }, 'azure-cli-refused', 'get-access-token'],
  ['cannot be started', { kind: 'not-started', reason: 'EACCES' }, 'azure-cli-refused', 'get-access-token'],
  ['does not end', { kind: 'timeout' }, 'azure-cli-refused', 'get-access-token'],
  ['fails otherwise', failed('Traceback: canary-of-az'), 'azure-cli-refused', 'az version'],
  ['is refused otherwise', failed('AADSTS530003: Your device is required to be managed.'), 'azure-cli-refused', 'az login'],
])('an Azure CLI that %s is told, with the command that mends it', async (_, outcome, code, hint) => {
  const { credential } = open(() => outcome, tenantId);
  const error = await errorOf(credential.getToken(scope), credential);
  expect(error).toMatchObject({ code, origin: 'identity', hint: expect.stringContaining(hint) });
  expect(error.message).not.toMatch(/canary|Trace ID/);
});
