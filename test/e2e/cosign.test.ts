import { verify as verifyDer } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { forEachParallel } from '../../src/lib/parallel.ts';
import { fixedShop } from '../../src/sandbox/demo/shop.ts';
import { startRegistry as startSandboxRegistry } from '../../src/sandbox/registry.ts';
import { signBundle, signLayer } from '../../src/sign/cosign/signature.ts';
import { type KeyType, makeChain, toPem } from '../sign/chain.ts';
import { startCraneRegistry } from './crane-registry.ts';
import { startRegistry } from './loopback-registry.ts';
import { peer, shared } from './peers.ts';
import { expectProgram, runBundle, runProgram } from './step.ts';
import { openVaultSigner } from './vault-signer.ts';

interface Place {
  readonly host: string;
  readonly stop: () => Promise<unknown>;
}

let folder: string;
/** By its name: host, and what ends it. */
let registries: ReadonlyMap<string, Place>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cosign-'));
  await writeFile(join(folder, 'app.tar'), fixedShop().archive);
  await mkdir(join(folder, 'sandbox'));
  const [distribution, crane, sandbox] = await Promise.all([
    startRegistry(),
    startCraneRegistry(),
    startSandboxRegistry({ folder: join(folder, 'sandbox'), now: () => new Date() }),
  ]);
  registries = new Map<string, Place>([
    ['CNCF Distribution', { host: distribution.host, stop: () => distribution.stop() }],
    ['crane registry serve', crane],
    ['the sandbox', { host: sandbox.host, stop: () => sandbox.close() }],
  ]);
});

afterAll(async () => {
  await Promise.all([...(registries?.values() ?? [])].map(({ stop }) => stop()));
  await rm(folder, { recursive: true, force: true });
});

const cosignPassword = 'correct horse';
const env = { ...process.env, COSIGN_PASSWORD: cosignPassword };

/** Publishes the shop and gives its digest. */
async function publish(destination: string, inputs: Readonly<Record<string, readonly string[]>>): Promise<string> {
  const report = join(folder, `report-${Math.random()}.json`);
  const options = Object.entries({
    image: ['docker-archive:app.tar'],
    push: [destination],
    advisories: [shared('testdata/osv')],
    'fail-on': ['none'],
    // Signatures are counted here, and statements have some of their own.
    attest: ['none'],
    report: [report],
    ...inputs,
  });
  const args = options.flatMap(([name, values]) => values.flatMap((value) => [`--${name}`, value]));
  const { exitCode, stdout, stderr } = await runBundle('cli.js', args, { cwd: folder });
  if (exitCode !== 0) throw new Error(`ended with ${exitCode}: ${stderr}${stdout}`);
  return (JSON.parse(await readFile(report, 'utf8')) as { digest: string }).digest;
}

const offline = ['--insecure-ignore-tlog', '--allow-insecure-registry'];

function verify(reference: string, publicKey: string, options: readonly string[] = []) {
  return runProgram(peer('cosign'), ['verify', '--key', publicKey, ...offline, ...options, reference], { env });
}

/** cosign takes SHA-256 for a key in a file, whatever its curve, unless it is told otherwise; the vault signs with the hash of the curve. */
function hashOptions(keyType: KeyType): readonly string[] {
  return keyType === 'P-384' || keyType === 'P-521' ? ['--signature-digest-algorithm', keyType === 'P-384' ? 'sha384' : 'sha512'] : [];
}

/** A key file with its chain, and its public key. */
async function makeKeyFiles(keyType: KeyType) {
  const { chain, keys } = makeChain(keyType);
  const path = (name: string) => join(folder, `${keyType}-${name}`);
  await writeFile(path('key.pem'), keys.privateKey.export({ type: 'pkcs8', format: 'pem' }));
  await writeFile(path('chain.pem'), toPem(...chain));
  await writeFile(path('key.pub'), keys.publicKey.export({ type: 'spki', format: 'pem' }));
  return { signingKey: `file:${path('key.pem')},${path('chain.pem')}`, publicKey: path('key.pub'), chain };
}

const keyTypes = ['RSA-2048', 'RSA-3072', 'RSA-4096', 'P-256', 'P-384', 'P-521'] as const;
const places = ['CNCF Distribution', 'crane registry serve', 'the sandbox'] as const;

describe.each(places)('on %s cosign verifies what the step signs with one key for both systems', (place) => {
  test.each(keyTypes)('%s', async (keyType) => {
    const host = registries.get(place)?.host ?? '';
    const { signingKey, publicKey } = await makeKeyFiles(keyType);
    const repository = `${host}/both/${keyType.toLowerCase()}`;
    const inputs = { sign: ['notation', 'cosign'], 'cosign-format': ['both'], 'signature-metadata': ['run=42'] };
    const digest = await publish(`${repository}:1`, { 'signing-key': [signingKey], ...inputs });
    const reference = `${repository}@${digest}`;
    expect(await verify(reference, publicKey, hashOptions(keyType))).toMatchObject({ exitCode: 0 });
    const legacy = ['--new-bundle-format=false', ...hashOptions(keyType)];
    expect(await verify(reference, publicKey, [...legacy, '-a', 'run=42'])).toMatchObject({ exitCode: 0 });
    expect(await verify(reference, publicKey, [...legacy, '-a', 'run=44'])).not.toMatchObject({ exitCode: 0 });
    const discover = ['discover', '--plain-http', '--format', 'json'];
    const countOf = async (type: string) => {
      const found = JSON.parse(await expectProgram(peer('oras'), [...discover, '--artifact-type', type, reference])) as {
        referrers: unknown[];
      };
      return found.referrers.length;
    };
    const layersOf = async () => {
      const tag = `${repository}:${digest.replace(':', '-')}.sig`;
      return (JSON.parse(await expectProgram(peer('crane'), ['manifest', '--insecure', tag])) as { layers: unknown[] }).layers.length;
    };
    const types = ['application/vnd.cncf.notary.signature', 'application/vnd.dev.sigstore.bundle.v0.3+json'];
    expect([...(await Promise.all(types.map(countOf))), await layersOf()]).toEqual([1, 1, 1]);
    await publish(`${repository}:2`, { 'signing-key': [signingKey], ...inputs });
    expect([...(await Promise.all(types.map(countOf))), await layersOf()]).toEqual([1, 1, 1]);
    await publish(`${repository}:3`, { 'signing-key': [signingKey], ...inputs, 'signature-metadata': ['run=43'] });
    expect([...(await Promise.all(types.map(countOf))), await layersOf()]).toEqual([2, 2, 2]);
    const tree = await expectProgram(peer('oras'), ['discover', '--plain-http', reference]);
    for (const type of [
      'application/vnd.cncf.notary.signature',
      'application/vnd.dev.sigstore.bundle.v0.3+json',
      'application/vnd.cyclonedx+json',
    ])
      expect(tree).toContain(type);
  });
});

test('notation verifies COSE with an expiry and metadata, beside cosign', async () => {
  const host = registries.get('CNCF Distribution')?.host ?? '';
  const { signingKey, chain } = await makeKeyFiles('P-256');
  const repository = `${host}/notation/cose`;
  const inputs = { 'signature-format': ['cose'], 'signature-expiry': ['12h'], 'signature-metadata': ['com.example.run=42'] };
  const digest = await publish(`${repository}:1`, { 'signing-key': [signingKey], sign: ['notation', 'cosign'], ...inputs });
  const home = join(folder, 'home');
  await mkdir(join(home, 'notation/truststore/x509/ca/test'), { recursive: true });
  await writeFile(join(home, 'notation/truststore/x509/ca/test/root.pem'), toPem(chain.at(-1) ?? Buffer.of()));
  const statement = {
    name: 'test',
    registryScopes: ['*'],
    signatureVerification: { level: 'strict' },
    trustStores: ['ca:test'],
    trustedIdentities: ['*'],
  };
  await writeFile(join(home, 'notation/trustpolicy.json'), JSON.stringify({ version: '1.0', trustPolicies: [statement] }));
  const options = { env: { ...process.env, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home } };
  const reference = `${repository}@${digest}`;
  const asked = ['verify', '--insecure-registry', '--user-metadata', 'com.example.run=42', reference];
  expect(await expectProgram(peer('notation'), asked, options)).toContain('Successfully verified signature');
  const inspected = await expectProgram(peer('notation'), ['inspect', '--insecure-registry', reference], options);
  expect(inspected).toContain('application/cose');
  expect(inspected).toMatch(/expiry/i);
});

test('a key that cosign generated and encrypted signs, in each format alone, and has no certificate', async () => {
  const host = registries.get('crane registry serve')?.host ?? '';
  await expectProgram(peer('cosign'), ['generate-key-pair'], { env, cwd: folder });
  const inputs = { sign: ['cosign'], 'signing-key': ['file:cosign.key'], 'signing-key-password': [cosignPassword] };
  const publicKey = join(folder, 'cosign.pub');
  const bundle = `${host}/alone/bundle@${await publish(`${host}/alone/bundle:1`, inputs)}`;
  expect(await verify(bundle, publicKey)).toMatchObject({ exitCode: 0 });
  expect(await verify(bundle, publicKey, ['--new-bundle-format=false'])).not.toMatchObject({ exitCode: 0 });
  const legacy = `${host}/alone/legacy@${await publish(`${host}/alone/legacy:1`, { ...inputs, 'cosign-format': ['legacy'] })}`;
  expect(await verify(legacy, publicKey, ['--new-bundle-format=false'])).toMatchObject({ exitCode: 0 });
  const { publicKey: strangers } = await makeKeyFiles('P-256');
  expect(await verify(bundle, strangers)).not.toMatchObject({ exitCode: 0 });
  expect(await verify(legacy, strangers, ['--new-bundle-format=false'])).not.toMatchObject({ exitCode: 0 });
});

test('signatures of cosign 2 that are there already stay, and ours stand beside them', async () => {
  const host = registries.get('CNCF Distribution')?.host ?? '';
  const { signingKey, publicKey } = await makeKeyFiles('P-256');
  const inputs = { sign: ['cosign'], 'signing-key': [signingKey], 'cosign-format': ['legacy'] };
  const reference = `${host}/beside@${await publish(`${host}/beside:1`, inputs)}`;
  await expectProgram(peer('cosign'), ['generate-key-pair', '--output-key-prefix', 'theirs'], { env, cwd: folder });
  const sign = [
    'sign',
    '--yes',
    '--key',
    join(folder, 'theirs.key'),
    '--tlog-upload=false',
    '--use-signing-config=false',
    '--new-bundle-format=false',
  ];
  await expectProgram(peer('cosign'), [...sign, '--allow-insecure-registry', reference], { env });
  await publish(`${host}/beside:1`, inputs);
  for (const key of [publicKey, join(folder, 'theirs.pub')])
    expect(await verify(reference, key, ['--new-bundle-format=false'])).toMatchObject({ exitCode: 0 });
});

test('a signature that cosign or notation made with the same key is kept, and no other is made', async () => {
  const host = registries.get('CNCF Distribution')?.host ?? '';
  const { chain, keys } = makeChain('P-256');
  const home = await mkdtemp(join(folder, 'same-'));
  const path = (name: string) => join(home, name);
  await writeFile(path('key.pem'), keys.privateKey.export({ type: 'pkcs8', format: 'pem' }));
  await writeFile(path('chain.pem'), toPem(...chain));
  await expectProgram(peer('cosign'), ['import-key-pair', '--key', 'key.pem', '--output-key-prefix', 'theirs'], { env, cwd: home });
  const repository = `${host}/same`;
  const digest = await publish(`${repository}:1`, { sign: ['none'], sbom: ['none'] });
  const reference = `${repository}@${digest}`;
  for (const isBundle of [true, false]) {
    const form = [`--new-bundle-format=${isBundle}`, '--tlog-upload=false', '--use-signing-config=false', '--allow-insecure-registry'];
    await expectProgram(peer('cosign'), ['sign', '--yes', '--key', path('theirs.key'), ...form, reference], { env });
  }
  await mkdir(path('notation'));
  const signer = { name: 'test', keyPath: path('key.pem'), certPath: path('chain.pem') };
  await writeFile(path('notation/signingkeys.json'), JSON.stringify({ default: 'test', keys: [signer] }));
  await expectProgram(peer('notation'), ['sign', '--insecure-registry', '--force-referrers-tag', reference], {
    env: { ...process.env, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home },
  });
  const listed = async () => {
    const ofTag = async (tag: string) =>
      JSON.parse(await expectProgram(peer('crane'), ['manifest', '--insecure', `${repository}:${tag}`])) as Record<string, unknown[]>;
    const tag = digest.replace(':', '-');
    return [(await ofTag(tag)).manifests, (await ofTag(`${tag}.sig`)).layers];
  };
  const before = await listed();
  expect(before.map((items) => items?.length)).toEqual([2, 1]);
  const inputs = {
    'signing-key': [`file:${path('key.pem')},${path('chain.pem')}`],
    sign: ['notation', 'cosign'],
    'cosign-format': ['both'],
  };
  await publish(`${repository}:2`, { ...inputs, sbom: ['none'] });
  expect(await listed()).toEqual(before);
  const other = `${host}/same-other`;
  await publish(`${other}:2`, { ...inputs, sbom: ['none'], push: [`${repository}:3`, `${other}:3`] });
  expect(await listed()).toEqual(before);
  const tagged = JSON.parse(await expectProgram(peer('crane'), ['manifest', '--insecure', `${other}:${digest.replace(':', '-')}.sig`]));
  const layers = tagged.layers.map((layer: { digest: string }) => layer.digest);
  const [document] = await Promise.all(
    layers.map((layer: string) => expectProgram(peer('crane'), ['blob', '--insecure', `${other}@${layer}`])),
  );
  expect([JSON.parse(document).critical.identity, layers.length]).toEqual([{ 'docker-reference': other }, 1]);
});

describe('keys of a vault sign for cosign', () => {
  test.each(keyTypes)('%s', async (keyType) => {
    await using vault = await openVaultSigner(keyType);
    const { signing, signer } = vault;
    const home = await mkdtemp(join(folder, 'blob-'));
    const publicKey = join(home, 'key.pub');
    await writeFile(publicKey, signing.keys.publicKey.export({ type: 'spki', format: 'pem' }));
    const subject = { digest: `sha256:${'ab'.repeat(32)}` as const };
    const { bytes, annotations } = await signLayer({ signer, subject, metadata: new Map() }, 'r/a');
    const signature = annotations['dev.cosignproject.cosign/signature'] ?? '';
    await writeFile(join(home, 'payload'), bytes);
    await writeFile(join(home, 'signature'), signature);
    await writeFile(join(home, 'signature.der'), Buffer.from(signature, 'base64'));
    if (hashOptions(keyType).length === 0) {
      const options = ['--insecure-ignore-tlog', '--new-bundle-format=false', '--key', publicKey, '--signature', join(home, 'signature')];
      await expectProgram(peer('cosign'), ['verify-blob', ...options, join(home, 'payload')], { env });
    }
    // cosign verifies blobs by SHA-256 alone.
    const hash = keyType.startsWith('RSA') || keyType === 'P-256' ? '-sha256' : keyType === 'P-384' ? '-sha384' : '-sha512';
    const dgst = ['dgst', hash, '-verify', publicKey, '-signature', join(home, 'signature.der'), join(home, 'payload')];
    expect(await expectProgram('openssl', dgst)).toContain('Verified OK');
    await expect(signBundle({ signer, subject, metadata: new Map() }, () => new Date())).resolves.toMatchObject({});
  });
});

test('10,000 signatures of a key of the vault, all of them right in DER', async () => {
  await using vault = await openVaultSigner('P-256');
  const { signing, signer } = vault;
  const lengths = new Map<number, number>();
  const wrong: string[] = [];
  await forEachParallel([...Array(10_000).keys()], 16, async (at) => {
    const subject = { digest: `sha256:${at.toString(16).padStart(64, '0')}` as const };
    const { bytes, annotations } = await signLayer({ signer, subject, metadata: new Map() }, 'r/a');
    const der = Buffer.from(annotations['dev.cosignproject.cosign/signature'] ?? '', 'base64');
    lengths.set(der.length, (lengths.get(der.length) ?? 0) + 1);
    if (!verifyDer('sha256', bytes, signing.keys.publicKey, der)) wrong.push(der.toString('hex'));
  });
  expect(wrong).toEqual([]);
  // 70, 71 and 72 bytes, and shorter ones where a part has leading zeros: one in 128.
  expect([...lengths].filter(([length]) => length < 70).reduce((sum, [, count]) => sum + count, 0)).toBeGreaterThan(5);
});
