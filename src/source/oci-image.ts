import { mapParallel } from '../lib/parallel.ts';
import type { Digest } from '../model/digest.ts';
import type { Descriptor, Platform } from '../model/image.ts';
import type { KeptAttachment, KeptManifest, SourceImage, SourceLayer } from '../model/source.ts';
import { isMarkedAttestation } from './attestation.ts';
import { parseImageConfig } from './image-config.ts';
import type { OciContent } from './oci-content.ts';
import { isImageConfig } from './oci-document.ts';
import type { OciManifest, OciNode } from './oci-node.ts';
import { documentsAtOnce, readOciTree } from './oci-tree.ts';
import { hints, quote, type SourceFailure } from './source-error.ts';

const layerType =
  /^application\/vnd\.(?:oci\.image\.layer\.(?:nondistributable\.)?v1\.tar(?:\+(?:gzip|zstd))?|docker\.image\.rootfs\.(?:foreign\.)?diff\.tar(?:\.(?:gzip|zstd))?)$/;
/** Docker's word and that of https://github.com/opencontainers/image-spec/blob/v1.1.1/layer.md#non-distributable-layers */
const foreignType = /\.(?:nondistributable|foreign)\./;

type KeptImage = Exclude<SourceImage, { readonly kind: 'made' }>;

/**
 * Reads the whole structure of the image `root`, or of those of its `platforms` that are named, and checks that every blob which it names is
 * there as far as can be seen; a foreign layer need not be.
 */
export async function readOciImage(
  root: Descriptor,
  content: OciContent,
  platforms: readonly Platform[],
  fail: SourceFailure,
): Promise<SourceImage> {
  const tree = await readOciTree(root, content, platforms, fail);
  const manifests = manifestsOf(tree);
  for (const manifest of manifests) {
    verifyImageKind(manifest, tree, fail);
  }
  const layers = await toLayers(manifests, content);
  const named = manifests.flatMap((manifest) => [manifest.config, ...manifest.layers]);
  await content.verifyBlobs(distinctDescriptors(named.filter(({ digest }) => layers.get(digest)?.foreign !== 'absent')));
  const image = await toSourceImage(tree, layers, content, fail);
  return tree.descriptor.digest === root.digest ? image : withOrigin(image, root.digest);
}

/** The distinct layers and blobs of an image that are to be read, in its order. */
export function distinctLayers(image: SourceImage): readonly SourceLayer[] {
  switch (image.kind) {
    case 'index':
      return distinct(image.children.flatMap(distinctLayers));
    case 'attachment':
      return distinct(image.blobs);
    default:
      return distinct(image.layers.filter(({ foreign }) => foreign !== 'absent'));
  }
}

function withOrigin(image: KeptImage, takenFrom: Digest): SourceImage {
  return image.kind === 'attachment' ? image : { ...image, takenFrom };
}

/** By digest. A layer is inspected where any image has it, and foreign where all that name it call it so. */
async function toLayers(manifests: readonly OciManifest[], content: OciContent): Promise<ReadonlyMap<Digest, SourceLayer>> {
  const inspected = new Set(
    manifests.filter((manifest) => !isAttachment(manifest)).flatMap(({ layers }) => layers.map(({ digest }) => digest)),
  );
  const named = manifests.flatMap((manifest) => manifest.layers);
  const ordinary = new Set(named.filter(({ mediaType }) => !foreignType.test(mediaType)).map(({ digest }) => digest));
  const layers = new Map<Digest, SourceLayer>();
  for (const descriptor of named) {
    const { digest, size } = descriptor;
    if (!layers.has(digest)) {
      const kind = inspected.has(digest) ? 'layer' : 'blob';
      const layer = { key: digest, kind, descriptor, sizeBytes: size, diffId: undefined } as const;
      const foreign = ordinary.has(digest) ? undefined : (await content.hasBlob(descriptor)) ? 'held' : 'absent';
      layers.set(digest, foreign === undefined ? layer : { ...layer, foreign });
    }
  }
  return layers;
}

function distinct(layers: readonly SourceLayer[]): readonly SourceLayer[] {
  return [...new Map(layers.map((layer) => [layer.key, layer])).values()];
}

function manifestsOf(node: OciNode): readonly OciManifest[] {
  return node.kind === 'manifest' ? [node] : node.children.flatMap(manifestsOf);
}

/** Marked as no image, and nothing of it could be unpacked as one: the mark alone must not hide a layer from the inspectors. */
function isAttachment({ descriptor, layers }: OciManifest): boolean {
  return isMarkedAttestation(descriptor) && !layers.some(({ mediaType }) => layerType.test(mediaType));
}

function verifyImageKind(manifest: OciManifest, tree: OciNode, fail: SourceFailure): void {
  const { descriptor, config, layers } = manifest;
  if (manifest !== tree && isAttachment(manifest)) {
    return;
  }
  if (!isImageConfig(config)) {
    throw fail(
      'source-unsupported',
      `${descriptor.digest} is an artifact (${quote(config.mediaType)}), not an image`,
      'Name an image; artifacts are published with oras or with the tool that made them.',
    );
  }
  const odd = layers.find(({ mediaType }) => !layerType.test(mediaType));
  if (odd !== undefined) {
    throw fail(
      'source-unsupported',
      `the layer ${odd.digest} of type ${quote(odd.mediaType)} is no file system layer`,
      'Build the image with layers that are tars, as they are or compressed with gzip or zstd.',
    );
  }
}

/** One descriptor for each digest and size: two that differ in size cannot both be true. */
function distinctDescriptors(descriptors: readonly Descriptor[]): readonly Descriptor[] {
  return [...new Map(descriptors.map((descriptor) => [`${descriptor.digest} ${descriptor.size}`, descriptor])).values()];
}

async function toSourceImage(
  node: OciNode,
  layers: ReadonlyMap<Digest, SourceLayer>,
  content: OciContent,
  fail: SourceFailure,
): Promise<KeptImage> {
  if (node.kind === 'manifest') {
    return await toSourceManifest(node, layers, content, fail);
  }
  const children = await mapParallel(node.children, documentsAtOnce, (child) => toSourceImage(child, layers, content, fail));
  return { kind: 'index', descriptor: node.descriptor, bytes: node.bytes, children };
}

async function toSourceManifest(
  manifest: OciManifest,
  table: ReadonlyMap<Digest, SourceLayer>,
  content: OciContent,
  fail: SourceFailure,
): Promise<KeptManifest | KeptAttachment> {
  const { descriptor, bytes, config } = manifest;
  const configBytes = await content.readConfig(config);
  const layers = manifest.layers.flatMap(({ digest }) => table.get(digest) ?? []);
  if (isAttachment(manifest)) {
    return { kind: 'attachment', descriptor, bytes, config, configBytes, blobs: layers };
  }
  const parsed = parseImageConfig(configBytes, `configuration ${config.digest}`, fail);
  if (parsed.diffIds.length !== layers.length) {
    throw fail(
      'source-damaged',
      `the manifest ${descriptor.digest} has ${layers.length} layers, but its configuration ${parsed.diffIds.length}`,
      hints.writeAgain,
    );
  }
  const { digest: configDigest, mediaType: configMediaType } = config;
  return {
    kind: 'kept',
    descriptor,
    bytes,
    config: parsed,
    configBytes,
    configDigest,
    configMediaType,
    annotations: manifest.annotations,
    layers,
  };
}
