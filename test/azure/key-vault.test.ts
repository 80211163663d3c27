import { createHash, generateKeyPairSync } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type KeyVault as OpenVault, openKeyVault } from '../../src/azure/key-vault.ts';
import { toVaultError } from '../../src/azure/vault-error.ts';
import { isSignature } from '../../src/lib/signature-algorithm.ts';
import { createSigningChain, generateKeys, type KeyType, type SigningChain, toChainPem } from '../../src/sandbox/certificate.ts';
import { type KeyVault, startKeyVault } from '../../src/sandbox/key-vault.ts';
import { type Directory, errorOf, objectId, secretCredential, startDirectory, tenantId } from './directory.ts';

const now = () => new Date();
const everything = ['secrets/get', 'keys/get', 'keys/sign', 'certificates/get'] as const;
const future = new Date(Date.now() + 86_400_000);
const past = new Date(Date.now() - 86_400_000);
const version = 'ab12'.repeat(8);
const keyTypes: readonly (readonly [KeyType, string])[] = [
  ['RSA-2048', 'PS256'],
  ['RSA-3072', 'PS384'],
  ['RSA-4096', 'PS512'],
  ['P-256', 'ES256'],
  ['P-384', 'ES384'],
  ['P-521', 'ES512'],
];

let directory: Directory;
let vault: KeyVault;
const running: KeyVault[] = [];
const chains = new Map<KeyType, SigningChain>();
let chain: SigningChain;
let alone: SigningChain;

async function startVault(options: Partial<Parameters<typeof startKeyVault>[0]> = {}): Promise<KeyVault> {
  const started = await startKeyVault({
    entra: directory.entra,
    tls: await directory.authority.issueTls(),
    grants: { [objectId]: everything },
    ...options,
  });
  running.push(started);
  return started;
}

function open(target: KeyVault, credential = secretCredential(directory)): OpenVault {
  return openKeyVault(target.url, credential, now);
}

function certificate(name: string, signing: SigningChain, more: object = {}) {
  return { name, privateKey: signing.keys.privateKey, chain: signing.certificates, ...more };
}

const issuersOf = (signing: SigningChain) => toChainPem(signing.certificates.slice(1).toReversed());

beforeAll(async () => {
  directory = await startDirectory();
  for (const [keyType] of keyTypes) chains.set(keyType, await createSigningChain({ keyType }));
  chain = chains.get('P-256') ?? (await createSigningChain());
  alone = await createSigningChain({ length: 'self-signed' });
  vault = await startVault({
    secrets: [
      { name: 'password', value: 'first value', version },
      { name: 'password', value: 'hunter2 with ünïcode' },
      { name: 'disabled', value: 'v', enabled: false },
      { name: 'expired', value: 'v', expires: past },
      { name: 'early', value: 'v', notBefore: future },
      { name: 'lasting', value: 'v', notBefore: past, expires: future },
    ],
    certificates: [
      ...keyTypes.map(([keyType]) => certificate(keyType, chains.get(keyType) ?? chain)),
      certificate('alone', alone),
      certificate('disabled', chain, { enabled: false }),
      certificate('expired', chain, { expires: past }),
      certificate('early', chain, { notBefore: future }),
      certificate('wrong', chain, { signsWith: (await generateKeys('P-256')).privateKey }),
      certificate('verify-only', chain, { operations: ['verify'] }),
    ],
    keys: [
      { name: 'bare', privateKey: chain.keys.privateKey },
      { name: 'rsa', privateKey: (chains.get('RSA-2048') ?? chain).keys.privateKey },
      { name: 'weak', privateKey: generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey },
    ],
  });
});
afterEach(() => vault.faults.clear());
afterAll(async () => {
  for (const started of running) await started.close();
  await directory.close();
});

describe('secrets', () => {
  test('the current version, a named one, and one within its time are read', async () => {
    const opened = open(vault);
    expect((await opened.readSecret('password')).value.reveal()).toBe('hunter2 with ünïcode');
    expect((await opened.readSecret('password', version)).value.reveal()).toBe('first value');
    expect((await opened.readSecret('lasting')).value.reveal()).toBe('v');
  });

  test.each([
    ['missing', 'object-missing', 'az keyvault secret list'],
    ['disabled', 'object-disabled', 'az keyvault secret set-attributes'],
    ['expired', 'object-expired', 'az keyvault secret set'],
    ['early', 'object-not-yet-valid', 'az keyvault secret'],
  ])('one that is %s is told as %s', async (name, code, hint) => {
    const credential = secretCredential(directory);
    const error = await errorOf(open(vault, credential).readSecret(name), credential);
    expect(error).toMatchObject({ code, origin: 'vault', hint: expect.stringContaining(hint) });
    expect(error.message).toContain(`"${name}"`);
    expect(error.message).toContain(objectId);
  });

  test.each(['../keys/x', 'a_b', '', 'x'.repeat(128), 'a b'])('the name %j is refused before anything is sent', async (name) => {
    const before = vault.requests.length;
    expect(await errorOf(open(vault).readSecret(name))).toMatchObject({ code: 'bad-object-name', origin: 'input' });
    expect(vault.requests.length).toBe(before);
  });
});

describe('what a vault refuses', () => {
  test('a missing role is told with the assignment that grants it on this one secret', async () => {
    const target = await startVault({ grants: {}, name: 'contoso' });
    const credential = secretCredential(directory);
    const error = await errorOf(open(target, credential).readSecret('password'), credential);
    expect(error).toMatchObject({ code: 'vault-role-missing', origin: 'vault' });
    expect(error.message).toContain('Key Vault Secrets User');
    expect(error.hint).toContain(
      `az role assignment create --role "Key Vault Secrets User" --assignee-object-id ${objectId} --assignee-principal-type ServicePrincipal ` +
        '--scope "/subscriptions/00000000-0000-0000-0000-000000000000/resourcegroups/sandbox/providers/microsoft.keyvault/vaults/contoso/secrets/password"',
    );
  });

  test.each([
    [[], 'Key Vault Reader', '/certificates/P-256"'],
    [['certificates/get'], 'Key Vault Crypto User', '/keys/P-256"'],
  ] as const)('with %j the role for signing that is missing is %s', async (granted, role, scope) => {
    const target = await startVault({ grants: { [objectId]: granted }, certificates: [certificate('P-256', chain)] });
    const error = await errorOf(
      open(target)
        .keySigner({ collection: 'certificates', name: 'P-256', version: undefined }, { chain: issuersOf(chain) })
        .then((signer) => signer.sign(Buffer.from('x'))),
    );
    expect(error).toMatchObject({ code: 'vault-role-missing', hint: expect.stringContaining(`--role "${role}"`) });
    expect(error.hint).toContain(scope);
  });

  test('a vault of another tenant names that tenant', async () => {
    const other = '99999999-9999-4999-8999-999999999999';
    const target = await startVault({ entra: { ...directory.entra, tenantId: other } });
    const error = await errorOf(open(target).readSecret('password'));
    expect(error).toMatchObject({ code: 'tenant-other', origin: 'identity' });
    expect(error.message).toContain(other);
    expect(error.message).toContain(tenantId);
  });

  test('a token that the vault does not accept is told', async () => {
    const body = { error: { code: 'Unauthorized', message: 'AKV10032: Invalid issuer.' } };
    vault.faults.add({ match: ({ headers }) => headers.authorization !== undefined, status: 401, body, times: Number.POSITIVE_INFINITY });
    expect(await errorOf(open(vault).readSecret('password'))).toMatchObject({ code: 'vault-unauthorized' });
  });

  test('a vault that answers with errors, resets or never answers is told', async () => {
    vault.faults.add({ status: 503, times: Number.POSITIVE_INFINITY });
    expect(await errorOf(open(vault).readSecret('password'))).toMatchObject({
      code: 'vault-refused',
      message: expect.stringContaining('503'),
    });
    vault.faults.clear();
    vault.faults.add({
      status: 502,
      body: '<html>proxy</html>',
      headers: { 'content-type': 'text/html' },
      times: Number.POSITIVE_INFINITY,
    });
    expect(await errorOf(open(vault).readSecret('password'))).toMatchObject({
      code: 'vault-refused',
      message: expect.stringContaining('502'),
    });
    vault.faults.clear();
    vault.faults.add({ reset: true, times: Number.POSITIVE_INFINITY });
    expect(await errorOf(open(vault).readSecret('password'))).toMatchObject({ code: 'vault-unreachable' });
    vault.faults.clear();
    vault.faults.add({ drop: true, times: Number.POSITIVE_INFINITY });
    const credential = Object.assign(secretCredential(directory), {
      transport: { ...directory.options.transport, timeoutMs: 200, maxRetries: 0 },
    });
    expect(await errorOf(open(vault, credential).readSecret('password'))).toMatchObject({ code: 'vault-unreachable' });
  });

  test.each([200, 403, 502])('a proxy that answers %i with a page is not taken for a vault', async (status) => {
    const page = { body: '<html>sign in</html>', headers: { 'content-type': 'text/html' }, times: Number.POSITIVE_INFINITY };
    vault.faults.add({ ...page, status, match: ({ headers }) => headers.authorization !== undefined });
    expect(await errorOf(open(vault).readSecret('password'))).toMatchObject({
      code: 'vault-refused',
      hint: expect.stringContaining('proxy'),
    });
  });

  test.each([
    ['ENOTFOUND', 'vault-unknown', 'az keyvault recover --name contoso'],
    ['EAI_AGAIN', 'vault-unreachable', 'firewall'],
    ['ECONNREFUSED', 'vault-unreachable', 'HTTPS_PROXY'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'vault-unreachable', 'NODE_EXTRA_CA_CERTS'],
  ])('no answer for %s is told as %s', (code, kind, hint) => {
    const address = { url: 'https://contoso.vault.azure.net', name: 'contoso', loopback: false };
    const request = { vault: address, credential: secretCredential(directory), kind: 'secret', name: 'x', operation: 'get' } as const;
    const error = toVaultError(Object.assign(new Error(`getaddrinfo ${code} contoso.vault.azure.net`), { code }), request);
    expect(error).toMatchObject({ code: kind, origin: 'vault', hint: expect.stringContaining(hint) });
  });

  test('what is for this machine goes through no proxy', async () => {
    process.env.HTTPS_PROXY = 'http://127.0.0.1:1';
    try {
      expect((await open(vault).readSecret('password')).value.reveal()).toContain('hunter2');
    } finally {
      delete process.env.HTTPS_PROXY;
    }
  });
});

describe('signing', () => {
  test.each(keyTypes)('%s signs with %s, its chain from the bundle in any order', async (keyType, algorithm) => {
    const signing = chains.get(keyType) ?? chain;
    const signer = await open(vault).keySigner(
      { collection: 'certificates', name: keyType, version: undefined },
      { chain: issuersOf(signing) },
    );
    expect(signer).toMatchObject({ algorithm, keptIn: 'key-vault', description: expect.stringContaining(`${vault.url}/keys/${keyType}/`) });
    expect(signer.certificateChain.map((der) => Buffer.from(der))).toEqual(signing.certificates.map(({ raw }) => raw));
    const message = Buffer.from('message');
    const signature = await signer.sign(message);
    expect(isSignature(signer.algorithm, signing.keys.publicKey, message, signature)).toBe(true);
  });

  test('what is sent is the digest, to the version that the certificate names, and neither secret nor key is asked for', async () => {
    const before = vault.requests.length;
    const signer = await open(vault).keySigner({ collection: 'certificates', name: 'alone', version: undefined });
    await signer.sign(Buffer.from('message'));
    const requests = vault.requests.slice(before).filter(({ headers }) => headers.authorization !== undefined);
    expect(requests.map(({ method, url }) => `${method} ${url.pathname.replace(/[0-9a-f]{32}/, 'VERSION')}`)).toEqual([
      'GET /certificates/alone/',
      'POST /keys/alone/VERSION/sign',
    ]);
    const digest = createHash('sha256').update('message').digest('base64url');
    expect(JSON.parse(requests[1]?.body.toString() ?? '')).toEqual({ alg: 'ES256', value: digest });
  });

  test('a bare key signs with its certificate from the file, wherever that stands in it, by a version that stays the same', async () => {
    const before = vault.requests.length;
    const others = [...(chains.get('RSA-2048') ?? chain).certificates, ...alone.certificates];
    const pem = toChainPem([...others, ...chain.certificates.toReversed()]);
    const signer = await open(vault).keySigner({ collection: 'keys', name: 'bare', version: undefined }, { chain: pem });
    expect(signer).toMatchObject({ algorithm: 'ES256', description: expect.stringMatching(/\/keys\/bare\/[0-9a-f]{32}$/) });
    expect(signer.certificateChain.map((der) => Buffer.from(der))).toEqual(chain.certificates.map(({ raw }) => raw));
    expect((await signer.sign(Buffer.from('x'))).length).toBe(64);
    const asked = vault.requests.slice(before).filter(({ headers }) => headers.authorization !== undefined);
    const paths = asked.map(({ method, url }) => `${method} ${url.pathname.replace(/[0-9a-f]{32}/, 'VERSION')}`);
    expect(new Set(paths)).toEqual(new Set(['POST /keys/bare//sign', 'POST /keys/bare/VERSION/sign']));
    expect(paths.at(-1)).toBe('POST /keys/bare/VERSION/sign');
  });

  test.each(keyTypes)('a bare %s key without any certificate signs with %s where none is wanted', async (keyType, algorithm) => {
    const signing = chains.get(keyType) ?? chain;
    const own = await startVault({ keys: [{ name: 'bare', version, privateKey: signing.keys.privateKey }] });
    const signer = await open(own).keySigner({ collection: 'keys', name: 'bare', version: undefined }, { isCertified: false });
    expect(signer).toMatchObject({ algorithm, certificateChain: [], description: expect.stringContaining(`/keys/bare/${version}`) });
    expect(Buffer.from(signer.publicKey)).toEqual(signing.keys.publicKey.export({ format: 'der', type: 'spki' }));
    const message = Buffer.from('message');
    expect(isSignature(signer.algorithm, signing.keys.publicKey, message, await signer.sign(message))).toBe(true);
    const asked = own.requests
      .filter(({ headers }) => headers.authorization !== undefined)
      .map(({ method, url }) => `${method} ${url.pathname}`);
    expect(asked).toEqual(['GET /keys/bare/', `POST /keys/bare/${version}/sign`]);
  });

  test('the grant that reading such a key lacks is named', async () => {
    const keysOf = [{ name: 'bare', version, privateKey: chain.keys.privateKey }];
    const own = await startVault({ keys: keysOf, grants: { [objectId]: ['keys/sign'] } });
    const error = await errorOf(open(own).keySigner({ collection: 'keys', name: 'bare', version: undefined }, { isCertified: false }));
    expect(error).toMatchObject({ code: 'vault-role-missing', message: expect.stringContaining('"Key Vault Crypto User"') });
    expect(
      await errorOf(open(own).keySigner({ collection: 'keys', name: 'none', version: undefined }, { isCertified: false })),
    ).toMatchObject({
      origin: 'vault',
    });
  });

  test('a bare key that goes by its version is asked for no other', async () => {
    const own = await startVault({ keys: [{ name: 'bare', version, privateKey: chain.keys.privateKey }] });
    await open(own).keySigner({ collection: 'keys', name: 'bare', version }, { chain: toChainPem(chain.certificates) });
    expect(own.requests.map(({ url }) => url.pathname)).toEqual([`/keys/bare/${version}/sign`, `/keys/bare/${version}/sign`]);
  });

  test.each([
    ['P-256', 'certificates', undefined, 'incomplete-chain'],
    ['P-256', 'certificates', 'not a certificate', 'incomplete-chain'],
    ['P-256', 'certificates', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----', 'certificate-unreadable'],
    ['none', 'certificates', undefined, 'object-missing'],
    ['disabled', 'certificates', undefined, 'object-disabled'],
    ['expired', 'certificates', undefined, 'object-expired'],
    ['early', 'certificates', undefined, 'object-not-yet-valid'],
    ['bare', 'keys', undefined, 'key-mismatch'],
    ['weak', 'keys', undefined, 'key-mismatch'],
  ] as const)('%s of %s with chain %j is refused as %s', async (name, collection, chainPem, code) => {
    const error = await errorOf(open(vault).keySigner({ collection, name, version: undefined }, { chain: chainPem }));
    expect(error).toMatchObject({ code, origin: 'vault' });
    expect(error.message).toContain(name);
    // The Azure CLI has no such options for certificates.
    if (collection === 'certificates') expect(error.hint).not.toMatch(/--expires|--not-before/);
  });

  test('a bare key with the certificate of another is refused', async () => {
    const signer = open(vault).keySigner(
      { collection: 'keys', name: 'rsa', version: undefined },
      { chain: toChainPem(chain.certificates) },
    );
    expect(await errorOf(signer)).toMatchObject({ code: 'key-mismatch' });
  });

  test('what an incomplete chain lacks is named', async () => {
    const pem = toChainPem(chain.certificates.slice(1, 2));
    const error = await errorOf(open(vault).keySigner({ collection: 'certificates', name: 'P-256', version: undefined }, { chain: pem }));
    expect(error.message).toContain('image-custody-sandbox root');
    expect(error.hint).toContain('P-256,CHAIN.pem');
  });

  test.each([
    ['wrong', 'wrong-signature'],
    ['verify-only', 'key-operation'],
  ])('a key that is %s gives the error %s and no signature', async (name, code) => {
    const signer = await open(vault).keySigner({ collection: 'certificates', name, version: undefined }, { chain: issuersOf(chain) });
    expect(await errorOf(signer.sign(Buffer.from('x')))).toMatchObject({ code });
  });

  test('a key that is disabled amid the run is told', async () => {
    const target = await startVault({ certificates: [certificate('P-256', chain)] });
    const signer = await open(target).keySigner(
      { collection: 'certificates', name: 'P-256', version: undefined },
      { chain: issuersOf(chain) },
    );
    target.change('certificates', 'P-256', { enabled: false });
    expect(await errorOf(signer.sign(Buffer.from('x')))).toMatchObject({ code: 'object-disabled' });
  });

  test.each([
    ['cut', (value: string) => value.slice(0, 40)],
    ['empty', () => ''],
    ['wrong', (value: string) => `A${value.slice(1, -1)}A`],
  ])('a signature that is %s on its way is refused', async (_, change) => {
    const signer = await open(vault).keySigner({ collection: 'certificates', name: 'alone', version: undefined });
    const value = change(Buffer.alloc(64, 7).toString('base64url'));
    vault.faults.add({
      match: ({ url, headers }) => url.pathname.endsWith('/sign') && headers.authorization !== undefined,
      status: 200,
      body: { kid: 'x', value },
    });
    expect(await errorOf(signer.sign(Buffer.from('x')))).toMatchObject({ code: 'wrong-signature' });
  });

  test('a certificate whose key is said to be in another vault is refused before a token goes there', async () => {
    const cer = alone.certificates[0]?.raw.toString('base64');
    const body = {
      id: `${vault.url}/certificates/alone/${version}`,
      kid: `https://127.0.0.1:9/keys/alone/${version}`,
      cer,
      attributes: { enabled: true },
    };
    vault.faults.add({ match: ({ headers }) => headers.authorization !== undefined, status: 200, body });
    const error = await errorOf(open(vault).keySigner({ collection: 'certificates', name: 'alone', version: undefined }));
    expect(error).toMatchObject({ code: 'vault-refused', message: expect.stringContaining('none of this vault') });
  });

  test('a certificate that is not issued yet is told', async () => {
    const body = { id: `${vault.url}/certificates/new/${version}`, kid: `${vault.url}/keys/new/${version}`, attributes: { enabled: true } };
    vault.faults.add({ match: ({ headers }) => headers.authorization !== undefined, status: 200, body });
    const error = await errorOf(open(vault).keySigner({ collection: 'certificates', name: 'new', version: undefined }));
    expect(error).toMatchObject({ code: 'certificate-unreadable', message: expect.stringContaining('not been issued') });
  });
});
