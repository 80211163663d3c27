import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createSigningChain, toChainPem } from '../../src/sandbox/certificate.ts';
import { type LoopbackRegistry, startRegistry } from './loopback-registry.ts';
import { peer, shared } from './peers.ts';
import { expectProgram, runBundle } from './step.ts';

let folder: string;
let registry: LoopbackRegistry;
let digest: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mirror-'));
  registry = await startRegistry({ parent: folder });
  const chain = await createSigningChain({ name: 'mirror' });
  await writeFile(join(folder, 'key.pem'), chain.keys.privateKey.export({ type: 'pkcs8', format: 'pem' }));
  await writeFile(join(folder, 'certificates.pem'), toChainPem(chain.certificates));
  await writeFile(join(folder, 'root.pem'), toChainPem(chain.certificates.slice(-1)));
  const { exitCode, stdout, stderr } = await runStep([
    ...['mirror', '--advisories', shared('testdata/osv'), '--snapshot', 'advisories.snapshot'],
    ...['--push', `${registry.host}/security/advisories:latest`, '--signing-key', 'file:key.pem,certificates.pem'],
  ]);
  expect(exitCode, stdout + stderr).toBe(0);
  digest = /advisories:latest@(sha256:[0-9a-f]{64})/.exec(stdout + stderr)?.[1] ?? '';
});

afterAll(async () => {
  await registry?.stop();
  await rm(folder, { recursive: true, force: true });
});

function runStep(args: readonly string[]) {
  return runBundle('cli.js', args, { cwd: folder, env: { PATH: process.env.PATH, HOME: folder } });
}

test('notation verifies the snapshot with the authority of its certificate', async () => {
  const config = join(folder, 'config');
  const store = join(config, 'notation/truststore/x509/ca/mirror');
  await mkdir(store, { recursive: true });
  await writeFile(join(store, 'root.pem'), await readFile(join(folder, 'root.pem')));
  const rule = {
    name: 'all',
    registryScopes: ['*'],
    signatureVerification: { level: 'strict' },
    trustStores: ['ca:mirror'],
    trustedIdentities: ['*'],
  };
  await writeFile(join(config, 'notation/trustpolicy.json'), JSON.stringify({ version: '1.0', trustPolicies: [rule] }), { mode: 0o600 });
  const reference = `${registry.host}/security/advisories@${digest}`;
  const env = { ...process.env, HOME: folder, XDG_CONFIG_HOME: config };
  expect(await expectProgram(peer('notation'), ['verify', '--insecure-registry', reference], { env })).toContain('Successfully verified');
});

test('oras pulls the file that was written, and copies it with its signature', async () => {
  const pulled = join(folder, 'pulled');
  await expectProgram(peer('oras'), ['pull', '--plain-http', '-o', pulled, `${registry.host}/security/advisories:latest`]);
  const [theirs, ours] = await Promise.all(
    [join(pulled, 'advisories.snapshot'), join(folder, 'advisories.snapshot')].map((file) => readFile(file)),
  );
  expect(theirs?.equals(ours ?? Buffer.alloc(0))).toBe(true);
  const [from, to] = [`${registry.host}/security/advisories:latest`, `${registry.host}/elsewhere/advisories:latest`];
  await expectProgram(peer('oras'), ['copy', '--recursive', '--from-plain-http', '--to-plain-http', from, to]);
  expect(await scan(`registry:${to}`, ['--advisories-certificate', 'root.pem'])).toEqual(await scan('advisories.snapshot'));
});

test('an image has the same findings with the snapshot of the registry, its file, and the directory', async () => {
  const byRegistry = await scan(`registry:${registry.host}/security/advisories:latest`, ['--advisories-certificate', 'certificates.pem']);
  expect(byRegistry.length).toBeGreaterThan(1);
  expect(byRegistry).toEqual(await scan(shared('testdata/osv')));
  expect(byRegistry).toEqual(await scan('advisories.snapshot'));
  // Kept by its digest, below the home of the run.
  expect((await stat(join(folder, '.cache/image-custody/advisories'))).isDirectory()).toBe(true);
});

/** Vulnerabilities of an image with Java archives, by their ids. */
async function scan(advisories: string, more: readonly string[] = []): Promise<readonly string[]> {
  const report = join(folder, 'report.json');
  const image = `docker-archive:${shared('testdata/images/docker-archives/docker-save/java-uberjar.tar')}`;
  const { exitCode, stdout, stderr } = await runStep(['secure', '--image', image, '--advisories', advisories, '--report', report, ...more]);
  expect([0, 1, 3], stdout + stderr).toContain(exitCode);
  const { findings } = JSON.parse(await readFile(report, 'utf8')) as {
    findings: readonly { kind: string; fingerprint: string; ids?: readonly string[] }[];
  };
  await rm(report);
  return findings.filter(({ kind }) => kind === 'vulnerability').map(({ fingerprint, ids }) => `${fingerprint} ${ids}`);
}
