import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { signNotary } from '../../src/sign/notary/signature.ts';
import { readAgentCommands } from '../host/oracle-azure-agent.ts';
import { readRunnerCommands } from '../host/oracle-github-runner.ts';
import { fileInputs, openPlace, type Place } from '../main/place.ts';
import { hostKinds, runStep } from '../main/step-run.ts';
import { makeChain, makeSigner, toPem } from '../sign/chain.ts';
import { NotationRegistry, type Pushed } from './notation-registry.ts';
import { peer } from './peers.ts';
import { expectProgram, runBundle, runProgram } from './step.ts';

let registry: NotationRegistry;
const { chain, keys } = makeChain('P-256');
const other = makeChain('P-256');
const signer = makeSigner('ES256', keys, chain);
const now = () => new Date();

beforeAll(async () => {
  registry = await NotationRegistry.start();
});
afterAll(async () => {
  await registry?.stop();
});

interface Verified {
  readonly exitCode: number;
  // biome-ignore lint/suspicious/noExplicitAny: the JSON report
  readonly report: any;
}

async function verify(inputs: Readonly<Record<string, string>>, cwd = registry.folder): Promise<Verified> {
  const report = join(registry.folder, `report-${Math.random()}.json`);
  const args = Object.entries({ ...inputs, report }).flatMap(([name, value]) => value.split('\n').map((item) => `--${name}=${item}`));
  const { exitCode, stderr } = await runBundle('cli.js', ['verify', ...args], { cwd });
  const text = await readFile(report, 'utf8').catch(() => undefined);
  if (text === undefined) throw new Error(`ended with ${exitCode}: ${stderr}`);
  return { exitCode: exitCode ?? -1, report: JSON.parse(text) };
}

describe('with a trust policy', () => {
  const statement = {
    name: 'release',
    registryScopes: ['*'],
    signatureVerification: { level: 'strict' },
    trustStores: ['ca:own'],
    trustedIdentities: ['*'],
  };

  /** A home of notation, with two stores. */
  async function makeHome(more: object): Promise<string> {
    const home = await mkdtemp(join(registry.folder, 'home-'));
    const folder = join(home, 'notation');
    for (const [name, root] of [
      ['own', chain[2]],
      ['other', other.chain[2]],
    ] as const) {
      await mkdir(join(folder, 'truststore/x509/ca', name), { recursive: true });
      await writeFile(join(folder, 'truststore/x509/ca', name, 'root.pem'), toPem(root as Buffer));
    }
    const policy = { version: '1.0', trustPolicies: [{ ...statement, ...more }] };
    await writeFile(join(folder, 'trustpolicy.json'), JSON.stringify(policy), { mode: 0o600 });
    return home;
  }

  async function both(repository: string, subject: Pushed, more: object) {
    const home = await makeHome(more);
    const reference = `${registry.host}/${repository}@${subject.digest}`;
    const env = { ...process.env, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home };
    const theirs = await runProgram(peer('notation'), ['verify', '--insecure-registry', reference], { env });
    const ours = await verify({ reference, 'trust-policy': join(home, 'notation/trustpolicy.json') });
    return { theirs: theirs.exitCode === 0, ours: ours.exitCode === 0, report: ours.report };
  }

  test.each([
    ['a trusted signer', {}, true],
    ['another store', { trustStores: ['ca:other'] }, false],
    ['both stores', { trustStores: ['ca:other', 'ca:own'] }, true],
    ['another identity', { trustedIdentities: ['x509.subject: C=DE, ST=Nowhere, O=Nobody'] }, false],
    ['a scope elsewhere', { registryScopes: ['registry.example.com/app'] }, false],
    ['an audit of another store', { signatureVerification: { level: 'audit' }, trustStores: ['ca:other'] }, true],
    ['a permissive policy', { signatureVerification: { level: 'permissive' } }, true],
  ])('notation and verify agree: %s', async (name, more, expected) => {
    const repository = `policy/${name.replaceAll(' ', '-')}`;
    const subject = await registry.pushImage(repository);
    await registry.attach(repository, subject, await signNotary({ signer, subject, now, agent: 'test' }));
    expect(await both(repository, subject, more)).toMatchObject({ theirs: expected, ours: expected });
  });

  test('they agree that nobody has signed, and that a signature of another image is none', async () => {
    const [unsigned, replayed] = ['policy/unsigned', 'policy/replayed'];
    const subject = await registry.pushImage(unsigned);
    expect(await both(unsigned, subject, {})).toMatchObject({ theirs: false, ours: false });
    const target = await registry.pushImage(replayed);
    const foreign = { ...target, digest: `sha256:${'a'.repeat(64)}` as const };
    await registry.attach(replayed, target, await signNotary({ signer, subject: foreign, now, agent: 'test' }));
    const { theirs, ours, report } = await both(replayed, target, {});
    expect([theirs, ours, report.images[0].failures[0].code]).toEqual([false, false, 'other-subject']);
  });
});

describe('with a key of cosign', () => {
  // Without it cosign signs at the tag, whatever mode it is told.
  const env = { ...process.env, COSIGN_PASSWORD: 'correct horse', COSIGN_EXPERIMENTAL: '1' };
  const offline = ['--yes', '--key', 'theirs.key', '--tlog-upload=false', '--use-signing-config=false', '--allow-insecure-registry'];
  const cosign = async (...args: readonly string[]) => {
    const { exitCode, stderr } = await runProgram(peer('cosign'), args, { cwd: registry.folder, env });
    if (exitCode !== 0) throw new Error(stderr);
  };

  beforeAll(async () => {
    await cosign('generate-key-pair', '--output-key-prefix', 'theirs');
    await writeFile(join(registry.folder, 'bom.json'), JSON.stringify({ bomFormat: 'CycloneDX', specVersion: '1.6', version: 1 }));
    const p256 = makeChain('P-256').keys.publicKey.export({ type: 'spki', format: 'pem' });
    await writeFile(join(registry.folder, 'foreign.pub'), p256);
  });

  test.each([true, false])('what cosign signs and attests is accepted, of its signer alone (bundle: %s)', async (isBundle) => {
    const repository = `cosign/${isBundle ? 'bundle' : 'legacy'}`;
    const subject = await registry.pushImage(repository);
    const reference = `${registry.host}/${repository}@${subject.digest}`;
    const form = `--new-bundle-format=${isBundle}`;
    const none = await verify({ reference, 'cosign-key': 'theirs.pub' });
    expect([none.exitCode, none.report.images[0].failures[0].code]).toEqual([1, 'unsigned']);
    await cosign('sign', ...offline, form, reference);
    await cosign('attest', ...offline, form, '--type', 'cyclonedx', '--predicate', 'bom.json', reference);
    const trusted = await verify({ reference, 'cosign-key': 'theirs.pub', require: 'cosign\nsbom' });
    expect(trusted.report.images[0]).toMatchObject({ failures: [], confirmed: [{ kind: 'signature' }, { kind: 'sbom' }] });
    expect(trusted.exitCode).toBe(0);
    const foreign = await verify({ reference, 'cosign-key': 'foreign.pub', require: 'cosign\nsbom' });
    expect(foreign.report.images[0].failures.map(({ code }: { code: string }) => code)).toEqual(['untrusted', 'evidence-missing']);
    expect(foreign.exitCode).toBe(1);
    const folder = `saved-${isBundle}`;
    await cosign('save', '--allow-insecure-registry', '--dir', folder, reference);
    const saved = await verify({ reference: `oci:${folder}`, 'cosign-key': 'theirs.pub', require: 'cosign\nsbom' });
    expect(saved.report.images[0]).toMatchObject({
      digest: subject.digest,
      failures: [],
      confirmed: [{ kind: 'signature' }, { kind: 'sbom' }],
    });
    const unknown = await verify({ reference: `oci:${folder}`, 'cosign-key': 'foreign.pub' });
    expect(unknown.report.images[0].failures.map(({ code }: { code: string }) => code)).toEqual(['untrusted']);
  });

  test('signatures of cosign 2 in a referrer of their own are accepted, of their signer alone', async () => {
    const { digest } = await registry.pushImage('cosign/referrer');
    const reference = `${registry.host}/cosign/referrer@${digest}`;
    const mode = ['--new-bundle-format=false', '--registry-referrers-mode=oci-1-1'];
    await cosign('sign', ...offline, ...mode, reference);
    const trusted = await verify({ reference, 'cosign-key': 'theirs.pub' });
    expect(trusted.report.images[0]).toMatchObject({ failures: [], confirmed: [{ kind: 'signature', signedBy: 'theirs.pub' }] });
    const foreign = await verify({ reference, 'cosign-key': 'foreign.pub' });
    expect(foreign.report.images[0].failures.map(({ code }: { code: string }) => code)).toEqual(['untrusted']);
  });

  test('what OpenSSL signed and cosign attached is accepted', async () => {
    const { digest } = await registry.pushImage('cosign/attached');
    const reference = `${registry.host}/cosign/attached@${digest}`;
    const { privateKey, publicKey } = makeChain('RSA-3072').keys;
    const path = (name: string) => join(registry.folder, name);
    const critical = {
      identity: { 'docker-reference': `${registry.host}/cosign/attached` },
      image: { 'docker-manifest-digest': digest },
      type: 'cosign container image signature',
    };
    await writeFile(path('payload.json'), JSON.stringify({ critical, optional: null }));
    await writeFile(path('rsa.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
    await writeFile(path('rsa.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
    await expectProgram('openssl', ['dgst', '-sha256', '-sign', path('rsa.pem'), '-out', path('signature'), path('payload.json')]);
    await writeFile(path('signature.txt'), await expectProgram('base64', [path('signature')]));
    const options = ['--allow-insecure-registry', '--payload', 'payload.json', '--signature', 'signature.txt'];
    await cosign('attach', 'signature', ...options, reference);
    await cosign('verify', '--allow-insecure-registry', '--insecure-ignore-tlog', '--key', 'rsa.pub', reference);
    const trusted = await verify({ reference, 'cosign-key': 'rsa.pub' });
    expect(trusted.report.images[0]).toMatchObject({ failures: [], confirmed: [{ kind: 'signature', signedBy: 'rsa.pub' }] });
  });
});

describe('on each host', () => {
  let place: Place;
  beforeAll(async () => {
    place = await openPlace();
  });
  afterAll(async () => {
    await place?.close();
  });

  test.each(hostKinds)('%s: the line of the manifest gets the name of the policy', async (host) => {
    const own = await place.startRegistry();
    const reference = `${own.host}/team/app:1.0`;
    const published = await runStep(host, place, { inputs: { ...fileInputs(place, reference), image: 'docker-archive:small.tar' } });
    expect(published.exitCode, published.stdout + published.stderr).toBe(0);
    const inputs = {
      command: 'verify',
      deployment: 'deploy.yaml',
      'trusted-registry': own.host,
      'trusted-certificate': 'certificates.pem',
      'registry-username': 'shop-ci',
      'registry-password': place.password,
    };
    const manifest = (image: string) => `apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - image: ${image}\n`;
    const file = join(place.workspace, 'deploy.yaml');
    await writeFile(file, manifest(reference));
    const refused = await runStep(host, place, { inputs });
    expect(refused.exitCode, refused.stdout + refused.stderr).toBe(1);
    const shown =
      host === 'github'
        ? readRunnerCommands(refused.stdout).map(({ name, properties, data }) => [name, ...properties.values(), data].join(' '))
        : host === 'azure-pipelines'
          ? readAgentCommands(refused.stdout).map(({ properties, data }) => [...properties.values(), data].join(' '))
          : [refused.stdout];
    expect(shown.some((text) => text.includes('deploy.yaml') && text.includes('5') && text.includes('digest'))).toBe(true);
    const pinned = await runStep(host, place, { inputs: { ...inputs, pin: 'true' } });
    expect(pinned.exitCode, pinned.stdout + pinned.stderr).toBe(0);
    expect(await readFile(file, 'utf8')).toMatch(/:1\.0@sha256:[0-9a-f]{64}\n$/);
    expect((await runStep(host, place, { inputs })).exitCode).toBe(0);
  });
});
