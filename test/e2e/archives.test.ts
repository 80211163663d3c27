import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectDockerPull } from './docker-pull.ts';
import { type LoopbackRegistry, startRegistry } from './loopback-registry.ts';
import { openPolicy } from './open-policy.ts';
import { peer, shared } from './peers.ts';
import { expectProgram, runBundle, runProgram, type StepResult } from './step.ts';

/**
 * `crane`: published with the digest that crane gives the archive, for its layers are gzip and stay as they are. `content`: its layers come
 * uncompressed, so that their digests depend on the compressor, and configuration and diff ids have to agree. `index`: published with the digest that
 * its index names, and everything that it names; `unreadable` is what crane cannot validate of that, whoever published it.
 */
type Outcome = { readonly published: 'crane' | 'content' | 'index'; readonly unreadable?: RegExp } | { readonly refused: RegExp };

/** What becomes of an archive, read as docker save's and as an OCI archive (and, unpacked, as an OCI layout), and why. */
interface Archive {
  readonly file: string;
  readonly docker: Outcome;
  readonly oci: Outcome;
  readonly why: string;
}

const dockerOnly: Outcome = { refused: /it has a manifest\.json, but no index\.json/ };
const noImage: Outcome = { refused: /it has neither an? (manifest|index)\.json nor an? (manifest|index)\.json, so it is no image/ };
const plainLayers: Outcome = { published: 'index', unreadable: /validating layers: gzip: invalid header/ };
const layersMissing: Outcome = { refused: /its manifest\.json lists 1 layer, but the image's configuration 3/ };

const archives: readonly Archive[] = [
  {
    file: 'containerd-archives/alpine.tar',
    docker: { published: 'crane' },
    oci: { published: 'index' },
    why: 'a Docker manifest list of one platform, layers in gzip',
  },
  {
    file: 'containerd-archives/busybox-single-arch-with-attestation-manifest.tar',
    docker: { published: 'crane' },
    oci: { published: 'index', unreadable: /validating children: .*Manifests\[1\].* mismatched number of diffids/ },
    why: 'an index of a platform and its attestation, layers in gzip; an attestation has no layers',
  },
  {
    file: 'containerd-archives/busybox.amd64.tar',
    docker: { published: 'crane' },
    oci: { refused: /holds only a part of the multi-platform image .*: it lacks the platforms linux\/386, .* and 10 attestations/ },
    why: 'one of ten platforms was saved with the index of all: its digest cannot be published, the platform alone can',
  },
  {
    file: 'docker-archives/docker-save/java-uberjar.tar',
    docker: { published: 'content' },
    oci: dockerOnly,
    why: 'docker save before version 25, layers uncompressed',
  },
  {
    file: 'docker-archives/docker-save/nginx-os-release-link.tar',
    docker: layersMissing,
    oci: dockerOnly,
    why: 'two of three layers were taken out',
  },
  {
    file: 'docker-archives/skopeo-copy/busybox.tar',
    docker: { published: 'content' },
    oci: dockerOnly,
    why: 'skopeo copy docker-archive:, layers uncompressed',
  },
  {
    file: 'docker-archives/skopeo-copy/nginx-compressed-layers.tar',
    docker: layersMissing,
    oci: dockerOnly,
    why: 'two of three layers were taken out',
  },
  {
    file: 'docker-oci-archives/busybox.armv7.tar',
    docker: { published: 'content' },
    oci: plainLayers,
    why: 'docker save since version 25: an archive of both kinds, its layer uncompressed',
  },
  { file: 'docker-oci-archives/unsupported-image.tar', docker: noImage, oci: noImage, why: 'an index.json within a folder' },
  { file: 'extracted-layers/layer_with_bad_elf_file.tar', docker: noImage, oci: noImage, why: 'a layer' },
  { file: 'kaniko-archives/kaniko-busybox.tar', docker: { published: 'crane' }, oci: dockerOnly, why: 'kaniko, layer in gzip' },
  {
    file: 'npm/npm-without-lockfiles/npm7-with-package-lock-file.tar',
    docker: { published: 'content' },
    oci: plainLayers,
    why: 'docker save since version 25, compressed as a whole',
  },
  {
    file: 'oci-archives/busybox-1.31.1.tar',
    docker: { refused: /it has an index\.json, but no manifest\.json/ },
    oci: { published: 'index' },
    why: 'an OCI archive and nothing else',
  },
  {
    file: 'oci-archives/oci-with-manifest.tar',
    docker: { refused: /its manifest\.json lists 1 layer, but the image's configuration 4/ },
    oci: { refused: /the blob sha256:23884877105a\w+ has 509 of its 26689802 bytes, and 3 more are missing or cut/ },
    why: 'its layers were cut',
  },
];

const images = shared('testdata/images');
let folder: string;
let registry: LoopbackRegistry;
/** Only what is refused goes here: it stays empty. */
let empty: LoopbackRegistry;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'archives-'));
  [registry, empty] = await Promise.all([startRegistry(), startRegistry()]);
  await writeFile(join(folder, 'policy.yml'), openPolicy);
});

afterAll(async () => {
  await Promise.all([registry?.stop(), empty?.stop()]);
  await rm(folder, { recursive: true, force: true });
});

it('knows every archive that there is', async () => {
  const entries = await readdir(images, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name).slice(images.length + 1));
  expect(archives.map(({ file }) => file).sort()).toEqual(files.sort());
});

describe.each(archives)('$file ($why)', ({ file, docker, oci }) => {
  let plain: string;
  let unpacked: string;

  beforeAll(async () => {
    unpacked = await mkdtemp(join(folder, 'unpacked-'));
    plain = await inflate(join(images, file), `${unpacked}.tar`);
    // A layer that stands as an image has devices and owners that only root could make; its names are enough for what is refused.
    if (oci !== noImage) await expectProgram('tar', ['-xf', plain, '-C', unpacked, '--no-same-owner', '-m']);
  });

  it('is read as docker save wrote it', async () => {
    const source = `docker-archive:${join(images, file)}`;
    if ('refused' in docker) return expectRefusal(source, docker.refused, `docker-archive:${plain}`);
    const { name, digest } = await publish(source);
    await expectProgram(peer('crane'), ['validate', '--remote', `${name}:1`]);
    await expectDockerPull(`${name}:1`);
    const { config } = await readManifest(`${name}:1`);
    const [saved] = JSON.parse(await readFile(join(unpacked, 'manifest.json'), 'utf8')) as { Config: string; Layers: string[] }[];
    const configBytes = await readFile(join(unpacked, saved?.Config ?? ''));
    expect(config.digest).toBe(sha256(configBytes));
    const own = JSON.parse(configBytes.toString('utf8')) as { rootfs: object };
    expect(JSON.parse(await expectProgram(peer('crane'), ['config', `${name}:1`]))).toMatchObject({ rootfs: own.rootfs });
    if (docker.published === 'crane') {
      expect(digest).toBe((await expectProgram(peer('crane'), ['digest', '--tarball', plain])).trim());
    }
    expect((await readManifest(await copyWithSkopeo(`docker-archive:${plain}`, []))).config.digest).toBe(config.digest);
  });

  it.each(['oci-archive', 'oci'])('is read as %s', async (kind) => {
    const source = kind === 'oci' ? `oci:${unpacked}` : `oci-archive:${join(images, file)}`;
    if ('refused' in oci) return expectRefusal(source, oci.refused, kind === 'oci' ? source : `oci-archive:${plain}`);
    const { name, digest } = await publish(source);
    const index = JSON.parse(await readFile(join(unpacked, 'index.json'), 'utf8')) as Manifest;
    expect(digest).toBe(index.manifests?.[0]?.digest);
    await expectWhole(name, unpacked, digest);
    await expectDockerPull(`${name}:1`);
    const copied = await copyWithSkopeo(source, ['--all', '--preserve-digests']);
    expect((await expectProgram(peer('crane'), ['digest', copied])).trim()).toBe(digest);
    for (const reference of [`${name}:1`, copied]) {
      const { exitCode, stderr } = await runProgram(peer('crane'), ['validate', '--remote', reference]);
      expect(stderr).toMatch(oci.unreadable ?? /^$/);
      expect(exitCode === 0).toBe(oci.unreadable === undefined);
    }
  });
});

interface Descriptor {
  readonly digest: string;
  readonly mediaType?: string;
}

interface Manifest {
  readonly config: Descriptor;
  readonly layers?: readonly Descriptor[];
  readonly manifests?: readonly Descriptor[];
}

let runs = 0;

function secure(source: string, destination: string): Promise<StepResult> {
  const files = ['--advisories', shared('testdata/osv'), '--policy', join(folder, 'policy.yml'), '--report', join(folder, 'report.json')];
  return runBundle('cli.js', ['secure', '--image', source, '--push', destination, ...files], { cwd: folder });
}

/** Publishes to a repository of its own, under the digest that the report gives. */
async function publish(source: string): Promise<{ readonly name: string; readonly digest: string }> {
  runs += 1;
  const name = `${registry.host}/published/${runs}`;
  const result = await secure(source, `${name}:1`);
  expect(result, result.stderr).toMatchObject({ exitCode: 0 });
  const { digest } = JSON.parse(await readFile(join(folder, 'report.json'), 'utf8')) as { digest: string };
  expect((await expectProgram(peer('crane'), ['digest', `${name}:1`])).trim()).toBe(digest);
  return { name, digest };
}

/** One error that names the source and what is wrong with it; nothing of it in the registry; and skopeo cannot copy it either. */
async function expectRefusal(source: string, reason: RegExp, forSkopeo: string): Promise<void> {
  const { exitCode, stdout, stderr } = await secure(source, `${empty.host}/refused:1`);
  const errors = `${stdout}\n${stderr}`.split('\n').filter((line) => line.startsWith('error:'));
  expect(errors).toEqual([expect.stringMatching(reason)]);
  expect(errors[0]).toContain(source);
  expect(stderr).toMatch(/\n {7}\S.{20,}\nError code: source-\w+ /);
  expect([2, 3]).toContain(exitCode);
  expect(await expectProgram(peer('crane'), ['catalog', '--insecure', empty.host])).toBe('');
  // Distribution leaves the state of a hash of zero bytes, named 0, where the probe of the push permission was cancelled.
  const files = await readdir(empty.storage, { recursive: true, withFileTypes: true }).catch(() => []);
  expect(files.filter((entry) => entry.isFile() && entry.name !== '0')).toEqual([]);
  const copied = await runProgram('skopeo', ['copy', '--quiet', '--all', '--insecure-policy', forSkopeo, `dir:${join(folder, 'copied')}`], {
    env: process.env,
  });
  expect(copied.exitCode).not.toBe(0);
}

async function copyWithSkopeo(source: string, options: readonly string[]): Promise<string> {
  const reference: string = `${registry.host}/skopeo/${runs}:1`;
  const plainHttp = ['--insecure-policy', '--dest-tls-verify=false'];
  await expectProgram('skopeo', ['copy', '--quiet', ...plainHttp, ...options, source, `docker://${reference}`]);
  return reference;
}

async function readManifest(reference: string): Promise<Manifest> {
  return JSON.parse(await expectProgram(peer('crane'), ['manifest', reference])) as Manifest;
}

/** Every manifest below `digest` is in the registry to the byte, every blob has its digest, and every layer its diff id. */
async function expectWhole(name: string, layout: string, digest: string): Promise<void> {
  const text = await expectProgram(peer('crane'), ['manifest', `${name}@${digest}`]);
  expect(text).toBe(await readFile(blobFile(layout, digest), 'utf8'));
  expect(sha256(text)).toBe(digest);
  const { config, layers = [], manifests = [] } = JSON.parse(text) as Partial<Manifest>;
  for (const child of manifests) await expectWhole(name, layout, child.digest);
  if (config === undefined) return;
  const [configBytes, ...contents] = await Promise.all([config, ...layers].map((blob) => fetchBlob(name, blob.digest)));
  const { diff_ids: diffIds } = (JSON.parse(String(configBytes)) as { rootfs: { diff_ids: string[] } }).rootfs;
  const isAttestation = layers.some(({ mediaType }) => mediaType === 'application/vnd.in-toto+json');
  if (!isAttestation) expect(contents.map((content) => sha256(isGzip(content) ? gunzipSync(content) : content))).toEqual(diffIds);
}

async function fetchBlob(name: string, digest: string): Promise<Buffer> {
  const answer = await fetch(`http://${name.replace('/', '/v2/')}/blobs/${digest}`);
  const bytes = Buffer.from(await answer.arrayBuffer());
  expect([answer.status, sha256(bytes)]).toEqual([200, digest]);
  return bytes;
}

function blobFile(layout: string, digest: string): string {
  return join(layout, 'blobs', ...digest.split(':'));
}

/** crane and skopeo read no docker-archive that is compressed as a whole. */
async function inflate(archive: string, file: string): Promise<string> {
  const bytes = await readFile(archive);
  if (!isGzip(bytes)) return archive;
  await writeFile(file, gunzipSync(bytes));
  return file;
}

function isGzip(bytes: Buffer): boolean {
  return bytes.subarray(0, 2).toString('hex') === '1f8b';
}

function sha256(bytes: string | Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
