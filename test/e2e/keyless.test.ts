import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Digest } from '../../src/model/digest.ts';
import { fixedShop } from '../../src/sandbox/demo/shop.ts';
import { type RunningRegistry, startRegistry } from '../../src/sandbox/registry.ts';
import { parseCosignIdentity } from '../../src/sign/cosign/identity.ts';
import { type CosignTrust, parseCosignKey } from '../../src/sign/cosign/trust.ts';
import { parseTrustedRoot } from '../../src/sign/cosign/trusted-root.ts';
import { verifyCosignBundle, verifyCosignLayer } from '../../src/sign/cosign/verification.ts';
import { issuer, workflow } from '../sign/cosign/certified.ts';
import { type SigstoreInstance, startSigstore, toToken } from '../sign/sigstore-instance.ts';
import { openAttached } from './attached.ts';
import { peer, shared } from './peers.ts';
import { expectProgram, runBundle, runProgram } from './step.ts';

let folder: string;
let sigstore: SigstoreInstance;
let registry: RunningRegistry;
let tokens: Server;
const token = toToken({ iss: issuer, sub: workflow });
const env = { ...process.env, COSIGN_PASSWORD: '', TUF_ROOT: undefined };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keyless-'));
  await mkdir(join(folder, 'registry'));
  sigstore = await startSigstore();
  registry = await startRegistry({ folder: join(folder, 'registry'), now: () => new Date() });
  tokens = createServer((request, response) => {
    const isAsked = request.url === '/?audience=sigstore' && request.headers.authorization === 'Bearer request-token';
    response.writeHead(isAsked ? 200 : 403).end(JSON.stringify({ value: token }));
  }).listen(0, '127.0.0.1');
  await once(tokens, 'listening');
  await writeFile(join(folder, 'app.tar'), fixedShop().archive);
  await writeFile(join(folder, 'root.json'), sigstore.trustedRoot);
  await writeFile(join(folder, 'token'), token);
  for (const [name, config] of Object.entries(signingConfigs())) await writeFile(join(folder, `${name}.json`), JSON.stringify(config));
});

/** What an instance signs by: a log of the first version of Rekor, one of the second with an authority of time, and that authority alone. */
function signingConfigs(): Readonly<Record<string, object>> {
  const service = { url: sigstore.url, majorApiVersion: 1, validFor: { start: '2020-01-01T00:00:00Z' }, operator: 'test' };
  const config = { mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json', caUrls: [service] };
  const first = { rekorTlogUrls: [service], rekorTlogConfig: { selector: 'ANY' } };
  const second = { ...first, rekorTlogUrls: [service, { ...service, majorApiVersion: 2 }] };
  const stamped = { tsaUrls: [{ ...service, url: sigstore.timestampUrl }], tsaConfig: { selector: 'ANY' } };
  return {
    'signing-config': { ...config, ...first },
    'first-stamped': { ...config, ...first, ...stamped },
    'second-stamped': { ...config, ...second, ...stamped },
    stamped: { ...config, ...stamped },
  };
}

afterAll(async () => {
  tokens?.close();
  await Promise.all([sigstore?.close(), registry?.close()]);
  await rm(folder, { recursive: true, force: true });
});

/** Publishes the shop as a job on GitHub, and gives its digest. */
async function publish(repository: string, inputs: Readonly<Record<string, string>>): Promise<Digest> {
  const report = join(folder, `${repository.replaceAll('/', '-')}.json`);
  const given = {
    image: 'docker-archive:app.tar',
    push: `${registry.host}/${repository}:1`,
    advisories: shared('testdata/osv'),
    'fail-on': 'none',
    report,
    'signing-key': 'keyless',
    'trusted-root': 'root.json',
    ...(inputs['signing-config'] === undefined && { 'fulcio-url': sigstore.url, 'rekor-url': sigstore.url }),
    comment: 'off',
    ...inputs,
  };
  const { exitCode, stdout, stderr } = await runBundle('github.js', [], {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      GITHUB_WORKSPACE: folder,
      RUNNER_TEMP: folder,
      ACTIONS_ID_TOKEN_REQUEST_URL: `http://127.0.0.1:${(tokens.address() as AddressInfo).port}/`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'request-token',
      ...Object.fromEntries(Object.entries(given).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value])),
    },
  });
  if (exitCode !== 0) throw new Error(`ended with ${exitCode}: ${stderr}${stdout}`);
  expect(stdout.replaceAll(`::add-mask::${token}`, '') + stderr + (await readFile(report, 'utf8'))).not.toContain(token);
  return (JSON.parse(await readFile(report, 'utf8')) as { digest: Digest }).digest;
}

const identity = ['--certificate-identity', workflow, '--certificate-oidc-issuer', issuer];

function cosign(command: string, reference: string, options: readonly string[]) {
  return runProgram(peer('cosign'), [command, '--trusted-root', 'root.json', '--allow-insecure-registry', ...options, reference], {
    env,
    cwd: folder,
  });
}

test('cosign verifies by the identity what the step signed and attested without a key, in both forms', async () => {
  const digest = await publish('ours/both', { 'cosign-format': 'both', attest: 'sbom', 'signature-metadata': 'run=42' });
  const reference = `${registry.host}/ours/both@${digest}`;
  const legacy = ['--new-bundle-format=false', ...identity];
  const bill = ['--type', 'cyclonedx'];
  for (const [command, options] of [
    ['verify', identity],
    ['verify', [...legacy, '-a', 'run=42']],
    ['verify-attestation', [...bill, ...identity]],
    ['verify-attestation', [...bill, ...legacy]],
  ] as const)
    expect(await cosign(command, reference, options)).toMatchObject({
      exitCode: 0,
      stderr: expect.stringContaining('The cosign claims were validated'),
    });
  const others = ['--certificate-identity', `${workflow}2`, '--certificate-oidc-issuer', issuer];
  expect(await cosign('verify', reference, others)).not.toMatchObject({ exitCode: 0 });
  expect(await cosign('verify', reference, [...others, '--new-bundle-format=false'])).not.toMatchObject({ exitCode: 0 });
});

test.each([
  ['first-stamped', { 'cosign-format': 'both' }, ['--new-bundle-format=false']],
  ['second-stamped', {}, undefined],
] as const)('cosign verifies what the step signs and attests by the configuration %s', async (name, inputs, old) => {
  const digest = await publish(`ours/${name}`, { ...inputs, 'signing-config': `${name}.json`, attest: 'sbom' });
  const reference = `${registry.host}/ours/${name}@${digest}`;
  for (const form of [[], ...(old === undefined ? [] : [old])]) {
    for (const [command, options] of [
      ['verify', form],
      ['verify-attestation', ['--type', 'cyclonedx', ...form]],
    ] as const)
      expect(await cosign(command, reference, [...identity, '--use-signed-timestamps', ...options])).toMatchObject({
        exitCode: 0,
        stderr: expect.stringContaining('The cosign claims were validated'),
      });
  }
});

test('cosign verifies what the step signs with an authority of time alone, where the root names no log', async () => {
  await writeFile(join(folder, 'no-log.json'), JSON.stringify({ ...JSON.parse(sigstore.trustedRoot.toString()), tlogs: [] }));
  const digest = await publish('ours/stamped', { 'signing-config': 'stamped.json', 'trusted-root': 'no-log.json', attest: 'none' });
  const reference = `${registry.host}/ours/stamped@${digest}`;
  const options = ['--trusted-root', 'no-log.json', '--insecure-ignore-tlog', '--use-signed-timestamps', '--allow-insecure-registry'];
  const verified = await runProgram(peer('cosign'), ['verify', ...options, ...identity, reference], { env, cwd: folder });
  expect(verified).toMatchObject({ exitCode: 0 });
});

const byIdentity = (): CosignTrust => ({
  keys: [],
  identities: [parseCosignIdentity(`${issuer} ${workflow}`)],
  openRoot: async () => parseTrustedRoot('root.json', sigstore.trustedRoot),
});
const byKey = (pem: string): CosignTrust => ({
  keys: [parseCosignKey('cosign.pub', pem)],
  identities: [],
  openRoot: () => Promise.reject(new Error('no certificate is looked at')),
});

async function copyImage(repository: string): Promise<Digest> {
  await expectProgram(peer('crane'), ['push', '--insecure', 'app.tar', `${registry.host}/${repository}:1`], { cwd: folder });
  return (await expectProgram(peer('crane'), ['digest', '--insecure', `${registry.host}/${repository}:1`])).trim() as Digest;
}

const predicateType = 'https://example.com/tested/v1';

/** What cosign itself signs and attests, in both forms, is read by us. */
async function expectAccepted(
  repository: string,
  { sign, old = sign }: { readonly sign: readonly string[]; readonly old?: readonly string[] },
  trust: CosignTrust,
  signedBy: string,
): Promise<void> {
  const digest = await copyImage(repository);
  const reference = `${registry.host}/${repository}@${digest}`;
  await writeFile(join(folder, 'predicate.json'), '{"tested":true}');
  const attest = ['--predicate', 'predicate.json', '--type', predicateType];
  for (const [command, options] of [
    ['sign', sign],
    ['attest', [...sign, ...attest]],
    ['sign', [...old, '--new-bundle-format=false']],
    ['attest', [...old, '--new-bundle-format=false', ...attest]],
  ] as const)
    await expectProgram(peer('cosign'), [command, '--yes', '--allow-insecure-registry', ...options, reference], {
      env,
      cwd: folder,
    });
  const attached = openAttached(registry.host, repository);
  const bundles = await attached.bundles(digest);
  const read = await Promise.all(bundles.map((bytes) => verifyCosignBundle(bytes, { digest }, trust)));
  expect(read.map((statement) => [statement.predicateType, statement.signedBy]).toSorted()).toEqual([
    [predicateType, signedBy],
    ['https://sigstore.dev/cosign/sign/v1', signedBy],
  ]);
  const layers = [...(await attached.layers(digest, 'sig')), ...(await attached.layers(digest, 'att'))];
  const readOld = await Promise.all(layers.map((layer) => verifyCosignLayer(layer, { digest }, trust)));
  expect(readOld.map((statement) => [statement.predicateType, statement.signedBy])).toEqual([
    ['https://sigstore.dev/cosign/sign/v1', signedBy],
    [predicateType, signedBy],
  ]);
  expect(readOld[1]?.predicate).toEqual({ tested: true });
}

test.each(['signing-config', 'first-stamped', 'second-stamped'])(
  'what cosign signs and attests without a key by the configuration %s is accepted by the identity',
  async (name) => {
    const token = ['--identity-token', 'token', '--trusted-root', 'root.json'];
    const sign = [...token, '--signing-config', `${name}.json`];
    const stamped = name === 'first-stamped' ? ['--timestamp-server-url', sigstore.timestampUrl] : [];
    const old = [...token, '--use-signing-config=false', '--fulcio-url', sigstore.url, '--rekor-url', sigstore.url, ...stamped];
    await expectAccepted(`theirs/${name}`, { sign, old }, byIdentity(), `${workflow} (${issuer})`);
  },
);

test.each([
  ['P-256', () => generateKeyPairSync('ec', { namedCurve: 'P-256' })],
  ['P-384', () => generateKeyPairSync('ec', { namedCurve: 'P-384' })],
  ['P-521', () => generateKeyPairSync('ec', { namedCurve: 'P-521' })],
  ['RSA-2048', () => generateKeyPairSync('rsa', { modulusLength: 2048 })],
] as const)('what cosign signs and attests by a key of %s is accepted by its public key', async (kind, make) => {
  const { privateKey, publicKey } = make();
  const home = join(folder, kind);
  await mkdir(home);
  await writeFile(join(home, 'plain.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
  await expectProgram(peer('cosign'), ['import-key-pair', '--key', 'plain.pem', '--output-key-prefix', 'cosign'], { env, cwd: home });
  const sign = ['--key', join(home, 'cosign.key'), '--tlog-upload=false', '--use-signing-config=false'];
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  await expectAccepted(`theirs/${kind.toLowerCase()}`, { sign }, byKey(pem), 'cosign.pub');
});
