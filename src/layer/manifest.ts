import { createHash } from 'node:crypto';
import { StepError } from '../lib/step-error.ts';
import type { Digest } from '../model/digest.ts';
import { type Descriptor, mediaTypes } from '../model/image.ts';
import type { KeptAttachment, KeptManifest, MadeManifest, SourceImage, SourceLayer } from '../model/source.ts';
import type { LayerFacts, TarLayerFacts } from './pass.ts';
import type { LayerErrorCode } from './refusal.ts';

/** Bytes to publish under the digest and media type of their descriptor. */
interface Document {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

/** One manifest with all that it names. */
export interface PublishedManifest {
  readonly kind: 'manifest';
  readonly manifest: Document;
  readonly config: Document;
  /** In the manifest's order but for foreign ones, which are not pushed; each with the source layer whose upload carries its bytes. */
  readonly layers: readonly { readonly layer: SourceLayer; readonly descriptor: Descriptor }[];
  /** The image that it is made of, for its configuration and platform. */
  readonly image: KeptManifest | MadeManifest | KeptAttachment;
}

/** An index with all that it names. */
interface PublishedIndex {
  readonly kind: 'index';
  readonly manifest: Document;
  readonly children: readonly PublishedImage[];
}

/** What is put into the registry. `manifest.descriptor` of the outermost is what tags point at and signatures name. */
export type PublishedImage = PublishedManifest | PublishedIndex;

/**
 * What is published of an image whose layers have all been read. Manifests that the source has are kept to the byte; for one that has none,
 * Docker's image manifest version 2, schema 2 is made (with zstd layers, one of OCI), the same bytes that go-containerregistry makes of the same archive and layers.
 * Throws a StepError where a layer's bytes are not those that its manifest or configuration names.
 */
export function toPublished(image: SourceImage, results: ReadonlyMap<string, LayerFacts>): PublishedImage {
  switch (image.kind) {
    case 'index':
      return {
        kind: 'index',
        manifest: { descriptor: image.descriptor, bytes: image.bytes },
        children: image.children.map((child) => toPublished(child, results)),
      };
    case 'attachment':
      return toKeptAttachment(image, results);
    case 'kept':
      return toKept(image, results);
    case 'made':
      return toMade(image, results);
  }
}

/** All manifests in `image`, in the order of the index. */
export function publishedManifests(image: PublishedImage): readonly PublishedManifest[] {
  return image.kind === 'index' ? image.children.flatMap(publishedManifests) : [image];
}

function toKeptAttachment(image: KeptAttachment, results: ReadonlyMap<string, LayerFacts>): PublishedManifest {
  return {
    kind: 'manifest',
    manifest: { descriptor: image.descriptor, bytes: image.bytes },
    config: { descriptor: image.config, bytes: image.configBytes },
    layers: image.blobs.map((layer) => ({ layer, descriptor: keptDescriptor(layer, resultOf(layer, results)) })),
    image,
  };
}

function toKept(image: KeptManifest, results: ReadonlyMap<string, LayerFacts>): PublishedManifest {
  const read = verifyDiffIds(image, results);
  return {
    kind: 'manifest',
    manifest: { descriptor: image.descriptor, bytes: image.bytes },
    config: {
      descriptor: { mediaType: image.configMediaType, digest: image.configDigest, size: image.configBytes.length },
      bytes: image.configBytes,
    },
    layers: image.layers
      .map((layer, at) => ({ layer, descriptor: keptDescriptor(layer, read[at] as TarLayerFacts) }))
      .filter(({ layer }) => layer.foreign === undefined),
    image,
  };
}

/**
 * https://distribution.github.io/distribution/spec/manifest-v2-2/#image-manifest; fields in the order of go-containerregistry's structs. Docker's
 * manifests know no zstd, and containers/image takes none in them: an image with such a layer gets an OCI manifest, of the same fields.
 */
function toMade(image: MadeManifest, results: ReadonlyMap<string, LayerFacts>): PublishedManifest {
  const read = verifyDiffIds(image, results);
  const types = read.some(({ compression }) => compression === 'zstd') ? ociTypes : dockerTypes;
  const layers = read.map(({ compression, sizeBytes, digest }) => ({ mediaType: types.layers[compression], size: sizeBytes, digest }));
  const config = { mediaType: types.config, size: image.configBytes.length, digest: image.configDigest };
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: types.manifest, config, layers }));
  const digest: Digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  return {
    kind: 'manifest',
    manifest: { descriptor: { mediaType: types.manifest, digest, size: bytes.length }, bytes },
    config: { descriptor: config, bytes: image.configBytes },
    layers: layers.map((descriptor, at) => ({ layer: image.layers[at] as SourceLayer, descriptor })),
    image,
  };
}

const ociTypes = {
  manifest: mediaTypes.ociManifest as string,
  config: mediaTypes.ociConfig as string,
  layers: { none: mediaTypes.ociLayer as string, gzip: mediaTypes.ociLayerGzip as string, zstd: mediaTypes.ociLayerZstd as string },
};

const dockerTypes: typeof ociTypes = {
  manifest: mediaTypes.dockerManifest,
  config: mediaTypes.dockerConfig,
  layers: { ...ociTypes.layers, none: mediaTypes.dockerLayer, gzip: mediaTypes.dockerLayerGzip },
};

/** The configuration names the tar of each layer, in order (image-spec config.md, `rootfs.diff_ids`). */
function verifyDiffIds(image: KeptManifest | MadeManifest, results: ReadonlyMap<string, LayerFacts>): readonly TarLayerFacts[] {
  const { diffIds } = image.config;
  if (diffIds.length !== image.layers.length) {
    throw mismatch(`the configuration names ${diffIds.length} layers and the image has ${image.layers.length}`);
  }
  return image.layers.map((layer, at) => {
    const result = resultOf(layer, results);
    if (result.kind !== 'layer') throw mismatch(`layer ${layer.key} is named as a layer and as content of an attestation`);
    const stated = diffIds[at] as Digest;
    if (result.diffId !== stated) throw mismatch(`layer ${layer.key} unpacks to ${result.diffId}, the configuration says ${stated}`);
    return result;
  });
}

function keptDescriptor(layer: SourceLayer, { digest, sizeBytes }: LayerFacts): Descriptor {
  const { descriptor } = layer;
  if (descriptor === undefined) throw mismatch(`layer ${layer.key} of a manifest that is kept has no descriptor`);
  if (digest !== descriptor.digest) throw mismatch(`layer ${layer.key} has the digest ${digest}, the manifest says ${descriptor.digest}`);
  if (sizeBytes !== descriptor.size) throw mismatch(`layer ${layer.key} has ${sizeBytes} bytes, the manifest says ${descriptor.size}`);
  return descriptor;
}

function resultOf(layer: SourceLayer, results: ReadonlyMap<string, LayerFacts>): LayerFacts {
  const result = results.get(layer.key);
  if (result === undefined) throw mismatch(`layer ${layer.key} was not read`);
  return result;
}

function mismatch(reason: string): StepError<LayerErrorCode> {
  return new StepError({
    code: 'mismatch',
    origin: 'source',
    message: `cannot publish the image: ${reason}`,
    hint: 'Build or save the image again; its manifest, configuration and layers do not belong together.',
  });
}
