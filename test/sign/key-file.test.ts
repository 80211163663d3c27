import { createPublicKey, X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isSignature } from '../../src/lib/signature-algorithm.ts';
import { openKeyFile } from '../../src/sign/key-file.ts';
import { algorithms, makeChain, makeKeys, toPem } from './chain.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'key-file-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function file(name: string, content: string | Buffer): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

const { chain, keys } = makeChain('P-256');
const [leaf, intermediate, root] = chain as [Buffer, Buffer, Buffer];
const pkcs8 = keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const parameters = '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n';

test.each(algorithms)('%s signs with %s', async (keyType, algorithm) => {
  const made = makeChain(keyType);
  const pem = made.keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const signer = await openKeyFile(await file(`${keyType}.pem`, pem + toPem(...made.chain)));
  expect(signer.algorithm).toBe(algorithm);
  const message = Buffer.from('message');
  expect(isSignature(algorithm, new X509Certificate(signer.certificateChain[0] ?? '').publicKey, message, await signer.sign(message))).toBe(
    true,
  );
});

test.each([
  ['PKCS#1', 'RSA-2048', 'pkcs1'],
  ['SEC1', 'P-256', 'sec1'],
] as const)('reads a key in %s', async (_, keyType, type) => {
  const made = makeChain(keyType);
  const pem = made.keys.privateKey.export({ type, format: 'pem' } as { type: 'pkcs1'; format: 'pem' }).toString();
  const path = await file(`${type}.pem`, `${type === 'sec1' ? parameters : ''}${pem}`);
  await expect(openKeyFile(path, { chain: toPem(...made.chain) })).resolves.toMatchObject({ keptIn: 'file' });
});

test('puts the chain in order and leaves out what does not belong to it', async () => {
  const stranger = makeChain('P-256').chain;
  const shuffled = `subject=whatever\n${toPem(root, ...stranger, intermediate, leaf)}`;
  const signer = await openKeyFile(await file('key.pem', pkcs8), { chain: shuffled });
  expect(signer.certificateChain.map((der) => Buffer.from(der))).toEqual([leaf, intermediate, root]);
});

test('is not misled by CRLF line ends', async () => {
  const path = await file('crlf.pem', (pkcs8 + toPem(...chain)).replaceAll('\n', '\r\n'));
  await expect(openKeyFile(path)).resolves.toMatchObject({ algorithm: 'ES256' });
});

test.each([
  ['no file', 'key-file', 'no such file', undefined, undefined],
  ['a folder', 'key-file', 'EISDIR', '.', undefined],
  ['a certificate only', 'key-file', '0 PEM blocks', toPem(leaf), undefined],
  ['two keys', 'key-file', '2 PEM blocks', pkcs8 + pkcs8, undefined],
  ['a damaged key', 'key-file', 'damaged', pkcs8.replace('MIG', '???'), undefined],
  ['a damaged certificate', 'key-file', 'certificates', pkcs8, toPem(leaf).replace('MII', '???')],
  ['another key type', 'key-type', 'EC secp256k1', makeKeys('secp256k1').privateKey.export({ type: 'pkcs8', format: 'pem' }), undefined],
  ['a weak key', 'key-type', 'RSA 1024', makeKeys('RSA-1024').privateKey.export({ type: 'pkcs8', format: 'pem' }), undefined],
  ['no certificates', 'key-mismatch', 'it has none', pkcs8, undefined],
  ['certificates of another key', 'key-mismatch', 'none of the 3', pkcs8, toPem(...makeChain('P-256').chain)],
  ['a chain without its root', 'incomplete-chain', 'CN=Root', pkcs8, toPem(leaf, intermediate)],
  ['a chain without its middle', 'incomplete-chain', 'CN=Intermediate', pkcs8, toPem(leaf, root)],
  ['a file that is too large', 'key-file', 'larger', 'x'.repeat(1024 * 1024 + 1), undefined],
])('names what is wrong with %s', async (name, code, reason, key, certificates) => {
  const keyFile = key === '.' ? folder : key === undefined ? join(folder, 'missing.pem') : await file(`${name}.key`, key);
  await expect(openKeyFile(keyFile, { chain: certificates })).rejects.toMatchObject({
    code,
    message: expect.stringContaining(reason),
    hint: expect.stringMatching(/\S/),
  });
});

test.each([
  ['PKCS#8', 'P-256', 'pkcs8'],
  ['PKCS#1', 'RSA-2048', 'pkcs1'],
] as const)('says that a key in %s is encrypted', async (_, keyType, type) => {
  const pem = makeKeys(keyType).privateKey.export({ type, format: 'pem', cipher: 'aes-256-cbc', passphrase: 'p' } as {
    type: 'pkcs8';
    format: 'pem';
  });
  await expect(openKeyFile(await file(`encrypted-${type}.pem`, pem))).rejects.toMatchObject({ code: 'key-encrypted' });
});

test('no error shows key material', async () => {
  const path = await file('cut.pem', pkcs8.slice(0, 80) + pkcs8.slice(100));
  const error: unknown = await openKeyFile(path).catch((reason: unknown) => reason);
  const { inspect } = await import('node:util');
  expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(pkcs8.slice(40, 60));
  expect(createPublicKey(keys.privateKey).asymmetricKeyType).toBe('ec');
});
