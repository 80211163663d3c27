import { copyFile, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectDockerPull } from './docker-pull.ts';
import { type LoopbackRegistry, startRegistry } from './loopback-registry.ts';
import { openPolicy } from './open-policy.ts';
import { peer, shared } from './peers.ts';
import { expectProgram, runBundle, runProgram, type StepResult } from './step.ts';

/**
 * One small real image (Alpine and a layer on it, both in gzip), written as an archive by every tool, and published from it: as a file, and through
 * a pipe, also compressed. The configuration is the image's own; where layers come compressed, they and the digest are those that the tools see.
 */
let folder: string;
let registry: LoopbackRegistry;
let seed: string;
let configDigest: string;
let layers: readonly string[];

const crane = (...args: string[]) => expectProgram(peer('crane'), args, { cwd: folder });
const skopeo = (...args: string[]) => expectProgram('skopeo', ['copy', '-q', '--insecure-policy', ...args], { cwd: folder });
const stores = (name: string) => ['--root', join(folder, name, 'root'), '--runroot', join(folder, name, 'run'), '--storage-driver', 'vfs'];
const buildah = (...args: string[]) => expectProgram('buildah', [...stores('buildah'), ...args], { cwd: folder });
const podman = (...args: string[]) => expectProgram('podman', [...stores('podman'), ...args], { cwd: folder });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'archive-tools-'));
  registry = await startRegistry();
  await writeFile(join(folder, 'policy.yml'), openPolicy);
  seed = `${registry.host}/seed:1`;
  await crane('push', shared('testdata/images/containerd-archives/alpine.tar'), `${registry.host}/base:1`);
  await mkdir(join(folder, 'app'));
  await writeFile(join(folder, 'app', 'hello'), 'hello');
  await expectProgram('tar', ['-cf', 'layer.tar', 'app'], { cwd: folder });
  await crane('append', '-b', `${registry.host}/base:1`, '-f', 'layer.tar', '-t', seed);
  const manifest = await readManifest(seed);
  configDigest = manifest.config?.digest ?? '';
  layers = manifest.layers?.map(({ digest }) => digest) ?? [];
  expect(layers).toHaveLength(2);
});

afterAll(async () => {
  await registry?.stop();
  await rm(folder, { recursive: true, force: true });
});

interface Manifest {
  readonly mediaType?: string;
  readonly config?: { readonly digest: string };
  readonly layers?: readonly { readonly mediaType: string; readonly digest: string }[];
}

async function readManifest(reference: string): Promise<Manifest> {
  return JSON.parse(await crane('manifest', reference));
}

let runs = 0;
/** Digests of images that the other programs have pulled. */
const pulled = new Set<string>();

function secure(image: string, destination: string, stdin?: string): Promise<StepResult> {
  const files = ['--advisories', shared('testdata/osv'), '--policy', 'policy.yml', '--report', 'report.json'];
  const options = { cwd: folder, ...(stdin === undefined ? {} : { stdin: join(folder, stdin) }) };
  return runBundle('cli.js', ['secure', '--image', image, '--push', destination, ...files], options);
}

async function publish(image: string, stdin?: string): Promise<{ readonly reference: string; readonly digest: string }> {
  runs += 1;
  const reference = `${registry.host}/published/${runs}:1`;
  const result = await secure(image, reference, stdin);
  expect(result, result.stderr).toMatchObject({ exitCode: 0 });
  const digest = (await crane('digest', reference)).trim();
  // Of one digest all is the same, and that all of it is there the registry has looked at.
  if (pulled.has(digest)) return { reference, digest };
  pulled.add(digest);
  const isZstd = (await crane('manifest', reference)).includes('+zstd');
  await crane('validate', '--remote', reference, ...(isZstd ? ['--fast'] : []));
  // crane cannot look into layers of zstd; buildah unpacks them.
  if (isZstd) await buildah('pull', '-q', '--tls-verify=false', `docker://${reference}`);
  await expectDockerPull(reference);
  return { reference, digest };
}

/** Publishes an archive as a file, and as it comes through a pipe in each compression: always with one digest. */
async function publishEveryWay(
  kind: 'docker-archive' | 'oci-archive',
  file: string,
  name = '',
): Promise<{ reference: string; digest: string }> {
  const published = await publish(`${kind}:${file}${name}`);
  const bytes = await readFile(join(folder, file));
  await writeFile(join(folder, `${file}.gz`), gzipSync(bytes, { level: 1 }));
  await writeFile(join(folder, `${file}.zst`), zstdCompressSync(bytes));
  for (const packed of [`${file}.gz`, `${file}.zst`])
    expect((await publish(`${kind}:${packed}${name}`)).digest, packed).toBe(published.digest);
  for (const piped of [file, `${file}.zst`]) expect((await publish(`${kind}:-${name}`, piped)).digest, piped).toBe(published.digest);
  return published;
}

describe('archives in the form of docker save', () => {
  const tools: readonly (readonly [string, 'kept' | 'plain', (file: string) => Promise<unknown>])[] = [
    ['skopeo', 'plain', (file) => skopeo('--src-tls-verify=false', `docker://${seed}`, `docker-archive:${file}:seed:1`)],
    [
      'buildah',
      'plain',
      async (file) => {
        await buildah('pull', '-q', '--tls-verify=false', `docker://${seed}`);
        await buildah('push', '-q', seed, `docker-archive:${file}:seed:1`);
      },
    ],
    [
      'podman',
      'plain',
      async (file) => {
        await podman('pull', '-q', '--tls-verify=false', seed);
        await podman('save', '-q', '--format', 'docker-archive', '-o', file, seed);
      },
    ],
    [
      'docker',
      'plain',
      async (file) => {
        expect(process.env.DOCKER_HOST, 'DOCKER_HOST names the daemon for this test').toBeDefined();
        await crane('pull', seed, 'load.tar');
        await expectProgram('docker', ['load', '-q', '-i', 'load.tar'], { cwd: folder });
        await expectProgram('docker', ['save', '-o', file, seed], { cwd: folder });
        await expectProgram('docker', ['image', 'rm', seed]);
      },
    ],
    ['crane in its old form', 'plain', (file) => crane('pull', '--format', 'legacy', seed, file)],
    ['crane, as kaniko and ko', 'kept', (file) => crane('pull', seed, file)],
    ['rules_oci', 'kept', (file) => writeAsRulesOci(file)],
  ];

  it.each(tools)('are published as %s writes them', async (tool, form, write) => {
    const file = `${tool.replace(/\W.*/, '')}-${form}-docker.tar`;
    await write(file);
    const { reference, digest } = await publishEveryWay('docker-archive', file);
    const manifest = await readManifest(reference);
    expect(manifest.mediaType).toBe('application/vnd.docker.distribution.manifest.v2+json');
    expect(manifest.config?.digest).toBe(configDigest);
    if (form === 'kept') {
      expect(manifest.layers?.map((layer) => layer.digest)).toEqual(layers);
      expect(digest).toBe((await crane('digest', '--tarball', file)).trim());
      expect(digest).toBe((await crane('digest', seed)).trim());
    }
  });

  it('are published with an OCI manifest where their layers are zstd', async () => {
    await skopeo('--src-tls-verify=false', '--dest-compress-format', 'zstd', `docker://${seed}`, 'oci:zstd-layers:v1');
    const layout = join(folder, 'zstd-layers');
    const index = JSON.parse(await readFile(join(layout, 'index.json'), 'utf8'));
    const blob = (digest: string) => join('blobs', 'sha256', digest.slice(7));
    const made: Manifest = JSON.parse(await readFile(join(layout, blob(index.manifests[0].digest)), 'utf8'));
    const saved = [{ Config: blob(made.config?.digest ?? ''), RepoTags: null, Layers: made.layers?.map((layer) => blob(layer.digest)) }];
    await writeFile(join(layout, 'manifest.json'), JSON.stringify(saved));
    await expectProgram('tar', ['-cf', '../zstd-layers.tar', 'manifest.json', 'blobs'], { cwd: layout });
    const { reference } = await publishEveryWay('docker-archive', 'zstd-layers.tar');
    const manifest = await readManifest(reference);
    expect(manifest.mediaType).toBe('application/vnd.oci.image.manifest.v1+json');
    expect(manifest.layers?.map((layer) => [layer.mediaType, layer.digest])).toEqual(
      made.layers?.map((layer) => ['application/vnd.oci.image.layer.v1.tar+zstd', layer.digest]),
    );
  });
});

describe('OCI archives and layouts', () => {
  const tools: readonly (readonly [string, (target: string) => Promise<unknown>])[] = [
    ['skopeo', (target) => skopeo('--src-tls-verify=false', `docker://${seed}`, target)],
    ['skopeo with zstd', (target) => skopeo('--src-tls-verify=false', '--dest-compress-format', 'zstd', `docker://${seed}`, target)],
    [
      'buildah',
      async (target) => {
        await buildah('pull', '-q', '--tls-verify=false', `docker://${seed}`);
        await buildah('push', '-q', seed, target);
      },
    ],
    [
      'podman',
      async (target) => {
        const [transport = '', path = ''] = target.split(':');
        await podman('pull', '-q', '--tls-verify=false', seed);
        await podman('save', '-q', '--format', transport === 'oci' ? 'oci-dir' : transport, '-o', path, seed);
      },
    ],
  ];

  it.each(tools)('keep what %s writes, as skopeo keeps it', async (tool, write) => {
    const name = tool.replaceAll(' ', '-');
    await write(`oci-archive:${name}-oci.tar:v1`);
    const kept = await copyKept(`oci-archive:${name}-oci.tar`);
    expect((await publishEveryWay('oci-archive', `${name}-oci.tar`)).digest).toBe(kept);
    await write(`oci:${name}-layout:v1`);
    expect((await publish(`oci:${name}-layout`)).digest).toBe(await copyKept(`oci:${name}-layout`));
  });

  it('keep an index within an index, and one image under several names', async () => {
    const inner = `${registry.host}/inner:1`;
    const outer = `${registry.host}/outer:1`;
    await crane('index', 'append', '-m', seed, '-t', inner);
    await crane('index', 'append', '--flatten=false', '-m', inner, '-t', outer);
    await crane('pull', '--format', 'oci', outer, 'nested');
    const digest = (await crane('digest', outer)).trim();
    const index = JSON.parse(await readFile(join(folder, 'nested', 'index.json'), 'utf8'));
    const [root] = index.manifests;
    index.manifests = ['v1', 'v2'].map((name) => ({ ...root, annotations: { 'org.opencontainers.image.ref.name': name } }));
    await writeFile(join(folder, 'nested', 'index.json'), JSON.stringify(index));
    expect((await publish('oci:nested')).digest).toBe(digest);
    expect((await publish('oci:nested:v2')).digest).toBe(digest);
    // In the order of rules_oci: the index before what it names.
    await expectProgram('tar', ['-cf', '../nested.tar', 'index.json', 'blobs', 'oci-layout'], { cwd: join(folder, 'nested') });
    expect((await publishEveryWay('oci-archive', 'nested.tar', ':v1')).digest).toBe(digest);
  });
});

describe('a pipe', () => {
  it('that is cut ends with 3, and nothing is published', async () => {
    await crane('pull', seed, 'whole.tar');
    const bytes = await readFile(join(folder, 'whole.tar'));
    const cuts = {
      'cut.tar': bytes.subarray(0, bytes.length >> 1),
      'cut.tar.gz': gzipSync(bytes).subarray(0, -1),
      'cut.tar.zst': zstdCompressSync(bytes).subarray(0, -1),
    };
    for (const [name, cut] of Object.entries(cuts)) {
      await writeFile(join(folder, name), cut);
      const result = await secure('docker-archive:-', `${registry.host}/never:1`, name);
      expect(result, name).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('source-damaged') });
    }
    expect((await runProgram(peer('crane'), ['ls', `${registry.host}/never`])).exitCode).not.toBe(0);
  });

  it('that gives nothing is bad input', async () => {
    await writeFile(join(folder, 'empty'), '');
    const result = await secure('docker-archive:-', `${registry.host}/never:1`, 'empty');
    expect(result).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('the standard input is empty') });
  });
});

/** The digest that `skopeo copy --preserve-digests` gives, for which it changes nothing or fails. */
async function copyKept(source: string): Promise<string> {
  runs += 1;
  const reference = `${registry.host}/kept/${runs}:1`;
  await skopeo('--dest-tls-verify=false', '--all', '--preserve-digests', source, `docker://${reference}`);
  return (await crane('digest', reference)).trim();
}

/** As oci_load of rules_oci writes it (oci/private/tarball.sh.tpl): the manifest first, compressed layers with names to match. */
async function writeAsRulesOci(file: string): Promise<void> {
  await crane('pull', '--format', 'oci', seed, 'bazel');
  const blobs = join(folder, 'bazel-staging', 'blobs', 'sha256');
  await mkdir(blobs, { recursive: true });
  const source = (digest: string) => join(folder, 'bazel', 'blobs', 'sha256', digest.slice(7));
  await copyFile(source(configDigest), join(blobs, configDigest.slice(7)));
  for (const digest of layers) await cp(source(digest), join(blobs, `${digest.slice(7)}.tar.gz`));
  const names = layers.map((digest) => `blobs/sha256/${digest.slice(7)}.tar.gz`);
  const manifest = [{ Config: `blobs/sha256/${configDigest.slice(7)}`, RepoTags: ['app:1'], Layers: names }];
  await writeFile(join(folder, 'bazel-staging', 'manifest.json'), JSON.stringify(manifest));
  await expectProgram('tar', ['-cf', join(folder, file), 'manifest.json', 'blobs'], { cwd: join(folder, 'bazel-staging') });
}
