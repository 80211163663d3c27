import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fixedShop } from '../../src/sandbox/demo/shop.ts';
import { type KeyType, makeChain, toPem } from '../sign/chain.ts';
import { type LoopbackRegistry, startRegistry } from './loopback-registry.ts';
import { peer, shared } from './peers.ts';
import { runBundle, runProgram } from './step.ts';

let folder: string;
let registry: LoopbackRegistry;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ratify-'));
  registry = await startRegistry();
  await writeFile(join(folder, 'app.tar'), fixedShop().archive);
});
afterAll(async () => {
  await registry?.stop();
  await rm(folder, { recursive: true, force: true });
});

interface Verdict {
  readonly verifierReports: readonly { readonly isSuccess: boolean; readonly name: string }[];
}

/** What Ratify's command says, as its webhook in a cluster would. */
async function verify(reference: string, root: string, publicKey: string): Promise<readonly [notation: boolean, cosign: boolean]> {
  const statement = { name: 'default', registryScopes: ['*'], trustStores: ['ca:certs'], trustedIdentities: ['*'] };
  const notation = {
    name: 'notation',
    artifactTypes: 'application/vnd.cncf.notary.signature',
    verificationCerts: [root],
    trustPolicyDoc: { version: '1.0', trustPolicies: [{ ...statement, signatureVerification: { level: 'strict' } }] },
  };
  const keyPolicy = { name: 'default', scopes: ['*'], keys: [{ file: publicKey }], tLogVerify: false };
  const cosign = {
    name: 'cosign',
    type: 'cosign',
    artifactTypes: 'application/vnd.dev.cosign.artifact.sig.v1+json',
    trustPolicies: [keyPolicy],
  };
  const config = join(folder, `config-${Math.random()}.json`);
  const store = { version: '1.0.0', plugins: [{ name: 'oras', cosignEnabled: true, useHttp: true }] };
  const policy = { version: '1.0.0', plugin: { name: 'configPolicy' } };
  await writeFile(config, JSON.stringify({ store, policy, verifier: { version: '1.0.0', plugins: [notation, cosign] } }));
  const { stdout, stderr } = await runProgram(peer('ratify'), ['verify', '-c', config, '-s', reference], {
    env: { ...process.env, HOME: folder },
  });
  const json = stdout.slice(stdout.indexOf('{'));
  if (!json.startsWith('{')) throw new Error(`Ratify said nothing: ${stdout}${stderr}`);
  const { verifierReports } = JSON.parse(json) as Verdict;
  const holds = (wanted: string) => verifierReports.some(({ name, isSuccess }) => name === wanted && isSuccess);
  return [holds('notation'), holds('cosign')];
}

const keyTypes: readonly KeyType[] = ['RSA-2048', 'RSA-3072', 'RSA-4096', 'P-256', 'P-384', 'P-521'];

describe('Ratify verifies what both systems sign with one key', () => {
  test.each(keyTypes)('%s', async (keyType) => {
    const { chain, keys } = makeChain(keyType);
    const stranger = makeChain(keyType);
    const path = (name: string) => join(folder, `${keyType}-${name}`);
    const publicPem = (of: typeof keys) => of.publicKey.export({ type: 'spki', format: 'pem' });
    await writeFile(path('key.pem'), keys.privateKey.export({ type: 'pkcs8', format: 'pem' }));
    await writeFile(path('chain.pem'), toPem(...chain));
    await writeFile(path('root.pem'), toPem(chain[2] ?? Buffer.of()));
    await writeFile(path('key.pub'), publicPem(keys));
    await writeFile(path('other-root.pem'), toPem(stranger.chain[2] ?? Buffer.of()));
    await writeFile(path('other.pub'), publicPem(stranger.keys));
    const repository = `${registry.host}/ratify/${keyType.toLowerCase()}`;
    const report = path('report.json');
    const key = `file:${path('key.pem')},${path('chain.pem')}`;
    const published = await runBundle(
      'cli.js',
      [
        ...['--image', 'docker-archive:app.tar', '--push', `${repository}:1`, '--advisories', shared('testdata/osv'), '--fail-on', 'none'],
        ...['--signing-key', key, '--sign', 'notation', '--sign', 'cosign', '--cosign-format', 'legacy', '--report', report],
      ],
      { cwd: folder },
    );
    expect(published.exitCode, published.stderr + published.stdout).toBe(0);
    const { digest } = JSON.parse(await readFile(report, 'utf8')) as { digest: string };
    const reference = `${repository}@${digest}`;
    // It holds a key in a file to SHA-256, and only one of Key Vault to the hash of its curve: docs/decisions/0020-cosign-signs-with-the-hash-of-the-curve.md
    const holds = keyType !== 'P-384' && keyType !== 'P-521';
    expect(await verify(reference, path('root.pem'), path('key.pub'))).toEqual([true, holds]);
    expect(await verify(reference, path('other-root.pem'), path('key.pub'))).toEqual([false, holds]);
    expect(await verify(reference, path('root.pem'), path('other.pub'))).toEqual([true, false]);
  });
});
