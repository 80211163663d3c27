import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chooseTags } from '../../src/command/previous-images.ts';
import type { HttpClient } from '../../src/lib/http.ts';
import { readWhole } from '../../src/lib/http-client.ts';
import { SecretValue } from '../../src/lib/secret-value.ts';
import { type Descriptor, mediaTypes } from '../../src/model/image.ts';
import { openRepository, type Repository } from '../../src/registry/repository.ts';
import { createSigningChain } from '../../src/sandbox/certificate.ts';
import type { RunningRegistry } from '../../src/sandbox/registry.ts';
import { openKeyFile } from '../../src/sign/key-file.ts';
import { signNotary, thumbprintAnnotation, toThumbprint } from '../../src/sign/notary/signature.ts';
import { fileInputs, openPlace, type Place } from '../main/place.ts';
import { baseLayer, digestOf, layerOf, openHttp, runPublication, writeArchive, writeCompressedArchive } from './publication.ts';

let place: Place;
let http: HttpClient;

beforeAll(async () => {
  place = await openPlace();
  const other = await createSigningChain({ name: 'other' });
  await writeFile(join(place.workspace, 'other-key.pem'), other.keys.privateKey.export({ type: 'pkcs8', format: 'pem' }));
  await writeFile(join(place.workspace, 'other-certificates.pem'), other.certificates.join(''));
  http = await openHttp(place);
});

afterAll(async () => {
  http.close();
  await place.close();
});

const large = layerOf('opt/large', randomBytes(3_000_000));
const text = layerOf('opt/text', 'a line that is there again and again\n'.repeat(100_000));

function inputsFor(registry: RunningRegistry, image: string, tag: string, repository = 'team/app') {
  return { ...fileInputs(place, `${registry.host}/${repository}:${tag}`), image: `docker-archive:${image}` };
}

function unsigned({ 'signing-key': _key, ...inputs }: Record<string, string>) {
  return inputs;
}

function open(registry: RunningRegistry, path = 'team/app'): Repository {
  return openRepository(
    { registry: registry.host, repository: path },
    {
      http,
      credential: { kind: 'password', username: 'shop-ci', password: new SecretValue(place.password) },
      now: () => new Date(),
      random: () => 0,
      sleep: async () => {},
    },
  );
}

async function layersAt(registry: RunningRegistry, tag: string, path = 'team/app'): Promise<readonly Descriptor[]> {
  const { manifest } = await open(registry, path).fetchManifest(tag);
  return manifest.kind === 'image' ? manifest.layers : [];
}

function count(registry: RunningRegistry, method: string, pattern: RegExp, from = 0): number {
  return registry.requests.slice(from).filter((request) => request.method === method && pattern.test(request.path + request.query)).length;
}

/** Puts an image into the registry whose configuration says that `blob` unpacks to `diffId`. */
async function pushForged(registry: RunningRegistry, tag: string, blob: Buffer, diffIds: readonly string[]): Promise<Descriptor> {
  const repository = open(registry);
  const config = Buffer.from(
    JSON.stringify({ architecture: 'amd64', os: 'linux', config: {}, rootfs: { type: 'layers', diff_ids: diffIds } }),
  );
  await repository.putBlob(digestOf(config), config);
  await repository.putBlob(digestOf(blob), blob);
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: { mediaType: mediaTypes.ociConfig, digest: digestOf(config), size: config.length },
    layers: diffIds.map(() => ({ mediaType: mediaTypes.ociLayerGzip, digest: digestOf(blob), size: blob.length })),
  };
  const bytes = Buffer.from(JSON.stringify(manifest));
  await repository.putTag(tag, mediaTypes.ociManifest, bytes);
  return { mediaType: mediaTypes.ociManifest, digest: digestOf(bytes), size: bytes.length };
}

/** Attaches a signature by another key, which says that it is by the one of the run. */
async function signAsOther(registry: RunningRegistry, subject: Descriptor): Promise<void> {
  const file = (name: string) => join(place.workspace, name);
  const signer = await openKeyFile(file('other-key.pem'), { chain: await readFile(file('other-certificates.pem')) });
  const own = await openKeyFile(file('key.pem'), { chain: await readFile(file('certificates.pem')) });
  const { mediaType, digest, size } = subject;
  const signature = await signNotary({ signer, subject: { mediaType, digest, size }, now: () => new Date(), agent: 'test' });
  await open(registry).attachReferrer({
    subject,
    artifactType: signature.artifactType,
    annotations: { ...signature.annotations, [thumbprintAnnotation]: JSON.stringify(own.certificateChain.map(toThumbprint)) },
    layers: [{ mediaType: signature.mediaType, bytes: signature.bytes }],
  });
}

describe('a layer that an image of this repository has, which this key signed', () => {
  it.each(['1.0', '1.1'])('is neither compressed nor sent nor fetched (next tag: %s)', async (next) => {
    const registry = await place.startRegistry();
    await writeArchive(place, `first-${next}.tar`, [baseLayer, large, text, layerOf('app', 'one')]);
    await writeArchive(place, `second-${next}.tar`, [baseLayer, large, text, layerOf('app', 'two')]);
    const first = await runPublication(place, http, inputsFor(registry, `first-${next}.tar`, '1.0'));
    const layers = await layersAt(registry, '1.0');
    const from = registry.requests.length;
    const second = await runPublication(place, http, inputsFor(registry, `second-${next}.tar`, next));
    expect([first, second].map(({ exitCode }) => exitCode)).toEqual([0, 0]);
    expect((await layersAt(registry, next)).slice(0, 3)).toEqual(layers.slice(0, 3));
    expect((await layersAt(registry, next))[3]).not.toEqual(layers[3]);
    expect(count(registry, 'PATCH', /uploads/, from)).toBe(1);
    expect(count(registry, 'GET', new RegExp(`blobs/${layers[1]?.digest}`), from)).toBe(0);
    expect(first.publication).toMatchObject({ bytesReused: 0, uploadsSentAgain: 0 });
    expect(second.publication.bytesReused).toBe(layers.slice(0, 3).reduce((sum, { size }) => sum + size, 0));
    expect(second.publication.bytesSent).toBeLessThan(50_000);
    expect(second.log).toEqual([]);
  });

  it('makes the same digest again', async () => {
    const registry = await place.startRegistry();
    await writeArchive(place, 'same.tar', [baseLayer, large]);
    const first = await runPublication(place, http, inputsFor(registry, 'same.tar', '1'));
    const from = registry.requests.length;
    const second = await runPublication(place, http, inputsFor(registry, 'same.tar', '2'));
    expect(second).toMatchObject({ exitCode: 0, digest: first.digest });
    expect(count(registry, 'PATCH', /uploads/, from)).toBe(0);
  });

  it('is made anew where the setting asks for another compression', async () => {
    const registry = await place.startRegistry();
    await writeArchive(place, 'kept.tar', [baseLayer, text]);
    await runPublication(place, http, inputsFor(registry, 'kept.tar', '1'));
    const keep = await runPublication(place, http, { ...inputsFor(registry, 'kept.tar', '2'), compression: 'keep' });
    expect(keep).toMatchObject({ exitCode: 0, publication: { bytesReused: 0 } });
    expect((await layersAt(registry, '2')).map(({ digest }) => digest)).toEqual([digestOf(baseLayer), digestOf(text)]);
    // Uncompressed, the configuration's digest of the tar is that of the blob.
    const again = await runPublication(place, http, { ...inputsFor(registry, 'kept.tar', '3'), compression: 'keep' });
    expect(again).toMatchObject({ exitCode: 0, publication: { bytesReused: baseLayer.length + text.length }, digest: keep.digest });
  });

  it('does not replace what comes compressed', async () => {
    const registry = await place.startRegistry();
    await writeArchive(place, 'plain.tar', [baseLayer, text]);
    const compressed = await writeCompressedArchive(place, 'compressed.tar', [baseLayer, text]);
    await runPublication(place, http, inputsFor(registry, 'plain.tar', '1'));
    expect(await runPublication(place, http, inputsFor(registry, 'compressed.tar', '1'))).toMatchObject({ exitCode: 0 });
    expect((await layersAt(registry, '1')).map(({ digest }) => digest)).toEqual(compressed);
  });
});

describe('a layer that an image says to have, which nobody has signed', () => {
  it('is read and, where it unpacks to that, not sent', async () => {
    const registry = await place.startRegistry();
    await writeArchive(place, 'first.tar', [baseLayer, large, layerOf('app', 'one')]);
    await writeArchive(place, 'second.tar', [baseLayer, large, layerOf('app', 'two')]);
    await runPublication(place, http, unsigned(inputsFor(registry, 'first.tar', '1')));
    const [, blob] = await layersAt(registry, '1');
    const from = registry.requests.length;
    for (const inputs of [unsigned(inputsFor(registry, 'second.tar', '1')), inputsFor(registry, 'second.tar', '2')]) {
      expect(await runPublication(place, http, inputs)).toMatchObject({ exitCode: 0, publication: { bytesReused: blob?.size } });
    }
    expect(count(registry, 'GET', new RegExp(`blobs/${blob?.digest}`), from)).toBe(2);
    expect((await layersAt(registry, '2'))[1]?.digest).toBe(blob?.digest);
  });

  const other = layerOf('opt/large', Buffer.concat([Buffer.from('malware'), randomBytes(2_999_993)]));
  it.each<[string, boolean, (registry: RunningRegistry, subject: Descriptor) => Promise<void>]>([
    ['nobody', false, async () => {}],
    ['nobody, in a run with a key', true, async () => {}],
    ['another key that says to be this one', true, signAsOther],
  ])('is not taken for it where it is not, signed by %s', async (_name, hasKey, sign) => {
    const registry = await place.startRegistry();
    const forged = gzipSync(other);
    const subject = await pushForged(registry, '1', forged, [digestOf(baseLayer), digestOf(large)]);
    await sign(registry, subject);
    await writeArchive(place, 'honest.tar', [baseLayer, large]);
    const inputs = inputsFor(registry, 'honest.tar', '1');
    const run = await runPublication(place, http, hasKey ? inputs : unsigned(inputs));
    expect(run).toMatchObject({ exitCode: 0, publication: { bytesReused: 0 } });
    expect(run.log).toEqual([expect.stringContaining('does not unpack to')]);
    const [, layer] = await layersAt(registry, '1');
    expect(layer?.digest).not.toBe(digestOf(forged));
    const content = await open(registry).fetchBlob(layer as Descriptor, readWhole);
    expect(digestOf(gunzipSync(content))).toBe(digestOf(large));
  });

  it('is not taken for it where a signature by this key is one of another image', async () => {
    const registry = await place.startRegistry();
    await writeArchive(place, 'first.tar', [baseLayer, large]);
    await writeArchive(place, 'second.tar', [baseLayer, text]);
    await runPublication(place, http, inputsFor(registry, 'first.tar', '1'));
    const signed = await open(registry).fetchManifest('1');
    const [listed] = await open(registry).listReferrers(signed.descriptor.digest, 'application/vnd.cncf.notary.signature');
    const { manifest } = await open(registry).fetchManifest(listed?.digest ?? '');
    if (manifest.kind !== 'image' || manifest.layers[0] === undefined) throw new Error('there is no signature');
    const bytes = await open(registry).fetchBlob(manifest.layers[0], readWhole);
    const forged = gzipSync(layerOf('opt/text', 'evil\n'.repeat(800_000)));
    const subject = await pushForged(registry, '1', forged, [digestOf(baseLayer), digestOf(text)]);
    const { annotations = {} } = listed ?? {};
    const layers = [{ mediaType: manifest.layers[0].mediaType, bytes }];
    await open(registry).attachReferrer({ subject, artifactType: 'application/vnd.cncf.notary.signature', annotations, layers });
    expect(await runPublication(place, http, inputsFor(registry, 'second.tar', '1'))).toMatchObject({
      exitCode: 0,
      publication: { bytesReused: 0 },
    });
    expect((await layersAt(registry, '1')).map(({ digest }) => digest)).not.toContain(digestOf(forged));
  });
});

it.each<[string, (path: string) => boolean]>([
  ['the list of tags', (path) => path.endsWith('/tags/list')],
  ['the configuration of the image', (path) => /blobs\/sha256:[0-9a-f]{64}$/.test(path)],
])('a registry that does not give %s gets everything, and a line of the log says so', async (_name, isFaulty) => {
  let isOn = false;
  const registry = await place.startRegistry({
    faults: ({ method, target }) =>
      isOn && method === 'GET' && isFaulty(target.split('?')[0] ?? '') ? { kind: 'answer', status: 500 } : undefined,
  });
  await writeArchive(place, 'first.tar', [baseLayer, large]);
  await runPublication(place, http, unsigned({ ...inputsFor(registry, 'first.tar', '1'), sbom: 'none' }));
  isOn = true;
  const run = await runPublication(place, http, unsigned({ ...inputsFor(registry, 'first.tar', '2'), sbom: 'none' }));
  expect(run).toMatchObject({ exitCode: 0, publication: { bytesReused: 0 } });
  expect(run.log).toEqual([expect.stringMatching(/^Did not look for layers that .* has already in/)]);
});

it('a tag that someone else moves during the run is not moved, and the run ends with 3', async () => {
  let moved = false;
  const registry = await place.startRegistry({
    faults: ({ method, target }) => {
      if (method !== 'PATCH' || moved) return undefined;
      moved = true;
      void target;
      return { kind: 'delay', delayMs: 300 };
    },
  });
  await writeArchive(place, 'first.tar', [baseLayer]);
  await runPublication(place, http, inputsFor(registry, 'first.tar', '0'));
  const { bytes, descriptor } = await open(registry).fetchManifest('0');
  moved = false;
  await writeArchive(place, 'second.tar', [baseLayer, layerOf('app', 'two')]);
  const running = runPublication(place, http, inputsFor(registry, 'second.tar', 'new'));
  while (!moved) await new Promise((resolve) => setTimeout(resolve, 5));
  await open(registry).putTag('new', descriptor.mediaType, bytes);
  expect(await running).toMatchObject({ exitCode: 3, log: [expect.stringContaining('someone else has moved it')] });
  expect(await open(registry).headManifest('new')).toBe(descriptor.digest);
});

it('looks at tags that move first, then at the highest versions, and at no signatures', () => {
  expect(chooseTags(['1.9', '1.10', '1.2', `sha256-${'a'.repeat(64)}`, 'zz', 'main'])).toEqual(['main', 'zz', '1.10']);
  expect(chooseTags(['v9', 'v10', 'v8', 'v11'])).toEqual(['v11', 'v10', 'v9']);
  expect(chooseTags([`sha256-${'a'.repeat(64)}.sig`])).toEqual([]);
});
