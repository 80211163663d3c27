import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSigningChain, type KeyType } from '../../src/sandbox/certificate.ts';
import { type LoopbackRegistry, startRegistry } from './loopback-registry.ts';
import { peer, shared } from './peers.ts';
import { expectProgram, runBundle, runProgram } from './step.ts';

/** The main job on the image that the project is measured with, from its archive and from a real daemon, checked with the real programs. */
const archive = process.env.SHOP_ARCHIVE ?? '';
const dockerHost = process.env.DOCKER_HOST ?? '';

let folder: string;
let registry: LoopbackRegistry;
let denied: LoopbackRegistry;

beforeAll(async () => {
  if (archive === '' || dockerHost === '')
    throw new Error('SHOP_ARCHIVE and DOCKER_HOST have to name the shop image and a Docker daemon that has shop:ci');
  folder = await mkdtemp(join(tmpdir(), 'shop-'));
  [registry, denied] = await Promise.all([startRegistry(), startRegistry()]);
  await writeFile(join(folder, 'nothing-denied.yml'), 'version: 1\nrules:\n  - name: never\n    deny:\n      id: CVE-0000-0000\n');
});

afterAll(async () => {
  await Promise.all([registry?.stop(), denied?.stop()]);
  await rm(folder, { recursive: true, force: true });
});

interface Published {
  readonly digest: string;
  readonly references: readonly string[];
  readonly signatures: readonly string[];
  readonly sboms: readonly string[];
}

async function publish(image: string, tag: string, keyType: KeyType): Promise<Published & { root: string }> {
  const chain = await createSigningChain({ name: tag, keyType });
  const [keyFile, chainFile, reportFile] = ['key', 'chain', 'report'].map((name) => join(folder, `${tag}-${name}`)) as [
    string,
    string,
    string,
  ];
  const privateKey = chain.keys.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  await writeFile(keyFile, privateKey);
  await writeFile(chainFile, chain.certificates.join(''));
  const args = ['secure', '--image', image, '--push', `${registry.host}/team/${tag}:1`, '--advisories', shared('testdata/osv')];
  const more = ['--policy', join(folder, 'nothing-denied.yml'), '--signing-key', `file:${keyFile},${chainFile}`, '--report', reportFile];
  const result = await runBundle('cli.js', [...args, ...more], {
    cwd: dirname(archive),
    env: { PATH: process.env.PATH, DOCKER_HOST: dockerHost },
  });
  expect(result, result.stderr).toMatchObject({ exitCode: 0 });
  const report = JSON.parse(await readFile(reportFile, 'utf8')) as { digest: string; publication: Omit<Published, 'digest'> };
  return { ...report.publication, digest: report.digest, root: String(chain.certificates.at(-1)) };
}

describe.each([
  ['from its archive, with an RSA key', (): string => `docker-archive:${archive}`, 'archive', 'RSA-2048'],
  ['from a Docker daemon, with an EC key', (): string => 'shop:ci', 'daemon', 'P-256'],
] as const)('the shop image %s', (_, image, tag, key) => {
  let published: Awaited<ReturnType<typeof publish>>;

  beforeAll(async () => {
    published = await publish(image(), tag, key);
  });

  it('is what the registry has, to the byte', async () => {
    const reference: string = `${registry.host}/team/${tag}:1`;
    await expectProgram(peer('crane'), ['validate', '--remote', reference]);
    expect((await expectProgram(peer('crane'), ['digest', reference])).trim()).toBe(published.digest);
    const config = JSON.parse(await expectProgram(peer('crane'), ['config', reference])) as { rootfs: { diff_ids: string[] } };
    const local = JSON.parse(await expectProgram('docker', ['image', 'inspect', 'shop:ci'])) as { RootFS: { Layers: string[] } }[];
    expect(config.rootfs.diff_ids).toEqual(local[0]?.RootFS.Layers);
  });

  it('is pulled and run by Docker', async () => {
    const reference: string = `${registry.host}/team/${tag}:1`;
    await expectProgram('docker', ['pull', reference]);
    const pulled = await expectProgram('docker', ['image', 'inspect', '--format', '{{.Id}}', reference]);
    expect(pulled).toBe(await expectProgram('docker', ['image', 'inspect', '--format', '{{.Id}}', 'shop:ci']));
    const output = await expectProgram('docker', ['run', '--rm', '--network', 'none', reference, '/usr/local/bin/crane', 'version']);
    expect(output.trim()).not.toBe('');
  });

  it('has a signature that notation verifies, trusting the root alone', async () => {
    const home = await mkdtemp(join(folder, 'notation-'));
    const env = { ...process.env, XDG_CONFIG_HOME: home, HOME: home };
    await writeFile(join(home, 'root.crt'), published.root);
    await expectProgram(peer('notation'), ['cert', 'add', '--type', 'ca', '--store', 'shop', join(home, 'root.crt')], { env });
    const policy = {
      version: '1.0',
      trustPolicies: [
        {
          name: 'shop',
          registryScopes: ['*'],
          signatureVerification: { level: 'strict' },
          trustStores: ['ca:shop'],
          trustedIdentities: ['*'],
        },
      ],
    };
    await writeFile(join(home, 'policy.json'), JSON.stringify(policy));
    await expectProgram(peer('notation'), ['policy', 'import', join(home, 'policy.json')], { env });
    const reference: string = `${registry.host}/team/${tag}@${published.digest}`;
    expect(await expectProgram(peer('notation'), ['verify', '--insecure-registry', reference], { env })).toContain('Successfully verified');
  });

  it('shows signature and bill of materials to oras, and the latter to osv-scanner', async () => {
    const reference: string = `${registry.host}/team/${tag}@${published.digest}`;
    const tree = JSON.parse(await expectProgram(peer('oras'), ['discover', '--plain-http', '--format', 'json', reference])) as {
      referrers: { artifactType: string; digest: string }[];
    };
    const types = tree.referrers.map(({ artifactType }) => artifactType).sort();
    const statements = Array(2).fill('application/vnd.in-toto+json');
    expect(types).toEqual(['application/vnd.cncf.notary.signature', 'application/vnd.cyclonedx+json', ...statements]);
    const others = tree.referrers.filter(({ artifactType }) => artifactType !== 'application/vnd.in-toto+json');
    expect(others.map(({ digest }) => digest).sort()).toEqual([...published.signatures, ...published.sboms].sort());

    const manifest = JSON.parse(await expectProgram(peer('crane'), ['manifest', `${registry.host}/team/${tag}@${published.sboms[0]}`])) as {
      layers: { digest: string }[];
    };
    const sbom = await expectProgram(peer('crane'), ['blob', `${registry.host}/team/${tag}@${manifest.layers[0]?.digest}`]);
    const file = join(folder, `${tag}.cdx.json`);
    await writeFile(file, sbom);
    const { stdout } = await runProgram(
      peer('osv-scanner'),
      ['scan', 'source', '--offline', '--local-db-path', folder, '--all-packages', '--format', 'json', '-L', file],
      { env: process.env },
    );
    const scanned = JSON.parse(stdout) as { results: { packages: unknown[] }[] };
    const components = (JSON.parse(sbom) as { components: { type: string; purl?: string }[] }).components.filter(
      ({ type }) => type === 'library',
    );
    expect(scanned.results.flatMap(({ packages }) => packages).length).toBeGreaterThan(components.length * 0.95);
  });
});

describe('a denied run', () => {
  it('leaves nothing of the image in the registry', async () => {
    const args = [
      'secure',
      '--image',
      `docker-archive:${archive}`,
      '--push',
      `${denied.host}/team/shop:1`,
      '--advisories',
      shared('testdata/osv'),
    ];
    const { exitCode, stdout } = await runBundle('cli.js', args, { cwd: dirname(archive) });
    expect(exitCode).toBe(1);
    for (const rule of ['builtin/malware', 'builtin/secrets', 'builtin/fail-on-high']) expect(stdout).toContain(rule);
    expect(await expectProgram(peer('crane'), ['catalog', '--insecure', denied.host])).toBe('');
    const files = (await readdir(denied.storage, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
    // Distribution writes the state of its hash after zero bytes once more when a cancelled upload is closed; nothing else may be there.
    const others = files.filter(({ parentPath, name }) => !parentPath.endsWith('hashstates/sha256') || name !== '0');
    expect(others.map(({ name }) => name)).toEqual([]);
  });
});
