import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { signatureAlgorithmOf } from '../../src/lib/signature-algorithm.ts';
import { openKeyFile } from '../../src/sign/key-file.ts';
import { draftEnvelope, parseEnvelope } from '../../src/sign/notary/envelope.ts';
import { signNotary } from '../../src/sign/notary/signature.ts';
import { verifyNotary } from '../../src/sign/notary/verification.ts';
import { brokenChains } from '../sign/broken-chains.ts';
import { algorithms, leafExtensions, makeCertificate, makeChain, makeKeys, makeSigner, toPem } from '../sign/chain.ts';
import { NotationRegistry } from './notation-registry.ts';
import { peer } from './peers.ts';
import { openVaultSigner } from './vault-signer.ts';

const run = promisify(execFile);
const now = () => new Date();
const agent = 'image-custody/0.0.0';

let registry: NotationRegistry;
beforeAll(async () => {
  registry = await NotationRegistry.start();
});
afterAll(async () => {
  await registry?.stop();
});

const formats = ['jws', 'cose'] as const;
const inBothForms = algorithms.flatMap(([keyType, algorithm]) => formats.map((format) => ({ keyType, algorithm, format })));

describe('what we sign, notation verifies', () => {
  test.each(inBothForms)(
    '$format: a chain with an intermediate and a leaf of $keyType ($algorithm), from PEM files',
    async ({ keyType, format }) => {
      const repository = `signed/${format}-${keyType.toLowerCase()}`;
      const { chain, keys } = makeChain(keyType);
      const [keyFile, chainFile] = [join(registry.folder, `${keyType}.key`), join(registry.folder, `${keyType}.crt`)];
      await writeFile(keyFile, keys.privateKey.export({ type: 'pkcs8', format: 'pem' }));
      await writeFile(chainFile, toPem(...chain));
      const subject = await registry.pushImage(repository);
      await registry.attach(
        repository,
        subject,
        await signNotary({ signer: await openKeyFile(keyFile, { chain: await readFile(chainFile) }), subject, now, agent, format }),
      );
      expect(await registry.verify(repository, subject.digest, chain[2] ?? Buffer.of())).toContain('Successfully verified signature');
    },
  );

  test.each(formats)('%s: a self-signed certificate, with an expiry, metadata and an attribute', async (format) => {
    const keys = makeKeys('P-256');
    const leaf = makeCertificate({ name: 'Alone', keys, extensions: leafExtensions });
    const [repository, subject] = [`signed/alone-${format}`, await registry.pushImage(`signed/alone-${format}`)];
    const metadata = new Map([
      ['com.example.run', '42'],
      ['com.example.owner', 'Zoë "ops" <ops@example.com>'],
    ]);
    const attributes = [{ name: 'com.example.pipeline', value: 'release' }];
    const signer = makeSigner('ES256', keys, [leaf]);
    const signed = await signNotary({ signer, subject, now, agent, format, lifetimeMs: 3_600_000, metadata, attributes });
    await registry.attach(repository, subject, signed);
    const asked = [...metadata].flatMap(([name, value]) => ['--user-metadata', `${name}=${value}`]);
    expect(await registry.verify(repository, subject.digest, leaf, asked)).toContain('Successfully verified signature');
    expect(await registry.verify(repository, subject.digest, leaf, ['--user-metadata', 'com.example.run=43'])).toContain(
      'unable to find specified metadata',
    );
  });
});

describe('what a key of a vault signs, notation verifies', () => {
  test.each(['RSA-2048', 'RSA-3072', 'RSA-4096', 'P-256', 'P-384', 'P-521'] as const)('with a chain of %s', async (keyType) => {
    const repository = `vault/${keyType.toLowerCase()}`;
    await using vault = await openVaultSigner(keyType);
    const { signing, signer } = vault;
    const subject = await registry.pushImage(repository);
    await registry.attach(repository, subject, await signNotary({ signer, subject, now, agent }));
    const root = signing.certificates.at(-1)?.raw ?? Buffer.of();
    expect(await registry.verify(repository, subject.digest, root)).toContain('Successfully verified signature');
  });
});

describe('what notation signs, we verify', () => {
  test.each(inBothForms)('$format: with a chain of $keyType ($algorithm)', async ({ keyType, format }) => {
    const repository = `theirs/${format}-${keyType.toLowerCase()}`;
    const { chain, keys } = makeChain(keyType);
    const home = await mkdtemp(join(registry.folder, 'signer-'));
    const notation = join(home, 'notation');
    await mkdir(notation);
    const [keyPath, certPath] = [join(home, 'key.pem'), join(home, 'chain.pem')];
    await writeFile(keyPath, keys.privateKey.export({ type: 'pkcs8', format: 'pem' }));
    await writeFile(certPath, toPem(...chain));
    await writeFile(join(notation, 'signingkeys.json'), JSON.stringify({ default: 'test', keys: [{ name: 'test', keyPath, certPath }] }), {
      mode: 0o600,
    });
    const subject = await registry.pushImage(repository);
    const env = { ...process.env, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home };
    await run(
      peer('notation'),
      [
        ...['sign', '--insecure-registry', '--force-referrers-tag', '--signature-format', format, '--user-metadata', 'com.example.run=42'],
        ...['--expiry', '12h', `${registry.host}/${repository}@${subject.digest}`],
      ],
      { env },
    );
    const read = (path: string) => registry.read(repository, path);
    const index = JSON.parse((await read(`manifests/${subject.digest.replace(':', '-')}`)).toString());
    const manifest = JSON.parse((await read(`manifests/${index.manifests[0].digest}`)).toString());
    const envelope = await read(`blobs/${manifest.layers[0].digest}`);
    const parsed = parseEnvelope(envelope, manifest.layers[0].mediaType);
    expect([...parsed.metadata]).toEqual([['com.example.run', '42']]);
    expect(parsed.expiry?.getTime()).toBe(parsed.signingTime.getTime() + 12 * 3_600_000);
    const document = { bytes: envelope, mediaType: manifest.layers[0].mediaType };
    const verified = await verifyNotary(document, subject, { now, trusted: [chain[2] ?? Buffer.of()] });
    expect(verified.agent).toContain('notation');
    const ours = await signNotary({ signer: makeSigner(verified.algorithm, keys, chain), subject, now, agent, format });
    expect(ours.mediaType).toBe(manifest.layers[0].mediaType);
    expect(Object.keys(ours.annotations).sort()).toEqual(Object.keys(manifest.annotations).sort());
    expect(ours.annotations['io.cncf.notary.x509chain.thumbprint#S256']).toBe(
      manifest.annotations['io.cncf.notary.x509chain.thumbprint#S256'],
    );
  });
});

describe('a chain that we refuse, notation refuses', () => {
  const cases = brokenChains().map((broken, index) => ({ ...broken, repository: `broken/${index}` }));

  test.each(cases)('$what', async ({ chain, keys, repository, acceptedByNotation = false }) => {
    const [algorithm = 'ES256', subject] = [signatureAlgorithmOf(keys.publicKey), await registry.pushImage(repository)];
    const signer = { ...makeSigner(algorithm, keys, chain) };
    await expect(signNotary({ signer, subject, now, agent })).rejects.toMatchObject({ code: 'certificate-rules' });
    const content = { algorithm, subject, metadata: new Map(), signingTime: new Date(), expiry: undefined, attributes: [] };
    const { signingInput, complete } = draftEnvelope('jws', content);
    const bytes = complete(await signer.sign(signingInput), { certificateChain: chain, agent, timestamp: undefined });
    const thumbprints = JSON.stringify(chain.map((der) => createHash('sha256').update(der).digest('hex')));
    await registry.attach(repository, subject, {
      artifactType: 'application/vnd.cncf.notary.signature',
      mediaType: 'application/jose+json',
      bytes,
      annotations: { 'io.cncf.notary.x509chain.thumbprint#S256': thumbprints },
    });
    const verdict = await registry.verify(repository, subject.digest, chain.at(-1) ?? Buffer.of());
    if (acceptedByNotation) expect(verdict).toContain('Successfully verified signature');
    else
      expect(verdict).toMatch(
        /certificate-chain is invalid|malformed leaf certificate|x509: invalid|key is of invalid type|validity period/,
      );
  });
});

test('a signature over another image is refused by notation too', async () => {
  const { chain, keys } = makeChain('P-256');
  const subject = await registry.pushImage('signed/other');
  const other = { ...subject, size: subject.size + 1 };
  await registry.attach(
    'signed/other',
    subject,
    await signNotary({ signer: makeSigner('ES256', keys, chain), subject: other, now, agent }),
  );
  expect(await registry.verify('signed/other', subject.digest, chain[2] ?? Buffer.of())).not.toContain('Successfully verified');
});
