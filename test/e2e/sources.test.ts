import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { createGunzip } from 'node:zlib';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createHttp } from '../../src/lib/http-client.ts';
import { StepError } from '../../src/lib/step-error.ts';
import { parsePlatform } from '../../src/model/platform.ts';
import { platformImages, type SourceImage } from '../../src/model/source.ts';
import { startRegistry } from '../../src/sandbox/registry.ts';
import { localImage } from '../source/local-image.ts';
import { openSource } from '../source/open-source.ts';
import { peer, shared } from './peers.ts';

const run = promisify(execFile);
const workspace = shared('testdata/images');

interface ReadImage {
  readonly image: SourceImage;
  /** Digests of the layers as they came and inflated, by key. */
  readonly layers: ReadonlyMap<string, { readonly digest: string; readonly diffId: string }>;
}

/** Reads an image and holds every layer against diff id and descriptor. */
async function read(text: string, folder = workspace, platforms: readonly string[] = []): Promise<ReadImage> {
  const http = createHttp({ userAgent: 'test' });
  try {
    const source = await openSource(localImage(text), {
      workspace: folder,
      docker: { host: process.env.DOCKER_HOST },
      stream: http.stream,
      platforms: platforms.flatMap((platform) => parsePlatform(platform) ?? []),
    });
    const layers = new Map<string, { digest: string; diffId: string }>();
    const image = await source.read(async ({ key }, content) => void layers.set(key, await hashLayer(content)), { parallel: 2 });
    for (const { layers: named, config } of platformImages(image)) {
      named.forEach(({ key, descriptor }, index) => {
        expect(layers.get(key)?.diffId).toBe(config.diffIds[index]);
        if (descriptor !== undefined) expect(layers.get(key)?.digest).toBe(descriptor.digest);
      });
    }
    return { image, layers };
  } finally {
    http.close();
  }
}

async function hashLayer(content: AsyncIterable<Uint8Array>): Promise<{ digest: string; diffId: string }> {
  const packed = createHash('sha256');
  const plain = createHash('sha256');
  async function* tee() {
    for await (const chunk of content) {
      packed.update(chunk);
      // A stream reads ahead, and a piece is valid only until the next is asked for.
      yield Buffer.from(chunk);
    }
  }
  const chunks = tee();
  const first = await chunks.next();
  const magic = Buffer.from(first.value ?? []).toString('hex', 0, 2);
  async function* all() {
    if (first.value !== undefined) yield first.value;
    yield* chunks;
  }
  const inflated: AsyncIterable<Uint8Array> = magic === '1f8b' ? Readable.from(all()).pipe(createGunzip()) : all();
  for await (const chunk of inflated) plain.update(chunk);
  return { digest: `sha256:${packed.digest('hex')}`, diffId: `sha256:${plain.digest('hex')}` };
}

const legacy = 'docker-archives/docker-save';
const skopeo = 'docker-archives/skopeo-copy';
const gzipped = 'npm/npm-without-lockfiles/npm7-with-package-lock-file.tar';

describe('real archives', () => {
  it.each([
    ['containerd-archives/alpine.tar', '6cc7fe2dd7a4ee19c589de7371870f9350b6218db31c610939251e189edf2288'],
    [
      'containerd-archives/busybox-single-arch-with-attestation-manifest.tar',
      '183b1c266030c632d6d7decc62be45b72509c6a48c81b32a31d5ab58e91cb92a',
    ],
    ['docker-oci-archives/busybox.armv7.tar', '7aabb59a4cd2e069234070f763403f230d03117b93d55ba531952f9f697b19c3'],
    ['oci-archives/busybox-1.31.1.tar', '320034a9c54581568f3df5587ab46296bdd3eb06435fd7c9dd567bbb71bf0b36'],
    [gzipped, '4f66edae63db6069a82d78c453acd42396aca14b6a8a15c039d390ccfb1a4229'],
  ])('%s is read as an OCI archive with the digest that its index gives', async (file, hex) => {
    const { image } = await read(`oci-archive:${file}`);
    expect(image).toMatchObject({ descriptor: { digest: `sha256:${hex}` } });
  });

  it.each([
    'containerd-archives/alpine.tar',
    'containerd-archives/busybox.amd64.tar',
    'containerd-archives/busybox-single-arch-with-attestation-manifest.tar',
    'docker-oci-archives/busybox.armv7.tar',
    'kaniko-archives/kaniko-busybox.tar',
    `${legacy}/java-uberjar.tar`,
    `${skopeo}/busybox.tar`,
  ])('%s is read as docker save wrote it, with what crane finds in it', async (file) => {
    const folder = mkdtempSync(join(tmpdir(), 'image-custody-e2e-'));
    const registry = await startRegistry({ folder, now: () => new Date() });
    onTestFinished(async () => {
      await registry.close();
      rmSync(folder, { recursive: true, force: true });
    });
    await run(peer('crane'), ['push', join(workspace, file), `${registry.host}/a:1`]);
    const manifest = JSON.parse((await run(peer('crane'), ['manifest', `${registry.host}/a:1`])).stdout);
    const { image, layers } = await read(`docker-archive:${file}`);
    if (image.kind !== 'made') throw new Error(`a ${image.kind} image`);
    expect(image.configDigest).toBe(manifest.config.digest);
    expect(image.layers.length).toBe(manifest.layers.length);
    image.layers.forEach(({ key }, index) => {
      const { digest, diffId } = layers.get(key) ?? {};
      if (digest !== diffId) expect(digest).toBe(manifest.layers[index].digest);
    });
  });

  it('that hold one platform of many are read as an OCI archive by that platform', async () => {
    const { image } = await read('oci-archive:containerd-archives/busybox.amd64.tar', workspace, ['linux/amd64']);
    expect(image).toMatchObject({
      kind: 'kept',
      config: { platform: { os: 'linux', architecture: 'amd64' } },
      takenFrom: expect.any(String),
    });
  });

  it('that are compressed as a whole are read all the same', async () => {
    const { image } = await read(`docker-archive:${gzipped}`);
    expect(image).toMatchObject({ kind: 'made', configDigest: 'sha256:c9356f7ff758d03f86192db88885a1d9a55d415e57c84d7ed55704ea389cc79f' });
  });

  it.each([
    [
      'oci-archive:containerd-archives/busybox.amd64.tar',
      /it lacks the platforms linux\/386, linux\/arm\/v5, .*linux\/s390x and 10 attestations/,
    ],
    ['oci-archive:oci-archives/oci-with-manifest.tar', /has 509 of its 26689802 bytes, and 3 more are missing or cut/],
    ['docker-archive:oci-archives/oci-with-manifest.tar', /lists 1 layer, but the image's configuration 4/],
    ['docker-archive:oci-archives/busybox-1.31.1.tar', /no manifest.json/],
    ['oci-archive:kaniko-archives/kaniko-busybox.tar', /no index.json/],
    [`docker-archive:${legacy}/nginx-os-release-link.tar`, /lists 1 layer, but the image's configuration 3/],
    [`docker-archive:${skopeo}/nginx-compressed-layers.tar`, /lists 1 layer, but the image's configuration 3/],
    ['docker-archive:extracted-layers/layer_with_bad_elf_file.tar', /it is no image archive/],
    ['oci-archive:extracted-layers/layer_with_bad_elf_file.tar', /it is no image/],
    ['docker-archive:docker-oci-archives/unsupported-image.tar', /it is no image archive/],
    ['oci-archive:docker-oci-archives/unsupported-image.tar', /it is no image/],
  ])('%s is refused with one clear error', async (text, message) => {
    const error = await read(text).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(StepError);
    expect(error).toMatchObject({ origin: 'source', message: expect.stringMatching(message), hint: expect.stringMatching(/\w{3}/) });
    expect((error as StepError).message).toContain(text);
  });
});

describe('what skopeo writes', () => {
  it.each([
    ['oci:layout:v1', 'oci:layout:v1'],
    ['oci-archive:out.tar:v1', 'oci-archive:out.tar'],
    ['docker-archive:save.tar:a/b:v1', 'docker-archive:save.tar:a/b:v1'],
  ])('as %s is read with the digests that skopeo sees', async (written, text) => {
    const folder = mkdtempSync(join(tmpdir(), 'image-custody-e2e-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const options = { cwd: folder };
    await run('skopeo', ['copy', '--insecure-policy', `docker-archive:${join(workspace, legacy, 'java-uberjar.tar')}`, written], options);
    const { image } = await read(text, folder);
    const config = (await run('skopeo', ['inspect', '--config', '--raw', written], options)).stdout;
    const raw = (await run('skopeo', ['inspect', '--raw', written], options)).stdout;
    expect(platformImages(image)[0]?.configDigest).toBe(`sha256:${createHash('sha256').update(config).digest('hex')}`);
    if (image.kind === 'kept') expect(image.descriptor.digest).toBe(`sha256:${createHash('sha256').update(raw).digest('hex')}`);
  });
});

describe('a real Docker daemon', () => {
  const name = 'java-uberjar:latest';

  beforeAll(async () => {
    expect(process.env.DOCKER_HOST, 'DOCKER_HOST names the daemon for this test').toBeDefined();
    await run('docker', ['load', '-i', join(workspace, legacy, 'java-uberjar.tar')]);
    return () => run('docker', ['image', 'rm', name]);
  });

  it('gives the image that docker save writes, layer for layer', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'image-custody-e2e-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    await run('docker', ['save', '-o', 'saved.tar', name], { cwd: folder });
    const streamed = await read(name);
    const saved = await read('docker-archive:saved.tar', folder);
    if (streamed.image.kind !== 'made' || saved.image.kind !== 'made') throw new Error('not made');
    expect(streamed.image.configDigest).toBe((await run('docker', ['image', 'inspect', '-f', '{{.Id}}', name])).stdout.trim());
    expect(streamed.image.configBytes).toEqual(saved.image.configBytes);
    expect(new Set([...streamed.layers.values()].map(({ diffId }) => diffId))).toEqual(
      new Set([...saved.layers.values()].map(({ diffId }) => diffId)),
    );
  });

  it('says that it has no such image, and which come near', async () => {
    const error = await read('java-uberjra:1').catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'source-not-found', origin: 'input', hint: expect.stringContaining(name) });
  });
});
