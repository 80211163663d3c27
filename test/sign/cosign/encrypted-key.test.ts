import { randomBytes, scryptSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import nacl from 'tweetnacl';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SecretValue } from '../../../src/lib/secret-value.ts';
import { openKeyFile } from '../../../src/sign/key-file.ts';
import { makeChain, makeKeys, toPem } from '../chain.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'encrypted-key-'));
});
afterAll(() => rm(folder, { recursive: true }));

const keys = makeKeys('P-256');
const params = { N: 1024, r: 8, p: 1 };

/** As cosign writes it; real ones are opened in test/e2e/cosign.test.ts. */
function encrypt(password: string, change: (content: Record<string, unknown>) => unknown = (content) => content): string {
  const [salt, nonce] = [randomBytes(32), randomBytes(24)];
  const der = keys.privateKey.export({ format: 'der', type: 'pkcs8' });
  const ciphertext = nacl.secretbox(der, nonce, scryptSync(password, salt, 32, params));
  const content = {
    kdf: { name: 'scrypt', params, salt: salt.toString('base64') },
    cipher: { name: 'nacl/secretbox', nonce: nonce.toString('base64') },
    ciphertext: Buffer.from(ciphertext).toString('base64'),
  };
  const body = Buffer.from(JSON.stringify(change(content)))
    .toString('base64')
    .replace(/.{64}/g, '$&\n');
  return `-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n${body}\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n`;
}

async function open(pem: string, password?: string) {
  const path = join(folder, `${randomBytes(8).toString('hex')}.key`);
  await writeFile(path, pem);
  return openKeyFile(path, { isCertified: false, password: password === undefined ? undefined : new SecretValue(password) });
}

test('a key of cosign is opened by its password, an empty one too, and needs no certificate', async () => {
  for (const password of ['pässword', '']) {
    const signer = await open(encrypt(password), password);
    expect(signer).toMatchObject({ algorithm: 'ES256', certificateChain: [] });
    expect(Buffer.from(signer.publicKey)).toEqual(keys.publicKey.export({ format: 'der', type: 'spki' }));
  }
});

test('encrypted PKCS#8 is opened too', async () => {
  const pem = keys.privateKey.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'pw' }).toString();
  await expect(open(pem, 'pw')).resolves.toMatchObject({ algorithm: 'ES256' });
  await expect(open(pem, 'other')).rejects.toMatchObject({
    code: 'key-file',
    message: expect.stringContaining('or the password is another'),
  });
});

test('certificates beside the key still have to be its own', async () => {
  const { chain } = makeChain('P-256');
  await expect(open(encrypt('pw') + toPem(...chain), 'pw')).rejects.toMatchObject({ code: 'key-mismatch' });
});

test.each([
  ['no password', encrypt('pw'), undefined, 'key-encrypted', 'signing-key-password'],
  ['another password', encrypt('pw'), 'pw2', 'key-encrypted', 'is not its password'],
  [
    'another kind of encryption',
    encrypt('pw', (content) => ({ ...content, cipher: { name: 'aes', nonce: '' } })),
    'pw',
    'key-file',
    'damaged',
  ],
  [
    'more work than any key asks for',
    encrypt('pw', (content) => ({ ...content, kdf: { name: 'scrypt', params: { N: 2 ** 30, r: 8, p: 1 }, salt: '' } })),
    'pw',
    'key-file',
    'damaged',
  ],
])('%s', async (_, pem, password, code, text) => {
  await expect(open(pem, password)).rejects.toMatchObject({ code, message: expect.stringContaining(text) });
});
