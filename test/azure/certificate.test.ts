import { createPrivateKey, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type AzureCredential, openCredential } from '../../src/azure/credential.ts';
import type { CertificateSource } from '../../src/lib/credential-choice.ts';
import { SecretValue } from '../../src/lib/secret-value.ts';
import { createSigningChain, type SigningChain, toChainPem, toPrivateKeyPem } from '../../src/sandbox/certificate.ts';
import { type Entra, startEntra } from '../../src/sandbox/entra.ts';
import { clientId, type Directory, errorOf, objectId, startDirectory, tenantId } from './directory.ts';

const scope = 'https://vault.azure.net/.default';
const password = 'a password of the key';
let folder: string;
let directory: Directory;
let entra: Entra;
let registered: SigningChain;
let pem: string;
let foreignPem: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'image-custody-certificate-'));
  directory = await startDirectory();
  const [known, foreign] = await Promise.all(
    ['known', 'foreign'].map((name) => createSigningChain({ keyType: 'RSA-2048', length: 'root', name })),
  );
  registered = known as SigningChain;
  pem = toPrivateKeyPem(registered.keys.privateKey) + toChainPem(registered.certificates);
  foreignPem = toPrivateKeyPem((foreign as SigningChain).keys.privateKey) + toChainPem((foreign as SigningChain).certificates);
  entra = await startEntra({
    tenantId,
    tls: await directory.authority.issueTls(),
    applications: [{ clientId, objectId, certificates: [registered.certificates[0] as (typeof registered.certificates)[0]] }],
    now: () => clock(),
  });
});
afterAll(async () => {
  await Promise.all([entra.close(), directory.close()]);
  await rm(folder, { recursive: true });
});

let clock = () => new Date();

function open(certificate: CertificateSource): AzureCredential {
  return openCredential(
    { kind: 'client-certificate', tenantId, clientId, certificate },
    { ...directory.options, authorityHost: entra.url },
  );
}

function text(content: string): CertificateSource {
  return { kind: 'text', pem: new SecretValue(content) };
}

async function file(content: string | Buffer, given?: string, sendChain = false): Promise<CertificateSource> {
  const path = join(folder, randomBytes(6).toString('hex'));
  await writeFile(path, content);
  return { kind: 'file', path, password: given === undefined ? undefined : new SecretValue(given), sendChain };
}

const encrypted = () =>
  `${toChainPem(registered.certificates)}${createPrivateKey(pem).export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: password })}`;

test('a certificate and its key give a token: whole, behind its chain and with a password, and with other line ends', async () => {
  for (const source of [text(pem), await file(encrypted(), password), await file(pem.replaceAll('\n', '\r\n'))]) {
    const credential = open(source);
    const { token } = await credential.getToken(scope);
    await expect(entra.verifyToken(token, 'https://vault.azure.net')).resolves.toMatchObject({ oid: objectId, appidacr: '2' });
    expect(credential.description).toBe(`client certificate of application ${clientId} in tenant ${tenantId}, object id ${objectId}`);
  }
});

test('the assertion names the certificate by its SHA-256, and brings the chain where it is to', async () => {
  const headers = [];
  for (const sendChain of [false, true]) {
    await open(await file(pem, undefined, sendChain)).getToken(scope);
    const form = new URLSearchParams(entra.requests.at(-1)?.body.toString());
    headers.push(JSON.parse(Buffer.from(form.get('client_assertion')?.split('.')[0] ?? '', 'base64url').toString()));
  }
  expect(headers).toMatchObject([{ alg: 'PS256', 'x5t#S256': expect.any(String) }, { x5c: { length: 2 } }]);
  expect(headers[0]).not.toHaveProperty('x5c');
});

test.each([
  ['is not registered', () => text(foreignPem), 'client-certificate-unknown', 'az ad app credential reset --id'],
  ['has a password that was not given', () => file(encrypted()), 'client-certificate-invalid', 'AZURE_CLIENT_CERTIFICATE_PASSWORD'],
  ['has another password', () => file(encrypted(), 'wrong'), 'client-certificate-invalid', 'AZURE_CLIENT_CERTIFICATE_PASSWORD'],
  ['is a PKCS #12 file', () => file(Buffer.from('308209a9020103', 'hex')), 'client-certificate-invalid', 'openssl pkcs12 -in'],
  ['has no key', () => file(toChainPem(registered.certificates)), 'client-certificate-invalid', 'one PEM file'],
  ['has no certificate', () => text(toPrivateKeyPem(registered.keys.privateKey)), 'client-certificate-invalid', 'one PEM file'],
  [
    'is of another key',
    () => text(toPrivateKeyPem(registered.keys.privateKey) + foreignPem.slice(foreignPem.indexOf('-----BEGIN CERTIFICATE'))),
    'client-certificate-invalid',
    'one PEM file',
  ],
  [
    'is damaged',
    () => text(pem.replace(/(BEGIN CERTIFICATE-----\n)...../, '$1AAAAA')),
    'client-certificate-invalid',
    'Write the file again',
  ],
  [
    'has a damaged key',
    () => text(pem.replace(/(BEGIN PRIVATE KEY-----\n)...../, '$1AAAAA')),
    'client-certificate-invalid',
    'Write the file',
  ],
  [
    'is not there',
    async () => ({ kind: 'file', path: join(folder, 'none.pem'), password: undefined, sendChain: false }) as const,
    'client-certificate-invalid',
    'PEM file',
  ],
])('a certificate that %s is told, with what mends it', async (_, source, code, hint) => {
  const credential = open(await source());
  const error = await errorOf(credential.getToken(scope), credential);
  expect(error).toMatchObject({ code, hint: expect.stringContaining(hint) });
  expect(error.origin).toBe(code === 'client-certificate-invalid' ? 'input' : 'identity');
});

test('a key that is no RSA key is refused before Entra ID does', async () => {
  const chain = await createSigningChain({ length: 'self-signed' });
  const credential = open(text(toPrivateKeyPem(chain.keys.privateKey) + toChainPem(chain.certificates)));
  expect(await errorOf(credential.getToken(scope))).toMatchObject({ code: 'client-certificate-invalid', message: /no RSA key/ });
});

test('an expired certificate is told before it is presented, and when only Entra ID has noticed', async () => {
  const expired = await createSigningChain({ keyType: 'RSA-2048', length: 'self-signed', flaw: 'expired' });
  const early = await errorOf(open(text(toPrivateKeyPem(expired.keys.privateKey) + toChainPem(expired.certificates))).getToken(scope));
  expect(early).toMatchObject({ code: 'client-certificate-expired', hint: expect.stringContaining('--create-cert') });
  clock = () => new Date(Date.now() + 40 * 86_400_000);
  const credential = open(text(pem));
  const late = await errorOf(credential.getToken(scope), credential);
  clock = () => new Date();
  expect(late).toMatchObject({ code: 'client-certificate-expired', message: expect.stringContaining('The key used is expired') });
});

test('a clock that is wrong is told', async () => {
  clock = () => new Date(Date.now() + 3_600_000);
  const credential = open(text(pem));
  const error = await errorOf(credential.getToken(scope), credential);
  clock = () => new Date();
  expect(error).toMatchObject({ code: 'clock-skew', hint: expect.stringContaining('timedatectl') });
});

test('nothing of the key is in an error that quotes a server', async () => {
  const credential = open(text(pem));
  await credential.getToken(scope);
  const lines = toPrivateKeyPem(registered.keys.privateKey).split('\n').slice(1, -3);
  expect(lines.filter((line) => !credential.secrets.has(line))).toEqual([]);
});
