import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTrustStores, parseStoreFile } from '../../../src/sign/notary/trust-store.ts';
import { authorityExtensions, keyUsage, leafExtensions, makeCertificate, makeChain, makeKeys, toPem, usage } from '../chain.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trust-store-'));
});
afterAll(() => rm(folder, { recursive: true }));

const { chain } = makeChain('P-256');
const [leaf, intermediate, root] = chain as [Buffer, Buffer, Buffer];
const alone = makeCertificate({ name: 'Alone', keys: makeKeys('P-256'), extensions: leafExtensions });

async function store(name: string, files: Readonly<Record<string, Uint8Array | string>>): Promise<string> {
  const path = join(folder, 'x509', 'ca', name);
  await mkdir(path, { recursive: true });
  for (const [file, content] of Object.entries(files)) await writeFile(join(path, file), content);
  return path;
}

test('the certificates of all files are read, in PEM and DER, and once', async () => {
  const text = `Subject: root\n${toPem(root)}between\n${toPem(alone)}`;
  const path = await store('good', { 'b.pem': text, 'a.der': Buffer.concat([intermediate, root]), 'c.crt': text.replaceAll('\n', '\r\n') });
  const stores = openTrustStores(folder);
  const read = await stores.read('ca', 'good');
  expect(read.map((der) => Buffer.from(der).toString('hex'))).toEqual(
    [intermediate, root, root, alone, root, alone].map((der) => der.toString('hex')),
  );
  await rm(path, { recursive: true });
  expect(await stores.read('ca', 'good')).toEqual(read);
  await expect(openTrustStores(folder).read('ca', 'good')).rejects.toMatchObject({ code: 'trust-store', origin: 'input' });
});

test.each<[string, () => Promise<void>, RegExp]>([
  ['absent', async () => {}, /no folder/],
  ['empty', async () => void (await store('empty', {})), /no certificate/],
  [
    'with-folder',
    async () => void (await mkdir(join(await store('with-folder', { 'a.pem': toPem(root) }), 'more'))),
    /"more" in it is no file/,
  ],
  [
    'with-link',
    async () => symlink(join(await store('target', { 'a.pem': toPem(root) }), 'a.pem'), join(await store('with-link', {}), 'link.pem')),
    /"link\.pem" in it is no file/,
  ],
  ['linked', async () => symlink(await store('target', { 'a.pem': toPem(root) }), join(folder, 'x509', 'ca', 'linked')), /is no folder/],
  ['is-file', async () => writeFile(join(folder, 'x509', 'ca', 'is-file'), toPem(root)), /is no folder/],
  ['leaf', async () => void (await store('leaf', { 'leaf.pem': toPem(leaf) })), /"leaf\.pem".*neither an authority nor self-signed/],
  ['large', async () => void (await store('large', { 'a.pem': Buffer.alloc(1024 * 1024 + 1, 10) })), /larger than/],
])('a store that is %s is refused', async (name, make, reason) => {
  await make();
  await expect(openTrustStores(folder).read('ca', name)).rejects.toMatchObject({
    code: 'trust-store',
    message: expect.stringMatching(reason),
  });
});

const key = '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n';
test.each<[string, 'ca' | 'tsa', string | Uint8Array, RegExp]>([
  ['an empty file', 'ca', '', /no certificate/],
  ['text', 'ca', 'hello', /neither PEM nor DER/],
  ['a key beside a certificate', 'ca', `${toPem(root)}${key}`, /"PRIVATE KEY"/],
  ['a damaged certificate', 'ca', toPem(root.subarray(0, 100)), /no certificate that can be read/],
  ['a DER certificate that is cut off', 'ca', root.subarray(0, -1), /cut off/],
  ['DER with bytes after it', 'ca', Buffer.concat([root, Buffer.of(0)]), /neither PEM nor DER/],
  ['an intermediate as a timestamp authority', 'tsa', intermediate, /no root/],
  ['a self-signed leaf as a timestamp authority', 'tsa', alone, /no root/],
  [
    'a root that may not sign certificates',
    'tsa',
    makeCertificate({ name: 'R', keys: makeKeys('P-256'), extensions: [authorityExtensions[0] as never, keyUsage(usage.cRLSign)] }),
    /no root/,
  ],
  [
    'a leaf signed with SHA-1',
    'ca',
    makeCertificate({ name: 'Old', keys: makeKeys('P-256'), extensions: leafExtensions, hash: 'sha1' }),
    /neither an authority/,
  ],
])('%s is refused', (_, type, content, reason) => {
  expect(() => parseStoreFile(type, Buffer.from(content))).toThrow(reason);
});

test('a root is good for a timestamp authority', () => {
  expect(parseStoreFile('tsa', root)).toEqual([root]);
});
