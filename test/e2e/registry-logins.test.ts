import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { baseLayer, layerOf, writeArchive } from '../command/publication.ts';
import { type LoopbackRegistry, startRegistry } from './loopback-registry.ts';
import { openPolicy } from './open-policy.ts';
import { peer } from './peers.ts';
import { expectProgram, runBundle, runProgram, type StepResult } from './step.ts';
import { createTokenIssuer } from './token-issuer.ts';

const user = 'shop-ci';
const password = 'a password: with colon';
/** `htpasswd -Bbn -C 5`. */
const htpasswd = `${user}:$2y$05$BBd/zu/MhZV6SZfVGMbNV.UUBWXkzCTnZ9ON91Bw28NKdGUMvsWHS\n`;

let folder: string;
let registry: LoopbackRegistry;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'registry-logins-'));
  await mkdir(join(folder, 'advisories'));
  await writeFile(join(folder, 'policy.yml'), openPolicy);
  await writeArchive({ workspace: folder }, 'app.tar', [baseLayer, layerOf('app', 'one')]);
  registry = await startRegistry({ parent: folder, htpasswd });
});

afterAll(async () => {
  await registry.stop();
  await rm(folder, { recursive: true, force: true });
});

/** A user of this machine who has logged in to nothing yet. */
async function newUser(): Promise<{ readonly home: string; readonly env: Readonly<Record<string, string>> }> {
  const home = await mkdtemp(join(folder, 'home-'));
  return { home, env: { PATH: process.env.PATH ?? '', HOME: home, XDG_RUNTIME_DIR: join(home, 'run') } };
}

function push(host: string, env: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<StepResult> {
  const fixed = ['--image', 'docker-archive:app.tar', '--advisories', 'advisories', '--policy', 'policy.yml', '--sbom', 'none'];
  return runBundle('cli.js', ['secure', '--push', `${host}/team/app:1`, ...fixed, ...args], { cwd: folder, env });
}

async function expectPushed(host: string, env: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<void> {
  const { exitCode, stdout, stderr } = await push(host, env, ...args);
  expect(exitCode, stdout + stderr).toBe(0);
  expect(stdout + stderr).not.toContain(password);
}

describe('CNCF Distribution with user names and passwords', () => {
  test('nobody is told to log in', async () => {
    const { env } = await newUser();
    const { exitCode, stderr } = await push(registry.host, env);
    expect([exitCode, stderr]).toEqual([3, expect.stringContaining(`docker login ${registry.host}`)]);
  });

  test('user name and password of the inputs', async () => {
    const { env } = await newUser();
    await expectPushed(registry.host, env, '--registry-username', user, '--registry-password', password);
  });

  test('a wrong password is told as that', async () => {
    const { env } = await newUser();
    const { exitCode, stderr } = await push(registry.host, env, '--registry-username', user, '--registry-password', 'wrong-canary');
    expect([exitCode, stderr]).toEqual([3, expect.stringContaining('Check registry-username and registry-password')]);
    expect(stderr).toContain('credential-refused');
    expect(stderr).not.toContain('wrong-canary');
  });

  test('what crane has written to config.json', async () => {
    const { home, env } = await newUser();
    await expectProgram(peer('crane'), ['auth', 'login', registry.host, '-u', user, '-p', password], { env });
    expect(await readFile(join(home, '.docker/config.json'), 'utf8')).toContain(registry.host);
    await expectPushed(registry.host, env);
  });

  test.each(['skopeo', 'buildah'])('what %s has written to its auth.json', async (program) => {
    const { home, env } = await newUser();
    await mkdir(join(home, 'run'), { mode: 0o700 });
    await expectProgram(program, ['login', '--tls-verify=false', '-u', user, '-p', password, registry.host], { env });
    expect(await readFile(join(home, 'run/containers/auth.json'), 'utf8')).toContain(registry.host);
    await expectPushed(registry.host, env);
  });

  test('the file that REGISTRY_AUTH_FILE names, for a part of the registry', async () => {
    const { home, env } = await newUser();
    const named = { ...env, REGISTRY_AUTH_FILE: join(home, 'auth.json') };
    await expectProgram('skopeo', ['login', '--tls-verify=false', '-u', user, '-p', password, `${registry.host}/team`], { env: named });
    await expectPushed(registry.host, named);
    expect((await push(registry.host, env)).exitCode).toBe(3);
  });
});

describe('docker-credential-pass, a helper that keeps passwords with GnuPG', () => {
  async function newPassUser() {
    const made = await newUser();
    const { home, env } = made;
    await mkdir(join(home, '.gnupg'), { mode: 0o700 });
    await mkdir(join(home, '.docker'));
    const key = ['%no-protection', 'Key-Type: RSA', 'Key-Length: 2048', 'Name-Email: ci@example.com', '%commit', ''].join('\n');
    await writeFile(join(home, 'key'), key);
    await expectProgram('gpg', ['--batch', '--quiet', '--gen-key', join(home, 'key')], { env });
    await expectProgram('pass', ['init', 'ci@example.com'], { env });
    await writeFile(join(home, '.docker/config.json'), JSON.stringify({ credsStore: 'pass' }));
    onTestFinished(async () => {
      await runProgram('gpgconf', ['--kill', 'all'], { env });
    });
    return made;
  }

  async function store(home: string, env: Readonly<Record<string, string>>, server: string): Promise<void> {
    const file = join(home, 'credential.json');
    await writeFile(file, JSON.stringify({ ServerURL: server, Username: user, Secret: password }));
    await expectProgram('docker-credential-pass', ['store'], { env, stdin: file });
    await rm(file);
  }

  test('pushes with what it keeps for the registry, and for that one alone', async () => {
    const { home, env } = await newPassUser();
    await store(home, env, registry.host);
    await expectPushed(registry.host, env);
    const other = await startRegistry({ parent: folder, htpasswd });
    onTestFinished(() => other.stop());
    const { exitCode, stderr } = await push(other.host, env);
    expect([exitCode, stderr]).toEqual([3, expect.stringContaining('docker-credential-pass')]);
    expect(stderr).toContain('has none for it');
  });

  test("one that is not there is bad input, and in nobody's way where an image is only read", async () => {
    const { home, env } = await newUser();
    await mkdir(join(home, '.docker'));
    await writeFile(join(home, '.docker/config.json'), JSON.stringify({ credsStore: 'of-another-machine' }));
    const { exitCode, stderr } = await push(registry.host, env);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('docker-credential-of-another-machine')]);
    const open = await startRegistry({ parent: folder });
    onTestFinished(() => open.stop());
    await expectProgram(peer('crane'), ['push', '--insecure', join(folder, 'app.tar'), `${open.host}/team/base:1`]);
    const args = ['--image', `registry:${open.host}/team/base:1`, '--advisories', 'advisories', '--policy', 'policy.yml'];
    const read = await runBundle('cli.js', ['secure', ...args], { cwd: folder, env });
    expect(read.exitCode, read.stdout + read.stderr).toBe(0);
    expect(read.stderr + read.stdout).toContain('Reading without a credential');
  });
});

describe('CNCF Distribution with a token service at another host', () => {
  test('gets no credential there until registry-token-host says that it belongs to it', async () => {
    const issuer = createTokenIssuer();
    const asked: string[] = [];
    const service = createServer((request, response) => {
      const { searchParams } = new URL(request.url ?? '', 'http://token');
      asked.push(request.headers.authorization ?? '');
      const token = issuer.issue('registry', searchParams.getAll('scope'), new Date(Date.now() + 60_000));
      response.end(JSON.stringify({ token, expires_in: 60 }));
    }).listen(0, '127.0.0.1');
    await once(service, 'listening');
    const host = `127.0.0.1:${(service.address() as AddressInfo).port}`;
    const { issuer: name, keys } = issuer;
    const guarded = await startRegistry({
      parent: folder,
      tokens: { realm: `http://${host}/token`, service: 'registry', issuer: name, keys },
    });
    onTestFinished(async () => {
      service.close();
      await guarded.stop();
    });
    const { env } = await newUser();
    const login = ['--registry-username', user, '--registry-password', password];
    const { exitCode, stderr } = await push(guarded.host, env, ...login);
    expect([exitCode, stderr]).toEqual([3, expect.stringContaining(`registry-token-host: ${guarded.host}=HOST`)]);
    expect(asked).toEqual([]);
    await expectPushed(guarded.host, env, ...login, '--registry-token-host', `${guarded.host}=${host}`);
    expect(new Set(asked)).toEqual(new Set([`Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`]));
  });
});
