import { createHash } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createHttp } from '../../src/lib/http-client.ts';
import { parseProxy } from '../../src/lib/proxy.ts';
import { StepError } from '../../src/lib/step-error.ts';
import { type CertificateAuthority, createCertificateAuthority } from '../../src/sandbox/certificate.ts';
import { type DockerSettings, findDockerHost } from '../../src/source/docker-endpoint.ts';
import { tar } from '../layer/tar-writer.ts';
import { startForwardProxy } from '../lib/forward-proxy.ts';
import { startFakeDaemon } from './fake-daemon.ts';
import { configHex, legacyMembers } from './image-fixture.ts';
import { localImage } from './local-image.ts';
import { openSource } from './open-source.ts';
import { openAt, readWhole, refusalOf, temporaryFolder } from './reading.ts';

const id = `sha256:${configHex}`;
const content = {
  images: { 'app:ci': { Id: id, RootFS: { Layers: ['a', 'b', 'c'] } } },
  archives: { [id]: tar(...legacyMembers({ tags: [] })) },
};

let authority: CertificateAuthority;
let stranger: CertificateAuthority;
beforeAll(async () => {
  [authority, stranger] = await Promise.all([createCertificateAuthority(), createCertificateAuthority()]);
});

async function startTlsDaemon() {
  const identity = await authority.issueTls(['docker.test']);
  return await startFakeDaemon({ ...content, tls: { identity, ca: authority.certificatePem } });
}

/** Writes ca.pem, cert.pem and key.pem into a new folder, or what `files` has in their place. */
async function writeTls(folder = temporaryFolder(), files: Readonly<Record<string, string | undefined>> = {}): Promise<string> {
  const { keyPem, certificatePem } = await authority.issueTls();
  mkdirSync(folder, { recursive: true });
  const all = { 'ca.pem': authority.certificatePem, 'cert.pem': certificatePem, 'key.pem': keyPem, ...files };
  for (const [name, text] of Object.entries(all)) {
    if (text !== undefined) writeFileSync(join(folder, name), text);
  }
  return folder;
}

/** Docker's folder with contexts, as `docker context create` writes them. */
function writeContexts(contexts: Readonly<Record<string, object | string>>, currentContext?: string): string {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ auths: {}, currentContext }));
  for (const [name, endpoint] of Object.entries(contexts)) {
    const meta = join(folder, 'contexts/meta', hash(name));
    mkdirSync(meta, { recursive: true });
    const text = typeof endpoint === 'string' ? endpoint : JSON.stringify({ Name: name, Metadata: {}, Endpoints: { docker: endpoint } });
    writeFileSync(join(meta, 'meta.json'), text);
  }
  return folder;
}

function hash(name: string): string {
  return createHash('sha256').update(name).digest('hex');
}

async function failureOf(settings: DockerSettings): Promise<StepError> {
  const error: unknown = await findDockerHost(settings).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(StepError);
  return error as StepError;
}

describe('the Docker daemon', () => {
  const folder = () =>
    writeContexts({ one: { Host: 'unix:///one.sock' }, two: { Host: 'unix:///two.sock' }, default: { Host: 'unix:///never.sock' } }, 'one');

  it.each<[string, DockerSettings, string]>([
    ['DOCKER_HOST comes first', { host: 'unix:///host.sock', context: 'two' }, '/host.sock'],
    ['then DOCKER_CONTEXT', { host: '', context: 'two' }, '/two.sock'],
    ['then the current context', { context: '' }, '/one.sock'],
    ['the default context is the one of the variables', { context: 'default' }, '/var/run/docker.sock'],
  ])('%s', async (_what, settings, description) => {
    expect((await findDockerHost({ ...settings, configFolder: folder() })).description).toBe(description);
  });

  it('is the socket of this machine where nothing says otherwise', async () => {
    const description = '/var/run/docker.sock';
    expect(await findDockerHost({})).toMatchObject({ description });
    expect(await findDockerHost({ configFolder: '/nowhere' })).toMatchObject({ description });
    expect(await findDockerHost({ configFolder: writeContexts({}) })).toMatchObject({ description });
  });

  it.each([
    ['tcp://127.0.0.1', 'https://127.0.0.1:2376'],
    ['tcp://docker.test', 'https://docker.test:2376'],
    ['tcp://docker.test:443', 'https://docker.test:443'],
    ['tcp://[fd00::1]:2376', 'https://[fd00::1]:2376'],
    ['', 'https://localhost:2376'],
  ])('%s with DOCKER_TLS_VERIFY is %s', async (host, origin) => {
    expect((await findDockerHost({ host, tlsVerify: '1', certPath: await writeTls() })).origin).toBe(origin);
  });

  it('needs no certificates for a socket', async () => {
    expect(await findDockerHost({ host: 'unix:///x.sock', tlsVerify: '1', certPath: '/nowhere' })).toMatchObject({ socketPath: '/x.sock' });
  });
});

describe('a Docker daemon that wants TLS client certificates', () => {
  it('is read with those of DOCKER_CERT_PATH, else of the folder of its settings', async () => {
    const { dockerHost, calls } = await startTlsDaemon();
    const folder = await writeTls();
    for (const place of [{ certPath: folder }, { configFolder: folder }]) {
      const source = await openAt('/', 'app:ci', { host: dockerHost, tlsVerify: '1', ...place });
      expect(await readWhole(source)).toMatchObject({ kind: 'made', layers: [{}, {}, {}] });
    }
    expect(calls).toHaveLength(4);
  });

  it('is read with those of a context', async () => {
    const { dockerHost } = await startTlsDaemon();
    const configFolder = writeContexts({ 'build farm': { Host: dockerHost, SkipTLSVerify: false } });
    await writeTls(join(configFolder, 'contexts/tls', hash('build farm'), 'docker'));
    const source = await openAt('/', 'app:ci', { context: 'build farm', configFolder });
    expect(await readWhole(source)).toMatchObject({ kind: 'made' });
  });

  it('is read with whoever answers on this machine where the user said so', async () => {
    const { dockerHost } = await startTlsDaemon();
    const certPath = await writeTls(undefined, { 'ca.pem': stranger.certificatePem });
    expect(await readWhole(await openAt('/', 'app:ci', { host: dockerHost, tls: '1', certPath }))).toMatchObject({ kind: 'made' });
    const configFolder = writeContexts({ lax: { Host: dockerHost, SkipTLSVerify: true } });
    await writeTls(join(configFolder, 'contexts/tls', hash('lax'), 'docker'), { 'ca.pem': undefined });
    expect(await readWhole(await openAt('/', 'app:ci', { context: 'lax', configFolder }))).toMatchObject({ kind: 'made' });
  });

  it('and whose authority is another, or that does not know this client, is told of with what to check', async () => {
    const { dockerHost, calls } = await startTlsDaemon();
    const { keyPem, certificatePem } = await stranger.issueTls();
    for (const files of [
      { 'ca.pem': stranger.certificatePem },
      { 'cert.pem': certificatePem, 'key.pem': keyPem },
      { 'cert.pem': undefined, 'key.pem': undefined },
    ]) {
      const certPath = await writeTls(undefined, files);
      const { error } = await refusalOf(() => openAt('/', 'app:ci', { host: dockerHost, tlsVerify: '1', certPath }));
      expect(error).toMatchObject({ code: 'source-daemon', origin: 'source', hint: expect.stringContaining('ca.pem') });
      expect(error.message).toContain(`the Docker daemon at ${dockerHost} and this client do not trust each other`);
    }
    expect(calls).toEqual([]);
  });

  it('on another machine is reached through the proxy, and its certificate is checked', async () => {
    const { dockerHost } = await startTlsDaemon();
    const proxy = await startForwardProxy({ hosts: { 'docker.test:2376': new URL(dockerHost.replace('tcp', 'http')) } });
    const server = parseProxy('HTTPS_PROXY', proxy.address());
    const http = createHttp({ userAgent: 'test', chooseProxy: () => server });
    onTestFinished(() => {
      http.close();
      proxy.close();
    });
    const docker = { host: 'tcp://docker.test', tlsVerify: '1', certPath: await writeTls() };
    const source = await openSource(localImage('app:ci'), { platforms: [], workspace: '/', docker, stream: http.stream });
    expect(await readWhole(source)).toMatchObject({ kind: 'made' });
    const foreign = { ...docker, certPath: await writeTls(undefined, { 'ca.pem': stranger.certificatePem }) };
    const { error } = await refusalOf(() =>
      openSource(localImage('app:ci'), { platforms: [], workspace: '/', docker: foreign, stream: http.stream }),
    );
    expect(error.message).toContain('do not trust each other');
    const { error: refused } = await refusalOf(() =>
      openSource(localImage('app:ci'), {
        platforms: [],
        workspace: '/',
        docker: { ...docker, host: 'tcp://other.test' },
        stream: http.stream,
      }),
    );
    expect(refused.message).toContain('(HTTPS_PROXY) opens no tunnel to other.test:2376');
  });
});

describe('what is missing or wrong', () => {
  const host = 'tcp://docker.test:2376';

  it.each<[string, Readonly<Record<string, string | undefined>>, string, RegExp]>([
    ['ca.pem', { 'ca.pem': undefined }, 'source-not-found', /has no ca\.pem/],
    ['cert.pem', { 'cert.pem': undefined }, 'source-not-found', /has no cert\.pem/],
    ['key.pem', { 'key.pem': undefined }, 'source-not-found', /has no key\.pem/],
    ['ca.pem', { 'ca.pem': 'nonsense' }, 'source-form', /ca\.pem of .* is no certificate/],
    ['cert.pem', { 'cert.pem': '' }, 'source-form', /cert\.pem of .* is no certificate/],
    ['key.pem', { 'key.pem': '-----BEGIN ENCRYPTED PRIVATE KEY-----' }, 'source-form', /key\.pem of .* is no private key/],
  ])('%s is named, and the variable or the context', async (_file, files, code, message) => {
    const certPath = await writeTls(undefined, files);
    const byVariable = await failureOf({ host, tlsVerify: '1', certPath });
    expect(byVariable).toMatchObject({ code, origin: 'input', message: expect.stringMatching(message) });
    expect(byVariable.message).toContain(`DOCKER_CERT_PATH="${certPath}"`);
    const configFolder = writeContexts({ farm: { Host: host } });
    await writeTls(join(configFolder, 'contexts/tls', hash('farm'), 'docker'), files);
    const byContext = await findDockerHost({ context: 'farm', configFolder }).catch((error: unknown) => error);
    // A context may trust the system's authorities.
    if (files['ca.pem'] === undefined && 'ca.pem' in files) expect(byContext).toMatchObject({ origin: 'https://docker.test:2376' });
    else expect(byContext).toMatchObject({ code, message: expect.stringMatching(/context "farm" \(DOCKER_CONTEXT\)/) });
  });

  it('a key that is of another certificate is no key of it', async () => {
    const { keyPem } = await authority.issueTls();
    const error = await failureOf({ host, tlsVerify: '1', certPath: await writeTls(undefined, { 'key.pem': keyPem }) });
    expect(error.message).toContain('is not the key of cert.pem');
  });

  it('a context that is not there is bad input that names it', async () => {
    const configFolder = writeContexts({}, 'gone');
    const current = await failureOf({ configFolder });
    expect(current).toMatchObject({ code: 'source-not-found', origin: 'input', hint: expect.stringContaining('docker context ls') });
    expect(current.message).toContain(`context "gone" (currentContext of ${join(configFolder, 'config.json')})`);
    expect(current.message).toContain(join('contexts/meta', hash('gone'), 'meta.json'));
    expect((await failureOf({ context: '../../x', configFolder })).message).toContain(hash('../../x'));
    expect((await failureOf({ context: 'gone' })).code).toBe('source-not-found');
  });

  it.each([
    ['ssh://me@farm', 'source-form', /ssh -nNT -L/],
    ['npipe:////./pipe/docker_engine', 'source-form', /docker save/],
    ['tcp://10.0.0.1:2375', 'source-form', /DOCKER_TLS_VERIFY/],
    ['https://10.0.0.1:2376', 'source-form', /Accepted/],
  ])('a context at %s is refused with what to do', async (Host, code, hint) => {
    const error = await failureOf({ context: 'farm', configFolder: writeContexts({ farm: { Host } }) });
    expect(error).toMatchObject({ code, origin: 'input', hint: expect.stringMatching(hint) });
    expect(error.message).toContain('context "farm"');
  });

  it('a daemon on another machine whose certificate is not to be checked is refused', async () => {
    const settings = { host, tls: '1', certPath: await writeTls() };
    expect((await failureOf(settings)).message).toContain('without a check of its certificate');
    const configFolder = writeContexts({ lax: { Host: host, SkipTLSVerify: true } });
    expect((await failureOf({ context: 'lax', configFolder })).message).toContain('without a check of its certificate');
  });

  it.each([
    ['{', /meta\.json cannot be read/],
    ['[]', /is no JSON object/],
    ['{"Endpoints":{}}', /names no endpoint "docker"/],
    ['{"Endpoints":{"docker":{"Host":1}}}', /names no endpoint "docker"/],
    ['{"Endpoints":{"docker":{"Host":"unix:///a","host":"unix:///b"}}}', /meta\.json cannot be read/],
  ])('a context of %s is refused', async (text, message) => {
    expect((await failureOf({ context: 'x', configFolder: writeContexts({ x: text }) })).message).toMatch(message);
  });

  it('a config.json that is none is named, and not read where DOCKER_HOST is set', async () => {
    const configFolder = writeContexts({});
    writeFileSync(join(configFolder, 'config.json'), 'nonsense');
    expect((await failureOf({ configFolder })).message).toContain(join(configFolder, 'config.json'));
    expect(await findDockerHost({ host: 'unix:///x.sock', configFolder })).toMatchObject({ socketPath: '/x.sock' });
    rmSync(join(configFolder, 'config.json'));
    mkdirSync(join(configFolder, 'config.json'));
    expect((await failureOf({ configFolder })).code).toBe('source-unreadable');
  });

  it('quotes no password of DOCKER_HOST', async () => {
    expect((await failureOf({ host: 'tcp://me:hunter2@farm:2376' })).message).not.toContain('hunter2');
  });
});
