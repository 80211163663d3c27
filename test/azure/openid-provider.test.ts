import { createHash, type X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeProtectedHeader, jwtVerify } from 'jose';
import { OAuth2Server } from 'oauth2-mock-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openCredential } from '../../src/azure/credential.ts';
import type { CredentialChoice } from '../../src/lib/credential-choice.ts';
import { SecretValue } from '../../src/lib/secret-value.ts';
import { createSigningChain, type SigningChain, toChainPem, toPrivateKeyPem } from '../../src/sandbox/certificate.ts';
import { type Entra, startEntra } from '../../src/sandbox/entra.ts';
import { clientId, clientSecret, type Directory, objectId, startDirectory, subject, tenantId } from './directory.ts';

// What our client sends is held against somebody else's OpenID provider, and the stand-in takes tokens of that provider: they cannot be wrong together.
const scope = 'https://vault.azure.net/.default';
type Form = Readonly<Record<string, string>>;
let folder: string;
let directory: Directory;
let entra: Entra;
let chain: SigningChain;
let provider: OAuth2Server;
let providerUrl: string;
let keyFile: string;
let certificateFile: string;
const asked: Form[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'image-custody-provider-'));
  directory = await startDirectory();
  chain = await createSigningChain({ keyType: 'RSA-2048', length: 'self-signed' });
  const tls = await directory.authority.issueTls();
  [keyFile, certificateFile] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
  await Promise.all([writeFile(keyFile, tls.keyPem), writeFile(certificateFile, tls.certificatePem)]);
  provider = new OAuth2Server(keyFile, certificateFile, {
    endpoints: { wellKnownDocument: `/${tenantId}/v2.0/.well-known/openid-configuration`, token: `/${tenantId}/oauth2/v2.0/token` },
  });
  await provider.issuer.keys.generate('RS256');
  await provider.start(0, '127.0.0.1');
  providerUrl = `https://127.0.0.1:${provider.address().port}`;
  provider.issuer.url = providerUrl;
  provider.service.on('beforeResponse', (_: unknown, request: { body: Form }) => void asked.push(request.body));
  entra = await startEntra({
    tenantId,
    tls,
    issuerCa: directory.authority.certificatePem,
    applications: [
      {
        clientId,
        objectId,
        secret: { value: clientSecret },
        certificates: chain.certificates,
        federated: [{ issuer: directory.issuer, subject }],
      },
    ],
  });
});
afterAll(async () => {
  await Promise.all([provider.stop(), entra.close(), directory.close()]);
  await rm(folder, { recursive: true });
});

const choices: Readonly<Record<string, () => CredentialChoice>> = {
  'client secret': () => ({ kind: 'client-secret', tenantId, clientId, clientSecret: new SecretValue(clientSecret) }),
  'client certificate': () => ({
    kind: 'client-certificate',
    tenantId,
    clientId,
    certificate: { kind: 'text', pem: new SecretValue(toPrivateKeyPem(chain.keys.privateKey) + toChainPem(chain.certificates)) },
  }),
  federation: () => ({ kind: 'federated', tenantId, clientId, fetchAssertion: async () => new SecretValue(directory.assertion()) }),
};

test.each(Object.entries(choices))('%s: the same client gets a token of both, and sends both the same', async (_, choose) => {
  const tokens = [];
  for (const authorityHost of [providerUrl, entra.url]) {
    tokens.push((await openCredential(choose(), { ...directory.options, authorityHost }).getToken(scope)).token);
  }
  expect(tokens.map((token) => token.split('.').length)).toEqual([3, 3]);
  const [there = {}, here] = [asked.at(-1), Object.fromEntries(new URLSearchParams(entra.requests.at(-1)?.body.toString()))];
  expect(Object.keys(here)).toEqual(Object.keys(there));
  expect(here).toMatchObject({ grant_type: 'client_credentials', client_id: clientId, scope: there.scope });
});

test('what a certificate signs is verified by an independent reader, for the endpoint that it goes to', async () => {
  await openCredential((choices['client certificate'] as () => CredentialChoice)(), {
    ...directory.options,
    authorityHost: entra.url,
  }).getToken(scope);
  const assertion = new URLSearchParams(entra.requests.at(-1)?.body.toString()).get('client_assertion') ?? '';
  const [certificate] = chain.certificates as [X509Certificate];
  const { payload } = await jwtVerify(assertion, certificate.publicKey, {
    issuer: clientId,
    subject: clientId,
    audience: `${entra.url}/${tenantId}/oauth2/v2.0/token`,
    algorithms: ['PS256'],
    requiredClaims: ['exp', 'nbf', 'jti'],
    // MSAL rounds to the nearest second.
    clockTolerance: 1,
  });
  expect(Number(payload.exp) - Number(payload.nbf)).toBeLessThanOrEqual(600);
  expect(decodeProtectedHeader(assertion)).toMatchObject({ 'x5t#S256': createHash('sha256').update(certificate.raw).digest('base64url') });
});

test("the other provider's tokens stand for an application that trusts it, as those of any pipeline do", async () => {
  const issuer = new OAuth2Server(keyFile, certificateFile);
  await issuer.issuer.keys.generate('RS256');
  await issuer.start(0, '127.0.0.1');
  const federated = [{ issuer: issuer.issuer.url ?? '', subject }];
  const tenant = await startEntra({
    tenantId,
    tls: await directory.authority.issueTls(),
    issuerCa: directory.authority.certificatePem,
    applications: [{ clientId, objectId, federated }],
  });
  const audiences: string[] = [];
  const fetchAssertion = async (audience: string) => {
    audiences.push(audience);
    return new SecretValue(
      await issuer.issuer.buildToken({
        scopesOrTransform: (_, payload) => void Object.assign(payload, { sub: subject, aud: audience }),
      }),
    );
  };
  const credential = openCredential(
    { kind: 'federated', tenantId, clientId, fetchAssertion },
    { ...directory.options, authorityHost: tenant.url },
  );
  const { token } = await credential.getToken(scope);
  await expect(tenant.verifyToken(token, 'https://vault.azure.net')).resolves.toMatchObject({ oid: objectId });
  expect(audiences).toEqual(['api://AzureADTokenExchange']);
  await Promise.all([tenant.close(), issuer.stop()]);
});
