import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DockerDaemon, startDocker } from '../../bench/docker-daemon.ts';
import { createHttp } from '../../src/lib/http-client.ts';
import { readEnvironment } from '../../src/main/environment.ts';
import type { Platform } from '../../src/model/image.ts';
import { platformImages, type SourceImage } from '../../src/model/source.ts';
import { type CertificateAuthority, createCertificateAuthority } from '../../src/sandbox/certificate.ts';
import { fixedShop } from '../../src/sandbox/demo/shop.ts';
import { type RunningRegistry, startRegistry } from '../../src/sandbox/registry.ts';
import { localImage } from '../source/local-image.ts';
import { openSource } from '../source/open-source.ts';
import { peer } from './peers.ts';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'image-custody-docker-'));
const archive = join(folder, 'shop.tar');

let authority: CertificateAuthority;
beforeAll(async () => {
  authority = await createCertificateAuthority();
  writeFileSync(archive, fixedShop().archive);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Writes ca.pem, cert.pem and key.pem into a new folder. */
async function writeTls(issuer = authority): Promise<string> {
  const path = mkdtempSync(join(folder, 'tls-'));
  const { keyPem, certificatePem } = await issuer.issueTls();
  const files = { 'ca.pem': authority.certificatePem, 'cert.pem': certificatePem, 'key.pem': keyPem };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
  return path;
}

/** Reads an image as the program would with these variables. */
async function read(image: string, env: Readonly<Record<string, string>>, platforms: readonly Platform[] = []): Promise<SourceImage> {
  const http = createHttp({ userAgent: 'test' });
  const { docker } = await readEnvironment(env);
  try {
    const source = await openSource(localImage(image), { workspace: folder, docker, stream: http.stream, platforms });
    return await source.read(
      async (_layer, content) => {
        for await (const _ of content);
      },
      { parallel: 2 },
    );
  } finally {
    http.close();
  }
}

async function docker(args: readonly string[], env: Readonly<Record<string, string>>): Promise<string> {
  return (await run('docker', args, { env: { PATH: process.env.PATH, HOME: folder, ...env } })).stdout.trim();
}

describe('dockerd --tlsverify', () => {
  let daemon: DockerDaemon;
  let host: string;
  let client: string;
  let name: string;
  let id: string;

  beforeAll(async () => {
    host = `tcp://127.0.0.1:${await freePort()}`;
    const server = await writeTls();
    client = await writeTls();
    const tls = ['ca', 'cert', 'key'].map((file) => `--tls${file === 'ca' ? 'cacert' : file}=${join(server, `${file}.pem`)}`);
    daemon = await startDocker(join(folder, 'data'), ['--tlsverify', ...tls, '-H', host]);
    const loaded = await docker(['load', '-i', archive], { DOCKER_HOST: daemon.dockerHost });
    name = /Loaded image: (\S+)/.exec(loaded)?.[1] ?? '';
    id = await docker(['image', 'inspect', '-f', '{{.Id}}', name], { DOCKER_HOST: daemon.dockerHost });
  }, 120_000);
  afterAll(() => daemon.stop());

  it('is read with the variables that the docker command takes', async () => {
    const env = { DOCKER_HOST: host, DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: client };
    expect(await docker(['image', 'inspect', '-f', '{{.Id}}', name], env)).toBe(id);
    expect(platformImages(await read(name, env))[0]?.configDigest).toBe(id);
  });

  it('is read with contexts that docker context create has made, chosen as docker chooses them', async () => {
    const config = mkdtempSync(join(folder, 'config-'));
    const env = { DOCKER_CONFIG: config };
    const files = ['ca', 'cert', 'key'].map((file) => `${file}=${join(client, `${file}.pem`)}`).join(',');
    await docker(['context', 'create', 'farm', '--docker', `host=${host},${files}`], env);
    await docker(['context', 'create', 'lax', '--docker', `host=${host},${files.replace(/ca=[^,]*,/, '')},skip-tls-verify=true`], env);
    await docker(['context', 'create', 'far', '--docker', 'host=ssh://me@farm.example'], env);
    await docker(['context', 'create', 'bare', '--docker', `host=${host}`], env);
    await docker(['context', 'use', 'farm'], env);
    for (const variables of [env, { ...env, DOCKER_CONTEXT: 'lax' }, { ...env, DOCKER_CONTEXT: 'far', DOCKER_HOST: daemon.dockerHost }]) {
      expect(await docker(['image', 'inspect', '-f', '{{.Id}}', name], variables)).toBe(id);
      expect(platformImages(await read(name, variables))[0]?.configDigest).toBe(id);
    }
    await expect(read(name, { ...env, DOCKER_CONTEXT: 'far' })).rejects.toMatchObject({ code: 'source-form', origin: 'input' });
    await expect(read(name, { ...env, DOCKER_CONTEXT: 'gone' })).rejects.toMatchObject({ code: 'source-not-found', origin: 'input' });
    await expect(read(name, { ...env, DOCKER_CONTEXT: 'bare' })).rejects.toMatchObject({
      code: 'source-daemon',
      message: expect.stringContaining('speaks TLS, and was asked without'),
    });
  });

  it('refuses a client of another authority, and one without a certificate', async () => {
    const stranger = await writeTls(await createCertificateAuthority());
    const anonymous = await writeTls();
    for (const file of ['cert.pem', 'key.pem']) rmSync(join(anonymous, file));
    for (const path of [stranger, anonymous]) {
      const env = { DOCKER_HOST: host, DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: path };
      await expect(docker(['version'], env)).rejects.toThrow(/certificate/);
      const error = await read(name, env).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'source-daemon', message: expect.stringContaining('do not trust each other') });
    }
  });

  it('whose authority is not the one of ca.pem is refused', async () => {
    const path = await writeTls();
    writeFileSync(join(path, 'ca.pem'), (await createCertificateAuthority()).certificatePem);
    const env = { DOCKER_HOST: host, DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: path };
    await expect(docker(['version'], env)).rejects.toThrow(/certificate/);
    await expect(read(name, env)).rejects.toMatchObject({ code: 'source-daemon', hint: expect.stringContaining('ca.pem') });
  });
});

/** Docker before 28 either has no such store or does not say that it keeps manifests in it (API 1.48). Debian 12 has Docker 20.10. */
const hasContainerdStore = execFileSync('dockerd', ['--help'], { encoding: 'utf8' }).includes('--feature');

describe.runIf(hasContainerdStore)("dockerd with containerd's image store", () => {
  let daemon: DockerDaemon;
  let registry: RunningRegistry;
  let repository: string;
  let env: Readonly<Record<string, string>>;

  beforeAll(async () => {
    daemon = await startDocker(join(folder, 'containerd-data'), ['--feature=containerd-snapshotter=true', '--storage-driver=native']);
    env = { DOCKER_HOST: daemon.dockerHost };
    registry = await startRegistry({ folder: mkdtempSync(join(folder, 'registry-')), now: () => new Date() });
    repository = `${registry.host}/team/shop`;
    await run(peer('crane'), ['push', '--insecure', archive, `${repository}:amd64`]);
  }, 120_000);
  afterAll(async () => {
    await registry.close();
    await daemon.stop();
  });

  it('gives an image with its own manifest and compressed layers', async () => {
    expect(await docker(['info', '-f', '{{json .DriverStatus}}'], env)).toContain('io.containerd.snapshotter');
    const { stdout: manifest } = await run(peer('crane'), ['manifest', '--insecure', `${repository}:amd64`]);
    await docker(['pull', `${repository}:amd64`], env);
    const image = await read(`${repository}:amd64`, env);
    if (image.kind !== 'kept') throw new Error('not kept');
    expect(Buffer.from(image.bytes).toString()).toBe(manifest);
    expect(image.descriptor.digest).toBe(await docker(['image', 'inspect', '-f', '{{.Id}}', `${repository}:amd64`], env));
  });

  it('of which docker pull took one platform of several says which are lacking', async () => {
    await run(peer('crane'), ['mutate', '--insecure', '--set-platform=linux/arm64', `${repository}:amd64`, '-t', `${repository}:arm64`]);
    const both = ['-m', `${repository}:amd64`, '-m', `${repository}:arm64`];
    await run(peer('crane'), ['index', 'append', '--insecure', ...both, '-t', `${repository}:all`]);
    await docker(['pull', '--platform=linux/amd64', `${repository}:all`], env);
    await expect(read(`${repository}:all`, env)).rejects.toMatchObject({
      code: 'source-incomplete',
      message: expect.stringContaining('lacks the platforms linux/arm64'),
    });
    const [amd64] = platformImages(await read(`${repository}:all`, env, [{ os: 'linux', architecture: 'amd64' }]));
    expect(amd64).toMatchObject({ kind: 'kept', config: { platform: { os: 'linux', architecture: 'amd64' } } });
    await docker(['pull', '--platform=linux/arm64', `${repository}:all`], env);
    expect(await read(`${repository}:all`, env)).toMatchObject({ kind: 'index', children: [{ kind: 'kept' }, { kind: 'kept' }] });
  });
});
