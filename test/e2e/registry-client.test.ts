import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { createHttp, readWhole } from '../../src/lib/http-client.ts';
import { SecretValue } from '../../src/lib/secret-value.ts';
import type { Digest } from '../../src/model/digest.ts';
import { type Descriptor, mediaTypes } from '../../src/model/image.ts';
import type { RegistryCredential } from '../../src/registry/credential.ts';
import { pushBlob } from '../../src/registry/push-blob.ts';
import { toRegistryAddress } from '../../src/registry/reference.ts';
import { openRepository, type Repository, type RepositoryOptions } from '../../src/registry/repository.ts';
import { Session } from '../../src/registry/session.ts';
import { peer } from './peers.ts';
import { createTokenIssuer } from './token-issuer.ts';

const run = promisify(execFile);
const http = createHttp({ userAgent: 'image-custody-test' });
const anonymous: RegistryCredential = { kind: 'anonymous' };
const password: RegistryCredential = { kind: 'password', username: 'robot', password: new SecretValue('pa:ss wörd') };
const folder = mkdtempSync(join(tmpdir(), 'registry-client-'));
const children: ChildProcess[] = [];
const servers: Server[] = [];

afterAll(() => {
  http.close();
  for (const child of children) child.kill();
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true, force: true });
});

interface RunningPeer {
  readonly host: string;
  /** Where it keeps its files; undefined where that is memory. */
  readonly storage: string | undefined;
}

async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function startPeer(program: string, toArguments: (port: number) => readonly string[], storage?: string): Promise<RunningPeer> {
  const port = await freePort();
  const child = spawn(peer(program), toArguments(port), { stdio: 'ignore' });
  children.push(child);
  const url = new URL(`http://127.0.0.1:${port}/v2/`);
  for (let count = 0; count < 100; count += 1) {
    const isUp = await http({ method: 'GET', url }).then(
      () => true,
      () => false,
    );
    if (isUp) return { host: `127.0.0.1:${port}`, storage };
    await sleep(100);
  }
  throw new Error(`${program} does not answer`);
}

let configurations = 0;
function startDistribution(extra = ''): Promise<RunningPeer> {
  configurations += 1;
  const storage = join(folder, `storage-${configurations}`);
  const file = join(folder, `config-${configurations}.yml`);
  return startPeer(
    'registry',
    (port) => {
      const lines = [
        'version: 0.1',
        'log: { level: error }',
        `storage: { filesystem: { rootdirectory: ${storage} }, delete: { enabled: true } }`,
        `http: { addr: "127.0.0.1:${port}", secret: s }`,
        extra,
      ];
      writeFileSync(file, lines.join('\n'));
      return ['serve', file];
    },
    storage,
  );
}

function startCrane(): Promise<RunningPeer> {
  return startPeer('crane', (port) => ['registry', 'serve', '--address', `127.0.0.1:${port}`]);
}

function open(host: string, repository: string, credential = anonymous, more: Partial<RepositoryOptions> = {}): Repository {
  const real = { now: () => new Date(), random: Math.random, sleep: (ms: number) => sleep(ms) };
  return openRepository({ registry: host, repository }, { http, credential, ...real, ...more });
}

function openSession(host: string, repository: string): Session {
  const retry = { now: () => new Date(), random: Math.random, sleep: async (ms: number) => void (await sleep(ms)) };
  return new Session({ registry: toRegistryAddress(host), repository, http, credential: anonymous, retry });
}

function digestOf(bytes: Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function filesIn(storage: string): string[] {
  return readdirSync(storage, { recursive: true, encoding: 'utf8' }).filter((path) => statSync(join(storage, path)).isFile());
}

/** Distribution 3.1 closes an upload after it has deleted it, and then writes the state of a hash over no bytes at all. */
function expectNothingOfTheImage(storage: string): void {
  const left = filesIn(storage);
  expect(left.filter((path) => !/_uploads\/[^/]+\/hashstates\/sha256\/0$/.test(path))).toEqual([]);
  expect(new Set(left.map((path) => readFileSync(join(storage, path), 'latin1'))).size).toBeLessThanOrEqual(1);
}

/** A tar of one file, so that `crane validate` finds a layer to read. */
function tarOf(name: string, content: Buffer): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write('0000644\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  header.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0', 136);
  header.write('        ', 148);
  header.write('0', 156);
  header.write('ustar\x0000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([header, content, Buffer.alloc(512 - (content.length % 512 || 512)), Buffer.alloc(1024)]);
}

async function pushImage(repository: Repository, layerBytes: number): Promise<{ bytes: Buffer; descriptor: Descriptor }> {
  const tar = tarOf('data', randomBytes(layerBytes));
  const layer = gzipSync(tar, { level: 1 });
  const upload = await repository.beginUpload();
  for (let at = 0; at < layer.length; at += 100_000) await upload.write(layer.subarray(at, at + 100_000));
  await upload.hold();
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      config: {},
      rootfs: { type: 'layers', diff_ids: [digestOf(tar)] },
      history: [{}],
    }),
  );
  await repository.putBlob(digestOf(config), config);
  expect(await repository.headBlob(digestOf(layer))).toBeUndefined();
  await upload.commit(digestOf(layer));
  expect(await repository.headBlob(digestOf(layer))).toBe(layer.length);
  const bytes = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      config: { mediaType: mediaTypes.ociConfig, digest: digestOf(config), size: config.length },
      layers: [{ mediaType: mediaTypes.ociLayerGzip, digest: digestOf(layer), size: layer.length }],
    }),
  );
  return { bytes, descriptor: await repository.putManifest(mediaTypes.ociManifest, bytes) };
}

async function catalog(host: string): Promise<string> {
  return (await run(peer('crane'), ['catalog', '--insecure', host])).stdout.trim();
}

/** A token server as CNCF Distribution wants one, which gives whoever knows the password what is asked for. */
async function startTokenServer(
  lifetimeSeconds: number,
): Promise<{ readonly host: string; readonly jwks: string; readonly scopes: string[]; readonly deny: (repository: string) => void }> {
  const issuer = createTokenIssuer();
  const jwks = join(folder, 'jwks.json');
  writeFileSync(jwks, JSON.stringify(issuer.keys));
  const scopes: string[] = [];
  const denied = new Set<string>();
  const basic = `Basic ${Buffer.from('robot:pa:ss wörd').toString('base64')}`;
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const asked = url.searchParams.getAll('scope');
    scopes.push(asked.join(' '));
    const granted = request.headers.authorization === basic ? asked.filter((scope) => !denied.has(scope.split(':')[1] ?? '')) : [];
    // The registry gives a token another minute, for clocks that differ.
    const expiresAt = new Date(Date.now() + (lifetimeSeconds - 60) * 1000);
    response.end(JSON.stringify({ token: issuer.issue(url.searchParams.get('service') ?? '', granted, expiresAt), expires_in: 300 }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  servers.push(server);
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, jwks, scopes, deny: (repository) => void denied.add(repository) };
}

describe.each([
  ['CNCF Distribution', startDistribution],
  ['crane registry', startCrane],
] as const)('%s', async (_name, start) => {
  test('takes held blobs, a manifest and last a tag, which crane reads', async () => {
    const { host } = await start();
    const repository = open(host, 'team/app');
    await repository.checkPush();
    const { bytes, descriptor } = await pushImage(repository, 12_345_678);
    expect(await repository.headManifest('1.0')).toBeUndefined();
    await repository.putTag('1.0', mediaTypes.ociManifest, bytes, 'absent');
    const reference = `${host}/team/app:1.0`;
    await run(peer('crane'), ['validate', '--insecure', '--remote', reference]);
    expect((await run(peer('crane'), ['digest', '--insecure', reference])).stdout.trim()).toBe(descriptor.digest);
    expect((await run(peer('crane'), ['manifest', '--insecure', reference])).stdout).toBe(bytes.toString());
    const { manifest, descriptor: fetched } = await repository.fetchManifest('1.0');
    expect(fetched).toEqual(descriptor);
    const layer = manifest.kind === 'image' ? manifest.layers[0] : undefined;
    if (layer === undefined) throw new Error('the manifest has no layer');
    const size = await repository.fetchBlob(layer, async (content) => {
      let total = 0;
      for await (const chunk of content) total += chunk.length;
      return total;
    });
    expect(size).toBe(layer.size);
    await expect(repository.putTag('1.0', mediaTypes.ociManifest, Buffer.from(`${bytes} `), 'absent')).rejects.toMatchObject({
      code: 'tag-moved',
    });
  });

  test('keeps nothing of an upload that is given up, open or held', async () => {
    const { host, storage } = await start();
    const repository = open(host, 'team/denied');
    for (const size of [0, 1000, 12_000_000]) {
      for (const isHeld of [false, true]) {
        await using upload = await repository.beginUpload();
        await upload.write(randomBytes(size));
        if (isHeld) await upload.hold();
      }
    }
    expect(await catalog(host)).toBe('');
    if (storage !== undefined) expectNothingOfTheImage(storage);
  });

  test('shows what is attached to oras, and takes the same attachment once', async () => {
    const { host } = await start();
    const repository = open(host, 'team/app');
    const { descriptor: subject } = await pushImage(repository, 1000);
    const artifact = (text: string) => ({
      subject,
      artifactType: 'application/vnd.example.report',
      layers: [{ mediaType: 'application/json', bytes: Buffer.from(text) }],
      annotations: { 'org.example.key': text },
    });
    const attached = await Promise.all([repository.attachReferrer(artifact('{"a":1}')), repository.attachReferrer(artifact('{"a":2}'))]);
    await repository.attachReferrer(artifact('{"a":1}'));
    const listed = await repository.listReferrers(subject.digest, 'application/vnd.example.report');
    expect(listed.map(({ digest }) => digest).sort()).toEqual(attached.map(({ digest }) => digest).sort());
    expect(await repository.listReferrers(subject.digest, 'application/other')).toEqual([]);
    const { stdout } = await run(peer('oras'), ['discover', '--plain-http', '--format', 'json', `${host}/team/app@${subject.digest}`]);
    const { referrers } = JSON.parse(stdout) as {
      referrers: { digest: string; artifactType: string; annotations: Record<string, string> }[];
    };
    expect(referrers.map(({ digest }) => digest).sort()).toEqual(attached.map(({ digest }) => digest).sort());
    expect(referrers[0]?.artifactType).toBe('application/vnd.example.report');
    const [first] = attached;
    const pulled = await run(peer('oras'), [
      'blob',
      'fetch',
      '--plain-http',
      '--output',
      '-',
      `${host}/team/app@${digestOf(Buffer.from('{"a":1}'))}`,
    ]);
    expect(pulled.stdout).toBe('{"a":1}');
    expect(first?.annotations).toEqual({ 'org.example.key': '{"a":1}' });
  });

  test('loses no attachment of ten writers at once', async () => {
    const { host } = await start();
    const { descriptor: subject } = await pushImage(open(host, 'team/app'), 1000);
    const attached = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        open(host, 'team/app').attachReferrer({
          subject,
          artifactType: 'application/vnd.example.report',
          layers: [{ mediaType: 'application/json', bytes: Buffer.from(`{"writer":${index}}`) }],
        }),
      ),
    );
    const listed = await open(host, 'team/app').listReferrers(subject.digest);
    expect(listed.map(({ digest }) => digest).sort()).toEqual(attached.map(({ digest }) => digest).sort());
  });
});

test.each([
  ['CNCF Distribution', startDistribution, true],
  // It begins an upload instead.
  ['crane registry', startCrane, false],
] as const)('%s: a blob of another repository is taken over, or that is declined', async (_name, start, isMounted) => {
  const { host, storage } = await start();
  const content = randomBytes(6_000_000);
  await open(host, 'team/base').putBlob(digestOf(content), content);
  const repository = open(host, 'team/app');
  expect(await repository.mountBlob(digestOf(content), 'team/base')).toBe(isMounted);
  expect(await repository.mountBlob(digestOf(randomBytes(8)), 'team/base')).toBe(false);
  expect(await repository.mountBlob(digestOf(content), 'team/nothing')).toBe(false);
  if (isMounted) expect(await repository.headBlob(digestOf(content))).toBe(content.length);
  if (storage !== undefined) expect(filesIn(storage).filter((path) => /_uploads\/.*\/data$/.test(path))).toEqual([]);
  expect(repository.sentBytes).toBe(0);
});

test.each([
  ['CNCF Distribution', startDistribution],
  ['crane registry', startCrane],
] as const)('%s: takes a blob in one request', async (_name, start) => {
  const { host } = await start();
  const content = randomBytes(12_000_000);
  const blob = { digest: digestOf(content), size: content.length };
  const repository = open(host, 'team/app');
  const session = openSession(host, 'team/app');
  session.takesPieces = false;
  await pushBlob(session, blob, async (write) => {
    for (let at = 0; at < content.length; at += 300_000) await write(content.subarray(at, at + 300_000));
  });
  expect((await repository.fetchBlob(blob, readWhole)).equals(content)).toBe(true);
});

test('Bearer: to take a blob over asks for the right to read where it is, and goes without where that is not given', async () => {
  const tokens = await startTokenServer(300);
  const auth = `auth: { token: { realm: "http://${tokens.host}/token", service: registry, issuer: issuer, jwks: ${tokens.jwks}, signingalgorithms: [ES256] } }`;
  const { host } = await startDistribution(auth);
  const content = randomBytes(1_000_000);
  await open(host, 'team/base', password, { tokenHosts: [tokens.host] }).putBlob(digestOf(content), content);
  tokens.scopes.length = 0;
  const repository = open(host, 'team/app', password, { tokenHosts: [tokens.host] });
  await repository.checkPush();
  tokens.scopes.length = 0;
  expect(await repository.mountBlob(digestOf(content), 'team/base')).toBe(true);
  expect(await repository.mountBlob(digestOf(content), 'team/base')).toBe(true);
  expect(tokens.scopes).toEqual(['repository:team/app:pull,push repository:team/base:pull']);
  expect(await repository.headBlob(digestOf(content))).toBe(content.length);
  tokens.deny('team/base');
  const other = open(host, 'team/other', password, { tokenHosts: [tokens.host] });
  expect(await other.mountBlob(digestOf(content), 'team/base')).toBe(false);
  expect(await other.headBlob(digestOf(content))).toBeUndefined();
});

test('Basic: pushes with the password, and says what is missing without', async () => {
  const file = join(folder, 'htpasswd');
  // bcrypt of `pa:ss wörd`
  writeFileSync(file, 'robot:$2b$04$170vlLqP5wj0jinVMO9kGO9mlJT7LvaLg3F8mJ5.3jyFdKEf.Oj56\n');
  const { host } = await startDistribution(`auth: { htpasswd: { realm: here, path: ${file} } }`);
  const repository = open(host, 'team/app', password);
  await repository.checkPush();
  await pushImage(repository, 6_000_000);
  const wrong: RegistryCredential = { kind: 'password', username: 'robot', password: new SecretValue('other') };
  const refusals = [
    [anonymous, 'unauthorized'],
    [wrong, 'credential-refused'],
  ] as const;
  for (const [credential, code] of refusals) {
    await expect(open(host, 'team/app', credential).checkPush()).rejects.toMatchObject({
      code,
      origin: 'registry',
      message: expect.stringContaining('UNAUTHORIZED: authentication required'),
      missing: { registry: host, repository: 'team/app', grant: 'push to team/app' },
    });
  }
});

test('Bearer: asks its token service for this repository alone, and renews a token that expires between two pieces', async () => {
  const tokens = await startTokenServer(3);
  const auth = `auth: { token: { realm: "http://${tokens.host}/token", service: registry, issuer: issuer, jwks: ${tokens.jwks}, signingalgorithms: [ES256] } }`;
  const { host } = await startDistribution(auth);
  await expect(open(host, 'team/app', password).checkPush()).rejects.toMatchObject({
    code: 'credential-withheld',
    message: expect.stringContaining(tokens.host),
  });
  expect(tokens.scopes).toEqual([]);
  await expect(open(host, 'team/app', anonymous).checkPush()).rejects.toMatchObject({
    code: 'forbidden',
    hint: expect.stringContaining('Log in'),
  });
  tokens.scopes.length = 0;
  const repository = open(host, 'team/app', password, { tokenHosts: [tokens.host] });
  const { bytes } = await pushImage(repository, 6_000_000);
  await repository.putTag('1', mediaTypes.ociManifest, bytes);
  expect(tokens.scopes).toEqual(['repository:team/app:pull,push']);
  const content = randomBytes(11_000_000);
  const upload = await repository.beginUpload();
  await upload.write(content.subarray(0, 6_000_000));
  await sleep(4_500);
  await upload.write(content.subarray(6_000_000));
  await upload.hold();
  await upload.commit(digestOf(content));
  expect(tokens.scopes).toEqual(['repository:team/app:pull,push', 'repository:team/app:pull,push']);
});
