import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClientAssertionCredential, ClientSecretCredential } from '@azure/identity';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { OAuth2Server } from 'oauth2-mock-server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CertificateAuthority, createCertificateAuthority } from '../../src/sandbox/certificate.ts';
import { TokenRefused } from '../../src/sandbox/entra/access-token.ts';
import { type Entra, startEntra } from '../../src/sandbox/entra.ts';
import { createTokenKey, signToken } from '../../src/sandbox/json-web-token.ts';
import { type Reply, type SendOptions, send } from './client.ts';

const tenantId = '11111111-1111-4111-8111-111111111111';
const clientId = '22222222-2222-4222-8222-222222222222';
const objectId = '33333333-3333-4333-8333-333333333333';
const secret = 'correct horse battery staple';
const subject = 'repo:contoso/shop:pull_request';
const vaultScope = 'https://vault.azure.net/.default';

let authority: CertificateAuthority;
let entra: Entra;
let issuer: OAuth2Server;
let issuerUrl: string;
let clock: Date | undefined;

beforeAll(async () => {
  authority = await createCertificateAuthority();
  // The issuer of assertions is somebody else's OpenID provider, so that ours and its reader are not wrong together.
  issuer = new OAuth2Server();
  await issuer.issuer.keys.generate('RS256');
  await issuer.start(0, '127.0.0.1');
  issuerUrl = issuer.issuer.url ?? '';
  entra = await startEntra({
    tenantId,
    tls: await authority.issueTls(),
    now: () => clock ?? new Date(),
    applications: [
      { clientId, objectId, secret: { value: secret }, federated: [{ issuer: issuerUrl, subject }] },
      { clientId: 'expired', objectId, secret: { value: secret, expires: new Date(0) } },
      { clientId: 'unfederated', objectId },
    ],
  });
});

afterAll(async () => {
  await entra.close();
  await issuer.stop();
});

describe('the Azure SDK', () => {
  it('gets a token with a client secret over TLS', async () => {
    const token = await secretCredential(secret).getToken(vaultScope);
    expect(token.expiresOnTimestamp).toBeGreaterThan(Date.now() + 3_000_000);
    expect(await entra.verifyToken(token.token, 'https://vault.azure.net')).toMatchObject({
      oid: objectId,
      appid: clientId,
      tid: tenantId,
    });
  });

  it('gets a token with an assertion of an independent OpenID provider', async () => {
    const token = await assertionCredential(() => federatedToken()).getToken('https://containerregistry.azure.net/.default');
    const claims = await entra.verifyToken(token.token, 'https://containerregistry.azure.net');
    expect(claims).toMatchObject({ oid: objectId, appidacr: '2' });
  });

  it('speaks to the independent provider as it speaks to the stand-in', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'provider-'));
    const tls = await authority.issueTls();
    const [keyFile, certificateFile] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
    await Promise.all([writeFile(keyFile, tls.keyPem), writeFile(certificateFile, tls.certificatePem)]);
    const independent = new OAuth2Server(keyFile, certificateFile, {
      endpoints: { wellKnownDocument: `/${tenantId}/v2.0/.well-known/openid-configuration`, token: `/${tenantId}/oauth2/v2.0/token` },
    });
    await independent.issuer.keys.generate('RS256');
    await independent.start(0, '127.0.0.1');
    try {
      const asked: Record<string, unknown>[] = [];
      independent.service.on('beforeResponse', (_answer: unknown, request: { body: Record<string, unknown> }) => asked.push(request.body));
      const authorityHost = `https://127.0.0.1:${independent.address().port}`;
      independent.issuer.url = authorityHost;
      const credential = new ClientSecretCredential(tenantId, clientId, secret, { ...sdkOptions(), authorityHost });
      expect((await credential.getToken(vaultScope)).token.split('.')).toHaveLength(3);
      await secretCredential(secret).getToken(vaultScope);
      const here = Object.fromEntries(new URLSearchParams(entra.requests.at(-1)?.body.toString()));
      expect(Object.keys(here)).toEqual(Object.keys(asked[0] ?? {}));
      expect(here).toMatchObject({ grant_type: 'client_credentials', client_id: clientId, scope: asked[0]?.scope });
    } finally {
      await independent.stop();
      await rm(folder, { recursive: true });
    }
  });

  it.each([
    ['a wrong secret', () => secretCredential('wrong'), vaultScope, /AADSTS7000215: Invalid client secret provided/],
    [
      'an unknown tenant',
      () => new ClientSecretCredential(clientId, clientId, secret, sdkOptions()),
      vaultScope,
      /AADSTS90002|endpoints_resolution_error/,
    ],
    ['an unknown application', () => secretCredential(secret, objectId), vaultScope, /AADSTS700016: Application with identifier/],
    ['an expired secret', () => secretCredential(secret, 'expired'), vaultScope, /AADSTS7000222/],
    [
      'an unknown resource',
      () => secretCredential(secret),
      'https://elsewhere.example/.default',
      /AADSTS500011: The resource principal named https:\/\/elsewhere\.example/,
    ],
  ])('is refused with %s', async (_case, credential, scope, message) => {
    await expect(credential().getToken(scope)).rejects.toThrow(message);
  });
});

describe('an assertion', () => {
  it.each([
    ['of another subject', { sub: 'repo:contoso/shop:ref:refs/heads/main' }, 401, 700213],
    ['of a subject that differs in case', { sub: 'repo:Contoso/shop:pull_request' }, 401, 7002138],
    ['for another audience', { aud: 'https://github.com/contoso' }, 401, 700212],
    ['of another issuer', { iss: 'https://token.actions.githubusercontent.com' }, 401, 700211],
    ['that has expired', { exp: 1_000_000_000 }, 401, 700024],
    ['that is not valid yet', { nbf: 4_000_000_000 }, 401, 700024],
    ['without a subject', { sub: undefined }, 400, 50027],
  ])('%s is refused', async (_case, claims, status, code) => {
    expect(await refusal({ client_assertion: await federatedToken(claims) })).toEqual({ status, code });
  });

  it('signed with a key that the issuer does not list is refused', async () => {
    const key = await createTokenKey();
    const claims = JSON.parse(Buffer.from((await federatedToken()).split('.')[1] ?? '', 'base64url').toString());
    expect(await refusal({ client_assertion: signToken(claims, key) })).toEqual({ status: 401, code: 50013 });
    const kid = issuer.issuer.keys.toJSON()[0]?.kid ?? '';
    expect(await refusal({ client_assertion: signToken(claims, { ...key, kid }) })).toEqual({ status: 401, code: 50013 });
  });

  it('with a changed payload or without a signature is refused', async () => {
    const [head, body] = (await federatedToken()).split('.') as [string, string];
    const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'JWT' })).toString('base64url');
    expect(await refusal({ client_assertion: `${none}.${body}.` })).toEqual({ status: 401, code: 50013 });
    expect(await refusal({ client_assertion: `${head}.${body}.AAAA` })).toEqual({ status: 401, code: 50013 });
    expect(await refusal({ client_assertion: 'not a token' })).toEqual({ status: 400, code: 50027 });
  });

  it('for an application without federated credentials is refused', async () => {
    expect(await refusal({ client_assertion: await federatedToken(), client_id: 'unfederated' })).toEqual({ status: 400, code: 70021 });
  });
});

describe('the token endpoint', () => {
  it.each([
    [{ grant_type: 'password', client_secret: secret }, 70003],
    [{ grant_type: '' }, 900144],
    [{ scope: 'https://vault.azure.net', client_secret: secret }, 1002012],
    [{}, 7000216],
  ])('refuses %j', async (fields, code) => {
    expect((await refusal(fields)).code).toBe(code);
  });

  it('answers errors in the form of the real one', async () => {
    const correlationId = '44444444-4444-4444-8444-444444444444';
    const response = await ask('/oauth2/v2.0/token', { ...form({ client_secret: 'x' }), headers: { 'client-request-id': correlationId } });
    expect(response.status).toBe(401);
    const body = response.json;
    expect(Object.keys(body)).toEqual([
      'error',
      'error_description',
      'error_codes',
      'timestamp',
      'trace_id',
      'correlation_id',
      'error_uri',
    ]);
    expect(body).toMatchObject({ error: 'invalid_client', error_codes: [7000215], correlation_id: correlationId });
    expect(body.error_description).toMatch(/Trace ID: \S+ Correlation ID: \S+ Timestamp: \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ$/);
    expect(body.error_description).not.toContain('client_secret=x');
  });
});

describe('a token', () => {
  it('is verified by an independent reader from the published keys', async () => {
    const token = await entra.issueToken(clientId, 'https://vault.azure.net');
    const configuration = (await ask('/v2.0/.well-known/openid-configuration')).json;
    const keys = (await send(configuration.jwks_uri, { ca: authority.certificatePem })).json;
    const { payload, protectedHeader } = await jwtVerify(token, createLocalJWKSet(keys), {
      audience: 'https://vault.azure.net',
      algorithms: ['RS256'],
    });
    expect(protectedHeader.typ).toBe('JWT');
    expect(payload).toMatchObject({ iss: `https://sts.windows.net/${tenantId}/`, idtyp: 'app', ver: '1.0' });
  });

  it('is refused where it is for somebody else, forged or old', async () => {
    const token = await entra.issueToken(clientId, 'https://vault.azure.net');
    const reason = (text: string, audience = 'https://vault.azure.net') =>
      entra.verifyToken(text, audience).catch((error: unknown) => (error instanceof TokenRefused ? error.reason : error));
    expect(await reason(token, 'https://management.azure.com')).toBe('audience');
    expect(await reason('x.y.z')).toBe('malformed');
    expect(await reason(signToken({ aud: 'https://vault.azure.net' }, await createTokenKey()))).toBe('signature');
    expect(await reason(await entra.issueToken(clientId, 'https://vault.azure.net', { iss: 'https://sts.windows.net/other/' }))).toBe(
      'issuer',
    );
    clock = new Date(Date.now() + 3_600_000);
    expect(await reason(token)).toBe('expired');
    clock = undefined;
  });
});

function sdkOptions() {
  return {
    authorityHost: entra.url,
    disableInstanceDiscovery: true,
    tlsOptions: { ca: authority.certificatePem },
    retryOptions: { maxRetries: 0 },
  };
}

function secretCredential(value: string, id = clientId) {
  return new ClientSecretCredential(tenantId, id, value, sdkOptions());
}

function assertionCredential(getAssertion: () => Promise<string>) {
  return new ClientAssertionCredential(tenantId, clientId, getAssertion, sdkOptions());
}

function federatedToken(claims: Record<string, unknown> = {}): Promise<string> {
  return issuer.issuer.buildToken({
    scopesOrTransform: (_header, payload) => {
      Object.assign(payload, { sub: subject, aud: 'api://AzureADTokenExchange' }, claims);
    },
  });
}

function form(fields: Record<string, string>) {
  const assertionType =
    'client_assertion' in fields ? { client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer' } : {};
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: clientId,
    scope: vaultScope,
    ...assertionType,
    ...fields,
  });
  return { method: 'POST', body: body.toString() };
}

async function refusal(fields: Record<string, string>): Promise<{ status: number; code: number | undefined }> {
  const response = await ask('/oauth2/v2.0/token', form(fields));
  return { status: response.status, code: response.json.error_codes?.[0] };
}

function ask(path: string, options: SendOptions = {}): Promise<Reply> {
  return send(`${entra.url}/${tenantId}${path}`, { ...options, ca: authority.certificatePem });
}
