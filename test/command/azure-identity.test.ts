import { describe, expect, test } from 'vitest';
import { openCredentials, openIdentity } from '../../src/command/credentials.ts';
import type { Environment } from '../../src/command/world.ts';
import { parseSettings } from '../../src/inputs/parse.ts';
import { createHttp } from '../../src/lib/http-client.ts';
import { SecretValue } from '../../src/lib/secret-value.ts';
import type { ProgramOutcome, ProgramRequest } from '../../src/model/program.ts';
import { emptyEnvironment, openWorld, silentHost } from './silent-world.ts';

const id = (digit: string): string => `${digit.repeat(8)}-${digit.repeat(4)}-${digit.repeat(4)}-${digit.repeat(4)}-${digit.repeat(12)}`;
const [tenant, client] = [id('1'), id('2')];
const never = () => Promise.reject(new Error('nothing is asked for before it is needed'));
const ids: Environment = { ...emptyEnvironment, azureTenantId: tenant, azureClientId: client };
const proofs = {
  azureClientSecret: new SecretValue('a client secret'),
  azureClientCertificate: { kind: 'file', path: 'c.pem', password: new SecretValue('a password'), sendChain: false },
  federatedTokenFile: { path: '/token', read: never },
  fetchIdentityToken: never,
  instanceMetadata: 'http://169.254.169.254',
} as const satisfies Partial<Environment>;

function open(environment: Environment, inputs: Readonly<Record<string, string>> = {}) {
  const masked: string[] = [];
  const host = { ...silentHost('/', '/'), mask: (secret: SecretValue) => void masked.push(secret.reveal()) };
  const settings = parseSettings(new Map(Object.entries({ image: 'app:ci', ...inputs })), (name) => name);
  const world = { ...openWorld(createHttp({ userAgent: 'test' })), environment };
  return { masked, ...openIdentity(settings, host, world) };
}

describe('without a word on it', () => {
  test('a secret comes before a certificate, that before a token file, that before GitHub', () => {
    const { azureClientSecret: _, ...noSecret } = proofs;
    const { azureClientCertificate: __, ...noCertificate } = noSecret;
    const { federatedTokenFile: ___, ...noFile } = noCertificate;
    const descriptions = [proofs, noSecret, noCertificate, noFile].map((given) => open({ ...ids, ...given }).azure?.description);
    expect(descriptions).toEqual([
      `client secret of application ${client} in tenant ${tenant}`,
      `client certificate of application ${client} in tenant ${tenant}`,
      `federated credential of application ${client} (workload identity of Kubernetes) in tenant ${tenant}`,
      `federated credential of application ${client} in tenant ${tenant}`,
    ]);
  });

  test('inputs come before the environment', () => {
    const { azure } = open({ ...ids, ...proofs }, { 'azure-tenant-id': id('3'), 'azure-client-id': id('4') });
    expect(azure).toMatchObject({ tenantId: id('3'), clientId: id('4') });
  });

  test('without both ids, or without a proof, it is what the machine has, and only when it is needed', () => {
    for (const environment of [emptyEnvironment, ids, { ...emptyEnvironment, ...proofs, azureClientId: client }]) {
      expect(open(environment)).toMatchObject({ isAzureGiven: false, azure: { kind: 'undetermined' } });
    }
  });
});

describe('azure-identity', () => {
  test.each([
    ['federated', 'federated'],
    ['client-secret', 'client-secret'],
    ['client-certificate', 'client-certificate'],
    ['managed-identity', 'managed-identity'],
    ['azure-cli', 'azure-cli'],
  ])('%s is that one, whatever else is there', (name, kind) => {
    expect(open({ ...ids, ...proofs }, { 'azure-identity': name })).toMatchObject({ isAzureGiven: true, azure: { kind } });
  });

  test('none is none, and a vault then has its own error', () => {
    const { azure, openVault } = open({ ...ids, ...proofs }, { 'azure-identity': 'none' });
    expect(azure).toBeUndefined();
    expect(() => openVault('example-vault')).toThrow(
      expect.objectContaining({ code: 'no-identity', message: expect.stringContaining('azure-identity is none') }),
    );
  });

  test.each([
    ['client-secret', ids, 'AZURE_CLIENT_SECRET'],
    ['client-certificate', ids, 'AZURE_CLIENT_CERTIFICATE_PATH'],
    ['federated', ids, 'id-token: write'],
    ['federated', { ...emptyEnvironment, ...proofs }, 'azure-tenant-id'],
  ])('%s without what it needs is refused, not replaced', (name, environment, missing) => {
    const refused = expect.objectContaining({ code: 'no-identity', message: expect.stringContaining(missing) });
    expect(() => open(environment, { 'azure-identity': name })).toThrow(refused);
  });

  test('what proves an identity is masked, whether or not it is used', () => {
    const environment = { ...ids, ...proofs, endpointSecrets: [new SecretValue('a header')] };
    expect(open(environment, { 'azure-identity': 'azure-cli' }).masked).toEqual(['a client secret', 'a password', 'a header']);
  });
});

describe('azure-service-connection', () => {
  const choice = { kind: 'client-secret', tenantId: tenant, clientId: client, clientSecret: new SecretValue('of the connection') } as const;
  const openServiceConnection = () => ({ choice, authorityHost: 'https://login.microsoftonline.us/', secrets: [choice.clientSecret] });

  test('comes before everything in the environment, in its own cloud, and is masked', () => {
    const environment = { ...ids, ...proofs, azureAuthorityHost: 'https://login.chinacloudapi.cn', openServiceConnection };
    const { azure, masked, isAzureGiven } = open(environment, { 'azure-service-connection': id('5') });
    expect(azure).toMatchObject({ kind: 'client-secret', cloud: { vaultSuffix: 'vault.usgovcloudapi.net' } });
    expect(isAzureGiven).toBe(true);
    expect(masked).toContain('of the connection');
  });

  test('is refused where the host has none, and together with another identity', () => {
    const conflict = expect.objectContaining({ code: 'input-conflict', origin: 'input' });
    expect(() => open(ids, { 'azure-service-connection': 'contoso-azure' })).toThrow(conflict);
    for (const other of [{ 'azure-identity': 'azure-cli' }, { 'azure-client-id': client }, { 'azure-tenant-id': tenant }]) {
      expect(() => open({ ...ids, openServiceConnection }, { 'azure-service-connection': id('5'), ...other })).toThrow(conflict);
    }
  });
});

describe('an Azure registry that nobody gave a credential for', () => {
  const repository = { registry: 'example.azurecr.io', repository: 'team/app' };
  const accessToken = `h.${Buffer.from(JSON.stringify({ oid: id('6'), tid: tenant })).toString('base64url')}.s`;
  const output = Buffer.from(JSON.stringify({ accessToken, expires_on: Math.floor(Date.now() / 1000) + 3600, tenant }));
  const loggedIn: ProgramOutcome = { kind: 'ended', code: 0, output, errors: '' };

  async function find(
    use: 'read' | 'push',
    outcome: ProgramOutcome,
    given: Partial<Environment> = {},
    inputs: Readonly<Record<string, string>> = {},
  ) {
    const asked: string[] = [];
    const runProgram = async ({ name }: ProgramRequest) => {
      asked.push(name);
      return outcome;
    };
    const world = { ...openWorld(createHttp({ userAgent: 'test' })), environment: { ...emptyEnvironment, ...given }, runProgram };
    const settings = parseSettings(new Map(Object.entries({ image: 'app:ci', ...inputs })), (name) => name);
    const { forRegistry } = await openCredentials(settings, silentHost('/', '/'), world);
    return { asked, credential: await forRegistry(repository, use) };
  }

  test('is spoken to as who the machine happens to be', async () => {
    for (const use of ['read', 'push'] as const)
      expect(await find(use, loggedIn)).toMatchObject({ asked: ['az'], credential: { kind: 'entra' } });
  });

  test('is read by nobody, and pushed to by nobody only in an error that says what was looked for', async () => {
    const { credential } = await find('read', { kind: 'absent' });
    expect(credential).toMatchObject({ kind: 'anonymous', because: expect.stringContaining('no program az') });
    const missing = { code: 'registry-login-missing', message: expect.stringContaining('no program az') };
    await expect(find('push', { kind: 'absent' })).rejects.toMatchObject(missing);
  });

  test('with a login that has expired is read by nobody, too, and pushing says so', async () => {
    const expired: ProgramOutcome = {
      kind: 'ended',
      code: 1,
      output: Buffer.alloc(0),
      errors: 'AADSTS700082: The refresh token has expired.',
    };
    expect(await find('read', expired)).toMatchObject({ credential: { kind: 'anonymous' } });
    await expect(find('push', expired)).rejects.toMatchObject({ code: 'azure-cli-expired' });
  });

  test('asks no machine where an earlier login has a credential, nor where there is to be no identity', async () => {
    const bytes = Buffer.from(JSON.stringify({ auths: { 'example.azurecr.io': { auth: 'YTpi' } } }));
    const stored = await find('push', loggedIn, { loginFiles: [{ path: 'config.json', bytes }] });
    expect(stored).toMatchObject({ asked: [], credential: { kind: 'password' } });
    const none = await find('read', loggedIn, {}, { 'azure-identity': 'none' });
    expect(none).toMatchObject({ asked: [], credential: { kind: 'anonymous' } });
  });
});
