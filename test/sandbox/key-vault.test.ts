import { constants, createHash, createPublicKey, type KeyObject, verify, X509Certificate } from 'node:crypto';
import { ClientSecretCredential } from '@azure/identity';
import { CertificateClient } from '@azure/keyvault-certificates';
import { CryptographyClient, KeyClient, type KeyVaultKey } from '@azure/keyvault-keys';
import { SecretClient } from '@azure/keyvault-secrets';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CertificateAuthority, createCertificateAuthority, createSigningChain, generateKeys } from '../../src/sandbox/certificate.ts';
import { type Entra, startEntra } from '../../src/sandbox/entra.ts';
import { throttled } from '../../src/sandbox/key-vault/error.ts';
import { type KeyVault, type KeyVaultOptions, startKeyVault } from '../../src/sandbox/key-vault.ts';
import { type Reply, type SendOptions, send } from './client.ts';

const tenantId = '11111111-1111-4111-8111-111111111111';
const clientId = '22222222-2222-4222-8222-222222222222';
const objectId = '33333333-3333-4333-8333-333333333333';
const strangerId = '44444444-4444-4444-8444-444444444444';
const version = 'a'.repeat(32);

let authority: CertificateAuthority;
let entra: Entra;
let vault: KeyVault;
let options: KeyVaultOptions;
let leaf: X509Certificate;

beforeAll(async () => {
  authority = await createCertificateAuthority();
  const tls = await authority.issueTls();
  entra = await startEntra({
    tenantId,
    tls,
    applications: [
      { clientId, objectId, secret: { value: 'secret' } },
      { clientId: 'stranger', objectId: strangerId, secret: { value: 'secret' } },
    ],
  });
  const [chain, elliptic, rsa, other] = await Promise.all([
    createSigningChain(),
    generateKeys('P-384'),
    generateKeys('RSA-2048'),
    generateKeys('P-384'),
  ]);
  leaf = chain.certificates[0] as X509Certificate;
  options = {
    tls,
    entra,
    grants: { [objectId]: ['secrets/get', 'keys/get', 'keys/sign', 'certificates/get'] },
    secrets: [
      { name: 'registry-password', value: 'old', version },
      { name: 'registry-password', value: 'new', contentType: 'text/plain', tags: { team: 'shop' } },
      { name: 'disabled', value: 'x', enabled: false },
      { name: 'deleted', value: 'x', deleted: true },
    ],
    keys: [
      { name: 'elliptic', privateKey: elliptic.privateKey },
      { name: 'rsa', privateKey: rsa.privateKey },
      { name: 'lying', privateKey: elliptic.privateKey, signsWith: other.privateKey },
      { name: 'disabled', privateKey: elliptic.privateKey, enabled: false },
      { name: 'expired', privateKey: elliptic.privateKey, expires: new Date(0) },
      { name: 'reading', privateKey: elliptic.privateKey, operations: ['verify'] },
    ],
    certificates: [{ name: 'signing', chain: chain.certificates, privateKey: chain.keys.privateKey, version }],
  };
  vault = await startKeyVault(options);
});

afterAll(async () => {
  await vault.close();
  await entra.close();
});

describe('the Azure SDK', () => {
  it('reads a secret, its versions and its properties', async () => {
    const client = new SecretClient(vault.url, credential(), sdkOptions());
    const current = await client.getSecret('registry-password');
    expect(current).toMatchObject({ value: 'new', properties: { contentType: 'text/plain', enabled: true, tags: { team: 'shop' } } });
    expect((await client.getSecret('registry-password', { version })).value).toBe('old');
    expect((await client.getSecret('Registry-Password')).value).toBe('new');
  });

  it('is challenged first, without its token and body', async () => {
    const client = new SecretClient(vault.url, credential(), sdkOptions());
    const before = vault.requests.length;
    await client.getSecret('registry-password');
    const [first, second] = vault.requests.slice(before);
    expect(first?.headers.authorization).toBeUndefined();
    expect(second?.headers.authorization).toMatch(/^Bearer ey/);
  });

  it.each(['disabled', 'deleted', 'missing'])('is told of a secret that is %s', async (name) => {
    const client = new SecretClient(vault.url, credential(), sdkOptions());
    const expected =
      name === 'disabled'
        ? { statusCode: 403, code: 'Forbidden', message: 'Operation get is not allowed on a disabled secret.' }
        : { statusCode: 404, code: 'SecretNotFound', message: expect.stringContaining(`A secret with (name/id) ${name} was not found`) };
    await expect(client.getSecret(name)).rejects.toMatchObject(expected);
  });

  it('signs with a certificate and its key, and reads no secret for it', async () => {
    const before = vault.requests.length;
    const certificate = await new CertificateClient(vault.url, credential(), sdkOptions()).getCertificate('signing');
    const read = new X509Certificate(Buffer.from(certificate.cer ?? []));
    expect(read.fingerprint256).toBe(leaf.fingerprint256);
    expect(certificate.policy).toMatchObject({
      keyType: 'EC',
      keyCurveName: 'P-256',
      keyUsage: ['digitalSignature'],
      issuerName: 'Unknown',
    });
    expect(certificate.secretId).toBe(`${vault.url}/secrets/signing/${version}`);
    const cryptography = new CryptographyClient(certificate.keyId ?? '', credential(), sdkOptions());
    const message = Buffer.from('payload');
    const { result } = await cryptography.sign('ES256', createHash('sha256').update(message).digest());
    expect(verify('sha256', message, { key: read.publicKey, dsaEncoding: 'ieee-p1363' }, result)).toBe(true);
    expect(vault.requests.slice(before).filter(({ url }) => url.pathname.startsWith('/secrets/'))).toEqual([]);
  });

  it('signs data with RSA and reads the public key', async () => {
    const key = await new KeyClient(vault.url, credential(), sdkOptions()).getKey('rsa');
    expect(key).toMatchObject({ keyType: 'RSA', keyOperations: ['sign', 'verify'] });
    const cryptography = new CryptographyClient(key, credential(), sdkOptions());
    const { result } = await cryptography.signData('PS256', Buffer.from('payload'));
    // The SDK's own check of PS256 is one of PKCS#1 v1.5.
    const padding = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
    expect(verify('sha256', Buffer.from('payload'), { key: toPublicKey(key), ...padding }, result)).toBe(true);
  });
});

describe('the challenge', () => {
  it.each([
    ['no token', undefined, 'AKV10000: Request is missing a Bearer or PoP token.'],
    [
      'a token for another resource',
      'https://management.azure.com',
      'AKV10022: Invalid audience. Expected https://vault.azure.net, found: https://management.azure.com.',
    ],
  ])('meets %s', async (_case, audience, message) => {
    const headers = audience === undefined ? {} : { authorization: `Bearer ${await entra.issueToken(clientId, audience)}` };
    const reply = await ask('/secrets/registry-password?api-version=7.4', { headers });
    expect(reply.status).toBe(401);
    expect(reply.headers['www-authenticate']).toBe(`Bearer authorization="${entra.url}/${tenantId}", resource="https://vault.azure.net"`);
    expect(reply.json).toEqual({ error: { code: 'Unauthorized', message } });
  });

  it('meets a forged token', async () => {
    const [head, body] = (await token()).split('.') as [string, string];
    const reply = await ask('/secrets/registry-password?api-version=7.4', { headers: { authorization: `Bearer ${head}.${body}.AAAA` } });
    expect(reply.status).toBe(401);
    expect(reply.text).not.toContain('new');
  });
});

describe('a caller without the grant', () => {
  it('is refused in the words of role assignments', async () => {
    const reply = await askAs('stranger', '/secrets/missing?api-version=7.6');
    expect(reply.status).toBe(403);
    expect(reply.json.error).toMatchObject({ code: 'Forbidden', innererror: { code: 'ForbiddenByRbac' } });
    expect(reply.json.error.message).toContain(
      `Caller: appid=stranger;oid=${strangerId};iss=https://sts.windows.net/${tenantId}/\r\nAction: 'Microsoft.KeyVault/vaults/secrets/getSecret/action'`,
    );
    expect(reply.json.error.message).toContain('Assignment: (not found)\r\n');
  });

  it.each([
    [{ model: 'policy' as const, grants: {} }, 'ForbiddenByPolicy', 'does not have secrets get permission on key vault'],
    [{ network: 'firewall' as const }, 'ForbiddenByFirewall', 'Client address is not authorized and caller is not a trusted service.'],
    [{ network: 'private' as const }, 'ForbiddenByConnection', 'Public network access is disabled'],
  ])('is refused by %j', async (changes, code, text) => {
    const other = await startKeyVault({ ...options, ...changes });
    try {
      const reply = await ask(
        '/secrets/registry-password?api-version=7.4',
        { headers: { authorization: `Bearer ${await token()}` } },
        other.url,
      );
      expect(reply.status).toBe(403);
      expect(reply.json.error.innererror.code).toBe(code);
      expect(reply.json.error.message).toContain(text);
    } finally {
      await other.close();
    }
  });
});

describe('a request to sign', () => {
  const digest = createHash('sha384').update('x').digest('base64url');

  it.each([
    ['disabled', { alg: 'ES384', value: digest }, 403, /disabled key/],
    ['expired', { alg: 'ES384', value: digest }, 403, /expired key/],
    ['reading', { alg: 'ES384', value: digest }, 403, /Operation sign is not permitted on this key/],
    ['elliptic', { alg: 'PS384', value: digest }, 400, /is of type 'EC', and algorithm 'PS384' can only be used with a key of type 'RSA'/],
    ['elliptic', { alg: 'ES256', value: digest }, 400, /uses curve 'P-384', and algorithm 'ES256' can only be used with curve 'P-256'/],
    ['rsa', { alg: 'PS256', value: digest }, 400, /48 bytes/],
    ['rsa', { alg: 'HS256', value: digest }, 400, /alg/],
    ['rsa', { value: digest }, 400, /alg/],
    ['missing', { alg: 'PS384', value: digest }, 404, /A key with \(name\/id\) missing/],
  ])('by %s with %j is refused', async (name, body, status, message) => {
    const reply = await askAs(clientId, `/keys/${name}//sign?api-version=7.4`, { method: 'POST', body });
    expect(reply.status).toBe(status);
    expect(reply.json.error.message).toMatch(message);
  });

  it('can be answered with the signature of another key', async () => {
    const key = await new KeyClient(vault.url, credential(), sdkOptions()).getKey('lying');
    const cryptography = new CryptographyClient(key, credential(), sdkOptions());
    const { result } = await cryptography.signData('ES384', Buffer.from('payload'));
    expect(result).toHaveLength(96);
    expect(verify('sha384', Buffer.from('payload'), { key: toPublicKey(key), dsaEncoding: 'ieee-p1363' }, result)).toBe(false);
  });
});

describe('the vault', () => {
  it.each([
    ['/secrets/registry-password', /api-version must be specified/],
    ['/secrets/registry-password?api-version=9.9', /The specified version \(9\.9\) is not recognized/],
    ['/secrets/under_score?api-version=7.4', /The request URI contains an invalid name: under_score/],
  ])('refuses %s', async (path, message) => {
    const reply = await askAs(clientId, path);
    expect(reply.status).toBe(400);
    expect(reply.json.error).toMatchObject({ code: 'BadParameter', message: expect.stringMatching(message) });
  });

  it('disables, deletes and recovers while it runs', async () => {
    const changing = await startKeyVault(options);
    const status = async () =>
      (await ask('/secrets/signing?api-version=7.4', { headers: { authorization: `Bearer ${await token()}` } }, changing.url)).status;
    changing.change('certificates', 'signing', { enabled: false });
    expect(await status()).toBe(403);
    changing.change('certificates', 'signing', { enabled: true, deleted: true });
    expect(await status()).toBe(404);
    changing.change('certificates', 'signing', { deleted: false });
    expect(await status()).toBe(200);
    await changing.close();
  });

  it('holds no private key in the secret of a certificate that is not exportable', async () => {
    const reply = await askAs(clientId, '/secrets/signing?api-version=7.4');
    expect(reply.json.value).toMatch(/^-----BEGIN CERTIFICATE-----/);
    expect(reply.text).not.toContain('PRIVATE KEY');
  });

  it('throttles on request, and the SDK waits and asks again', async () => {
    vault.faults.add({ ...throttled(1), match: ({ headers }) => headers.authorization !== undefined });
    const client = new SecretClient(vault.url, credential(), { ...sdkOptions(), retryOptions: { maxRetries: 1 } });
    const began = Date.now();
    expect((await client.getSecret('registry-password')).value).toBe('new');
    expect(Date.now() - began).toBeGreaterThan(900);
  });
});

function credential() {
  const { retryOptions, tlsOptions } = sdkOptions();
  return new ClientSecretCredential(tenantId, clientId, 'secret', {
    authorityHost: entra.url,
    disableInstanceDiscovery: true,
    tlsOptions,
    retryOptions,
  });
}

function sdkOptions() {
  return { disableChallengeResourceVerification: true, tlsOptions: { ca: authority.certificatePem }, retryOptions: { maxRetries: 0 } };
}

function toPublicKey({ key = {} }: KeyVaultKey): KeyObject {
  const encoded = Object.entries(key).map(([name, value]) => [
    name,
    value instanceof Uint8Array ? Buffer.from(value).toString('base64url') : value,
  ]);
  return createPublicKey({ key: Object.fromEntries(encoded), format: 'jwk' });
}

function token(id = clientId): Promise<string> {
  return entra.issueToken(id, 'https://vault.azure.net');
}

async function askAs(id: string, path: string, request: SendOptions = {}): Promise<Reply> {
  return ask(path, { ...request, headers: { authorization: `Bearer ${await token(id)}` } });
}

function ask(path: string, request: SendOptions, url = vault.url): Promise<Reply> {
  return send(`${url}${path}`, { ...request, ca: authority.certificatePem });
}
