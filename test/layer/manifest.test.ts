import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { publishedManifests, toPublished } from '../../src/layer/manifest.ts';
import type { LayerResult } from '../../src/layer/pass.ts';
import type { Digest } from '../../src/model/digest.ts';
import type { ImageConfig } from '../../src/model/image.ts';
import type { KeptAttachment, KeptManifest, MadeManifest, SourceImage, SourceLayer } from '../../src/model/source.ts';

function digestOf(text: string): Digest {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

function config(...diffIds: readonly Digest[]): ImageConfig {
  return { platform: { os: 'linux', architecture: 'amd64' }, diffIds, history: [], user: '', env: [], labels: {} };
}

function made(key: string): SourceLayer {
  return { key, kind: 'layer', descriptor: undefined, sizeBytes: undefined, diffId: undefined };
}

function kept(key: string, kind: 'layer' | 'blob' = 'layer'): SourceLayer {
  return { key, kind, descriptor: { mediaType: 'media/type', digest: digestOf(key), size: 7 }, sizeBytes: 7, diffId: undefined };
}

function result(key: string, changes: Partial<LayerResult> = {}): LayerResult {
  const tree = { folderParents: [0], folderNames: [''], folders: [], names: [], kinds: [], nameTexts: [], targets: new Map() };
  const read = {
    kind: 'layer',
    diffId: digestOf(`tar ${key}`),
    compression: 'gzip',
    uncompressedSizeBytes: 9,
    observations: [],
    tree,
  } as const;
  return { ...read, digest: digestOf(key), sizeBytes: 7, ...changes } as LayerResult;
}

const configBytes = Buffer.from('{}');
const parts = { configBytes, configDigest: digestOf('{}') };
const madeImage: MadeManifest = {
  kind: 'made',
  ...parts,
  config: config(digestOf('tar a'), digestOf('tar b')),
  layers: [made('a'), made('b')],
};
const keptImage: KeptManifest = {
  kind: 'kept',
  ...parts,
  config: config(digestOf('tar c')),
  layers: [kept('c')],
  descriptor: { mediaType: 'm', digest: digestOf('{"kept":1}'), size: 10 },
  bytes: Buffer.from('{"kept":1}'),
  configMediaType: 'c',
  annotations: {},
};
const attachment: KeptAttachment = {
  kind: 'attachment',
  descriptor: { mediaType: 'm', digest: digestOf('{"att":1}'), size: 9 },
  bytes: Buffer.from('{"att":1}'),
  config: { mediaType: 'c', digest: digestOf('{}'), size: 2 },
  configBytes,
  blobs: [kept('d', 'blob')],
};

function results(...changed: readonly [string, LayerResult][]): Map<string, LayerResult> {
  const blob = { kind: 'blob', digest: digestOf('d'), sizeBytes: 7 } as const;
  const all: [string, LayerResult][] = [...['a', 'b', 'c'].map((key): [string, LayerResult] => [key, result(key)]), ['d', blob]];
  return new Map([...all, ...changed]);
}

describe('toPublished', () => {
  it('makes the manifest of an image that has none, its fields in the order of Go', () => {
    const published = toPublished(madeImage, results(['b', result('b', { compression: 'none' })]));
    expect(Buffer.from(published.manifest.bytes).toString()).toBe(
      `{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json","config":{"mediaType":"application/vnd.docker.container.image.v1+json","size":2,"digest":"${digestOf('{}')}"},"layers":[{"mediaType":"application/vnd.docker.image.rootfs.diff.tar.gzip","size":7,"digest":"${digestOf('a')}"},{"mediaType":"application/vnd.docker.image.rootfs.diff.tar","size":7,"digest":"${digestOf('b')}"}]}`,
    );
    expect(published.manifest.descriptor.digest).toBe(digestOf(Buffer.from(published.manifest.bytes).toString()));
    expect(publishedManifests(published)[0]?.layers.map(({ layer }) => layer.key)).toEqual(['a', 'b']);
  });

  it('makes one of OCI where a layer is compressed with zstd, which Docker has no media type for', () => {
    const published = toPublished(madeImage, results(['b', result('b', { compression: 'zstd' })]));
    expect(Buffer.from(published.manifest.bytes).toString()).toBe(
      `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","size":2,"digest":"${digestOf('{}')}"},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","size":7,"digest":"${digestOf('a')}"},{"mediaType":"application/vnd.oci.image.layer.v1.tar+zstd","size":7,"digest":"${digestOf('b')}"}]}`,
    );
    expect(published.manifest.descriptor.mediaType).toBe('application/vnd.oci.image.manifest.v1+json');
  });

  it('keeps manifests, attestations and indexes to the byte', () => {
    const index: SourceImage = {
      kind: 'index',
      descriptor: { mediaType: 'i', digest: digestOf('{"index":1}'), size: 11 },
      bytes: Buffer.from('{"index":1}'),
      children: [keptImage, attachment],
    };
    const published = toPublished(index, results());
    expect(published.manifest).toEqual({ descriptor: index.descriptor, bytes: index.bytes });
    const [first, second] = publishedManifests(published);
    expect(first).toMatchObject({
      manifest: { bytes: keptImage.bytes },
      config: { descriptor: { mediaType: 'c', size: 2 } },
      image: keptImage,
    });
    expect(first?.layers).toEqual([{ layer: keptImage.layers[0], descriptor: keptImage.layers[0]?.descriptor }]);
    expect(second?.layers[0]?.descriptor.digest).toBe(digestOf('d'));
  });

  it('refuses layers that are not those which manifest or configuration name', () => {
    const other = digestOf('other');
    const cases: readonly [SourceImage, Map<string, LayerResult>, string][] = [
      [
        madeImage,
        results(['a', result('a', { diffId: other } as Partial<LayerResult>)]),
        `layer a unpacks to ${other}, the configuration says ${digestOf('tar a')}`,
      ],
      [{ ...madeImage, layers: [made('b'), made('a')] }, results(), `layer b unpacks to ${digestOf('tar b')}`],
      [{ ...madeImage, layers: [made('a')] }, results(), 'names 2 layers and the image has 1'],
      [{ ...madeImage, layers: [made('a'), made('e')] }, results(), 'layer e was not read'],
      [keptImage, results(['c', result('c', { digest: other })]), `layer c has the digest ${other}, the manifest says ${digestOf('c')}`],
      [keptImage, results(['c', result('c', { sizeBytes: 8 })]), 'layer c has 8 bytes, the manifest says 7'],
      [keptImage, results(['c', { kind: 'blob', digest: digestOf('c'), sizeBytes: 7 }]), 'layer c is named as a layer and as content'],
      [attachment, results(['d', { kind: 'blob', digest: other, sizeBytes: 7 }]), `layer d has the digest ${other}`],
    ];
    for (const [image, read, message] of cases) {
      expect(() => toPublished(image, read)).toThrow(
        expect.objectContaining({ code: 'mismatch', message: expect.stringContaining(message) }),
      );
    }
  });
});
