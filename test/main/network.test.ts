import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundleOptions } from '../../scripts/bundle-options.ts';
import { type CertificateAuthority, createCertificateAuthority } from '../../src/sandbox/certificate.ts';
import type { RunningRegistry } from '../../src/sandbox/registry.ts';
import { type ForwardProxy, type ForwardProxyOptions, startForwardProxy } from '../lib/forward-proxy.ts';
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
    const env = { HTTPS_PROXY: proxy.address(login), [variable]: join(place.folder, 'corporate.pem') };
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
