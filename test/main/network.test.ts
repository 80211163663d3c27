import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundleOptions } from '../../scripts/bundle-options.ts';
import { type CertificateAuthority, createCertificateAuthority } from '../../src/sandbox/certificate.ts';
import type { RunningRegistry } from '../../src/sandbox/registry.ts';
import { type ForwardProxy, type ForwardProxyOptions, startForwardProxy } from '../lib/forward-proxy.ts';
import { startFakeDaemon } from '../source/fake-daemon.ts';
import { startInspection } from './inspecting-proxy.ts';
import { openPlace, type Place, vaultInputs } from './place.ts';
import { runNode } from './step-run.ts';

/** The Node that runs the tests, and in CI that of the machine. */
const nodes = [...new Set([process.execPath, process.env.IMAGE_CUSTODY_NODE ?? process.execPath])];
const login = 'corp:p%40ss%2Fw%C3%B6rd-of-the-proxy';

let place: Place;
let corporate: CertificateAuthority;
let registry: RunningRegistry;
let bundle: string;
let hosts: ForwardProxyOptions['hosts'];
const closers: (() => unknown)[] = [];

beforeAll(async () => {
  [place, corporate, bundle] = await Promise.all([openPlace(), createCertificateAuthority(), buildBundle()]);
  registry = await place.startRegistry();
  const inspect = (name: string, target: string) => startInspection(corporate, name, new URL(target), closers);
  const { osv, entra, vault, github } = place.sandbox;
  hosts = {
    'registry.test:443': await inspect('registry.test', registry.url),
    'osv.test:443': await inspect('osv.test', osv.url),
    'login.test:443': await inspect('login.test', entra.url),
    'sandbox.vault.azure.net:443': await inspect('sandbox.vault.azure.net', vault.url),
    'github.test:443': await inspect('github.test', github.url),
  };
  await writeFile(join(place.folder, 'corporate.pem'), corporate.certificatePem);
}, 60_000);

afterAll(async () => {
  for (const close of closers) await close();
  await place.close();
  await rm(bundle, { recursive: true, force: true });
});

async function buildBundle(): Promise<string> {
  const outdir = await mkdtemp(join(tmpdir(), 'image-custody-bundle-'));
  const root = fileURLToPath(new URL('../..', import.meta.url));
  await build({ ...bundleOptions, absWorkingDir: root, outdir, logLevel: 'error' });
  await writeFile(join(outdir, 'package.json'), '{ "type": "module" }');
  await symlink(join(root, 'node_modules'), join(outdir, 'node_modules'));
  return outdir;
}

interface Run {
  readonly exitCode: number | undefined;
  readonly output: string;
}

/** Runs the GitHub program with names that nothing but the proxy resolves. */
async function runStep(node: string, env: Readonly<Record<string, string>>, push: string): Promise<Run> {
  const folder = await place.newFolder('runner');
  const inputs = { ...vaultInputs(place, push), advisories: 'https://osv.test', 'key-vault': 'https://sandbox.vault.azure.net' };
  const step = await place.sandbox.prepareGithubStep({
    folder,
    workspace: place.workspace,
    inputs: { ...inputs, 'github-token': place.sandbox.githubToken },
  });
  const { ACTIONS_ID_TOKEN_REQUEST_URL: tokenUrl = '', NODE_EXTRA_CA_CERTS: _, ...rest } = step.env;
  const names = {
    GITHUB_API_URL: 'https://github.test',
    GITHUB_GRAPHQL_URL: 'https://github.test/graphql',
    ACTIONS_ID_TOKEN_REQUEST_URL: tokenUrl.replace(place.sandbox.github.url, 'https://github.test'),
    AZURE_AUTHORITY_HOST: 'https://login.test',
  };
  const { exitCode, stdout, stderr } = await runNode([join(bundle, 'github.js')], {
    env: { ...rest, ...names, ...env },
    cwd: place.workspace,
    node,
  });
  return { exitCode, output: stdout + stderr };
}

async function startProxy(options: Partial<ForwardProxyOptions> = {}): Promise<ForwardProxy> {
  const proxy = await startForwardProxy({ hosts, login: decodeURIComponent(login), ...options });
  closers.push(() => proxy.close());
  return proxy;
}

describe.each(nodes)('the packaged program on %s, behind a proxy that inspects TLS', (node) => {
  test.each(['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE'])('does all that it does through it, trusting what %s names', async (variable) => {
    const proxy = await startProxy();
    // What newer Nodes do with it for their own agents must not come on top.
    const env = { HTTPS_PROXY: proxy.address(login), [variable]: join(place.folder, 'corporate.pem'), NODE_USE_ENV_PROXY: '1' };
    const { exitCode, output } = await runStep(node, env, `registry.test/team/${variable.toLowerCase()}:1.0`);
    expect(exitCode, output).toBe(0);
    expect(new Set(proxy.seen)).toEqual(new Set(Object.keys(hosts).map((host) => `CONNECT ${host}`)));
    // Connections are kept: far fewer tunnels than exchanges.
    expect(proxy.seen.length).toBeLessThan(40);
    const masked = output.split('\n').filter((line) => line.startsWith('::add-mask::'));
    expect(masked).toContain('::add-mask::p@ss/wörd-of-the-proxy');
    const shown = output.split('\n').filter((line) => !line.startsWith('::add-mask::'));
    expect(shown.join('\n')).not.toMatch(/of-the-proxy/);
    const comments = place.sandbox.github.comments.at(-1)?.body ?? '';
    expect(comments).toContain('registry.test/team/');
    expect(comments).not.toContain('of-the-proxy');
  });

  test("takes an Azure Pipelines agent's own proxy and its bypass list", async () => {
    const proxy = await startProxy();
    const both = join(place.folder, 'both.pem');
    await writeFile(both, [corporate.certificatePem, await readFile(place.sandbox.caFile, 'utf8')].join('\n'));
    const inputs = { image: 'docker-archive:good.tar', push: 'registry.test/team/agent:1.0', advisories: 'https://osv.test' };
    const login = { registryUsername: 'shop-ci', registryPassword: place.password, signingKey: 'file:key.pem,certificates.pem' };
    const folder = await place.newFolder('agent');
    const step = await place.sandbox.prepareAzurePipelinesStep({ folder, workspace: place.workspace, inputs: { ...inputs, ...login } });
    const agent = {
      AGENT_PROXYURL: proxy.address(),
      AGENT_PROXYUSERNAME: 'corp',
      SECRET_AGENT_PROXYPASSWORD: 'p@ss/wörd-of-the-proxy',
      AGENT_PROXYBYPASSLIST: JSON.stringify(['^https://[^/]*\\.example']),
    };
    const env = { ...step.env, ...agent, NODE_EXTRA_CA_CERTS: both };
    const { exitCode, stdout } = await runNode([join(bundle, 'azure-pipelines.js')], { env, cwd: place.workspace, node });
    expect(exitCode, stdout).toBe(0);
    expect(new Set(proxy.seen)).toEqual(new Set(['CONNECT osv.test:443', 'CONNECT registry.test:443']));
    expect(stdout.replaceAll(/^##vso\[task\.setsecret\].*$/gm, '')).not.toContain('of-the-proxy');
  });

  test('asks a Docker daemon of a context, over TLS with an authority of NODE_EXTRA_CA_CERTS and a client certificate', async () => {
    const identity = await corporate.issueTls();
    const { dockerHost, calls } = await startFakeDaemon({ images: {}, archives: {}, tls: { identity, ca: corporate.certificatePem } });
    const config = await place.newFolder('docker');
    const id = createHash('sha256').update('farm').digest('hex');
    const files = {
      [`contexts/meta/${id}/meta.json`]: JSON.stringify({ Name: 'farm', Metadata: {}, Endpoints: { docker: { Host: dockerHost } } }),
      [`contexts/tls/${id}/docker/cert.pem`]: identity.certificatePem,
      [`contexts/tls/${id}/docker/key.pem`]: identity.keyPem,
    };
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(join(config, name)), { recursive: true });
      await writeFile(join(config, name), content);
    }
    for (const [extra, message] of [
      [{ NODE_EXTRA_CA_CERTS: join(place.folder, 'corporate.pem') }, 'the Docker daemon has no image "app:ci"'],
      [{}, 'do not trust each other'],
    ] as const) {
      const args = [join(bundle, 'cli.js'), 'secure', '--image=app:ci'];
      const env = { HOME: config, DOCKER_CONFIG: config, DOCKER_CONTEXT: 'farm', ...extra };
      expect((await runNode(args, { env, cwd: place.workspace, node })).stderr).toContain(message);
    }
    expect(calls).toEqual(['GET /images/app:ci/json', 'GET /images/json']);
  });

  test('says what to do about an authority that it does not know', async () => {
    const proxy = await startProxy();
    const { exitCode, output } = await runStep(node, { HTTPS_PROXY: proxy.address(login) }, 'registry.test/team/untrusted:1.0');
    expect(exitCode).toBe(3);
    expect(output).toContain('NODE_EXTRA_CA_CERTS');
  });

  test('says which login the proxy wants, and goes nowhere else', async () => {
    const proxy = await startProxy();
    const env = { https_proxy: proxy.address('corp:wrong-password'), NODE_EXTRA_CA_CERTS: join(place.folder, 'corporate.pem') };
    const { exitCode, output } = await runStep(node, env, 'registry.test/team/wrong:1.0');
    expect(exitCode).toBe(3);
    expect(output).toContain('does not accept the user and password (407)');
    expect(output.replaceAll(/^::add-mask::.*$/gm, '')).not.toContain('wrong-password');
    expect(registry.content.repositories()).not.toContain('team/wrong');
  });

  test.each([
    ['HTTPS_PROXY', 'socks5://corp:hunter2@127.0.0.1:1080', 'names a SOCKS proxy'],
    ['http_proxy', 'http://corp:hunter2/x@127.0.0.1:3128', 'is not the address of a proxy'],
  ])('refuses %s %s as bad input, and does not quote it', async (variable, value, reason) => {
    const { exitCode, output } = await runStep(node, { [variable]: value }, 'registry.test/team/bad:1.0');
    expect(exitCode).toBe(2);
    expect(output).toContain(`Cannot use ${variable}: it ${reason}`);
    expect(output).toContain('Error code: proxy-invalid');
    expect(output).not.toContain('hunter2');
  });
});
