import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { createSigningChain } from '../../../src/sandbox/certificate.ts';
import { randomNumbers } from '../../layer/random-stack.ts';
import { file, tar } from '../../layer/tar-writer.ts';
import { type LoopbackRegistry, startRegistry } from '../loopback-registry.ts';
import { openPolicy } from '../open-policy.ts';
import { createTokenIssuer } from '../token-issuer.ts';
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts';
import type { RegistryView } from './published-image.ts';

/** CNCF Distribution, which wants tokens, behind a proxy, and everything else that a run needs to publish to it. */
export interface PublishingPlace {
  /** Has `small.tar` (two small layers), `packed.tar` (the same in gzip), `old.tar` (the first of them and another one), `large.tar` (one of three pieces), the key, its certificates and a policy. */
  readonly workspace: string;
  readonly proxy: FaultProxy;
  readonly registry: LoopbackRegistry;
  readonly view: RegistryView;
  /** PEM of the root that signatures lead to. */
  readonly rootPem: string;
  /** Inputs of a run that publishes `image` to a repository through the proxy. */
  inputs(image: string, repository: string): Readonly<Record<string, string>>;
  /** Upload sessions that a repository still has. */
  openUploads(repository: string): Promise<number>;
  /** Makes a repository with all that another one has. */
  copy(from: string, to: string): Promise<void>;
  /** Forgets a repository, so that thousands of runs find room. */
  remove(repository: string): Promise<void>;
  close(): Promise<void>;
}

/** Where files are in memory: thousands of uploads need not reach a disk. */
const memoryFolder = '/dev/shm';

export async function openPublishingPlace(): Promise<PublishingPlace> {
  const folder = await mkdtemp(join((await freeBytes(memoryFolder)) > 1e9 ? memoryFolder : tmpdir(), 'publishing-'));
  const workspace = join(folder, 'workspace');
  await mkdir(workspace);
  const issuer = createTokenIssuer();
  const proxy = await startFaultProxy(issuer);
  const tokens = { realm: `http://${proxy.host}/token`, service: 'registry', issuer: issuer.issuer, keys: issuer.keys };
  const registry = await startRegistry({ parent: folder, tokens });
  proxy.connect(registry.host);
  const chain = await createSigningChain({ name: 'file-signing' });
  const root = chain.certificates.at(-1);
  if (root === undefined) throw new Error('the chain is empty');
  const release = tar(file('etc/os-release', 'ID=debian\nVERSION_ID="12"\n'));
  const app = tar(file('bin/app', 'x'.repeat(3000)));
  const files = {
    'small.tar': savedImage([release, app], plain),
    'packed.tar': savedImage([release, app], stored),
    'old.tar': savedImage([release, tar(file('bin/app', 'y'.repeat(2000)))], plain),
    'large.tar': savedImage([tar(file('data', noise(11 * 1024 * 1024)))], stored),
    'key.pem': chain.keys.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    'certificates.pem': chain.certificates.join(''),
    'policy.yml': openPolicy,
  };
  await Promise.all(Object.entries(files).map(([name, content]) => writeFile(join(workspace, name), content)));
  await mkdir(join(workspace, 'advisories'));
  const hourAhead = new Date(Date.now() + 3_600_000);
  const folderOf = (repository: string) => join(registry.storage, 'docker/registry/v2/repositories', repository);
  return {
    workspace,
    proxy,
    registry,
    rootPem: root.toString(),
    view: {
      host: registry.host,
      authorization: (repository) => `Bearer ${issuer.issue('registry', [`repository:${repository}:pull,push`], hourAhead)}`,
      root: root.raw,
    },
    inputs: (image, repository) => ({
      image: `docker-archive:${image}`,
      // Threads that compress nothing need not be started thousands of times.
      compression: image === 'packed.tar' || image === 'large.tar' ? 'keep' : 'gzip',
      push: `${proxy.host}/${repository}:1.0`,
      advisories: './advisories',
      policy: 'policy.yml',
      'registry-username': 'robot',
      'registry-password': 'password',
      'signing-key': 'file:key.pem,certificates.pem',
      // They are attached by the same exchanges, and would have each of them some times more.
      attest: 'none',
      report: join(folder, 'report.json'),
    }),
    openUploads: async (repository) => {
      const uploads = join(folderOf(repository), '_uploads');
      // Distribution 3.1 closes an upload after it has deleted it, and then writes the state of a hash: that is none.
      return (await readdir(uploads).catch(() => [])).filter((id) => existsSync(join(uploads, id, 'startedat'))).length;
    },
    copy: (from, to) => cp(folderOf(from), folderOf(to), { recursive: true }),
    // The registry may still be writing what a run has given up on.
    remove: (repository) => rm(folderOf(repository), { recursive: true, force: true, maxRetries: 10 }),
    close: async () => {
      proxy.close();
      await registry.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const plain = (layer: Buffer): Buffer => layer;
/** In gzip, which is published as it is and costs no time. */
const stored = (layer: Buffer): Buffer => gzipSync(layer, { level: 0 });

/** 0 where there is no such folder; a container's may be small. */
async function freeBytes(path: string): Promise<number> {
  const found = await statfs(path).catch(() => undefined);
  return found === undefined ? 0 : found.bavail * found.bsize;
}

/** What `docker save` writes of these layers. */
function savedImage(layers: readonly Buffer[], pack: (layer: Buffer) => Buffer): Buffer {
  const config = JSON.stringify({
    architecture: 'amd64',
    os: 'linux',
    config: { User: '1000' },
    rootfs: { type: 'layers', diff_ids: layers.map((layer) => `sha256:${sha256(layer)}`) },
    history: layers.map((_, at) => ({ created_by: `COPY ${at} /` })),
  });
  const names = layers.map((_, at) => `${at}/layer.tar`);
  const manifest = JSON.stringify([{ Config: `${sha256(config)}.json`, RepoTags: [], Layers: names }]);
  return tar(
    ...layers.map((layer, at) => file(names[at] as string, pack(layer))),
    file(`${sha256(config)}.json`, config),
    file('manifest.json', manifest),
  );
}

/** Bytes that do not compress and are the same each time. */
function noise(sizeBytes: number): Buffer {
  const random = randomNumbers(7);
  const bytes = Buffer.alloc(sizeBytes);
  for (let at = 0; at < sizeBytes; at += 4) bytes.writeUInt32LE(random(2147483647) * 2, at);
  return bytes;
}

function sha256(bytes: Buffer | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}
