import type { Digest } from '../model/digest.ts';
import { type Descriptor, mediaTypes } from '../model/image.ts';
import type { KeptAttachment, KeptManifest, SourceImage, SourceLayer } from '../model/source.ts';
import type { ArchiveDocuments } from './archive.ts';
import { configMaxBytes } from './document.ts';
import { parseImageConfig } from './image-config.ts';
import { isMarkedAttestation, type OciManifest, type OciNode, readDocument, readOciTree, toBlobPath } from './oci-tree.ts';
import { hints, quote, type SourceFailure } from './source-error.ts';

const configTypes: readonly string[] = [mediaTypes.ociConfig, mediaTypes.dockerConfig];
const layerType =
  /^application\/vnd\.(?:oci\.image\.layer\.(?:nondistributable\.)?v1\.tar(?:\+(?:gzip|zstd))?|docker\.image\.rootfs\.(?:foreign\.)?diff\.tar(?:\.(?:gzip|zstd))?)$/;
const foreignType = /\.(?:nondistributable|foreign)\./;

/** Reads the whole structure of the image `root` of a layout, and checks that every blob which it names is there at its full size. */
export async function readOciImage(root: Descriptor, files: ArchiveDocuments, fail: SourceFailure): Promise<SourceImage> {
  const tree = await readOciTree(root, files, fail);
  const manifests = manifestsOf(tree);
  for (const manifest of manifests) {
    verifyImageKind(manifest, tree, fail);
  }
  await verifyBlobs(manifests, files, fail);
  const inspected = new Set(
    manifests.filter((manifest) => !isAttachment(manifest)).flatMap(({ layers }) => layers.map(({ digest }) => digest)),
  );
  const layers = new Map<Digest, SourceLayer>();
  for (const descriptor of manifests.flatMap((manifest) => manifest.layers)) {
    const { digest } = descriptor;
    const kind = inspected.has(digest) ? 'layer' : 'blob';
    layers.set(digest, layers.get(digest) ?? { key: digest, kind, descriptor, sizeBytes: descriptor.size, diffId: undefined });
  }
  return await toSourceImage(tree, layers, files, fail);
}

/** The distinct layers and blobs that an image names, in its order. */
export function distinctLayers(image: SourceImage): readonly SourceLayer[] {
  switch (image.kind) {
    case 'index':
      return distinct(image.children.flatMap(distinctLayers));
    case 'attachment':
      return distinct(image.blobs);
    default:
      return distinct(image.layers);
  }
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
  if (!configTypes.includes(config.mediaType)) {
    throw fail(
      'source-unsupported',
      `${descriptor.digest} is an artifact (${quote(config.mediaType)}), not an image`,
      'Name an image; artifacts are published with oras or with the tool that made them.',
    );
  }
  const odd = layers.find(({ mediaType }) => !layerType.test(mediaType) || foreignType.test(mediaType));
  if (odd !== undefined) {
    const reason = foreignType.test(odd.mediaType) ? 'lies elsewhere and must not be distributed' : 'is no file system layer';
    throw fail(
      'source-unsupported',
      `the layer ${odd.digest} of type ${quote(odd.mediaType)} ${reason}`,
      'Build the image with layers of its own (Windows base images: with layers that may be pushed).',
    );
  }
}

async function verifyBlobs(manifests: readonly OciManifest[], files: ArchiveDocuments, fail: SourceFailure): Promise<void> {
  const problems: string[] = [];
  for (const { digest, size } of distinctDescriptors(manifests.flatMap(({ config, layers }) => [config, ...layers]))) {
    const found = await files.find(toBlobPath({ digest }));
    if (found?.sizeBytes !== size) {
      problems.push(
        found === undefined ? `the blob ${digest} is missing` : `the blob ${digest} has ${found.sizeBytes} of its ${size} bytes`,
      );
    }
  }
  const [first] = problems;
  if (first !== undefined) {
    const others = problems.length === 1 ? '' : `, and ${problems.length - 1} more ${problems.length === 2 ? 'is' : 'are'} missing or cut`;
    throw fail('source-incomplete', `${first}${others}`, hints.writeAgain);
  }
}

/** One descriptor for each digest and size: two that differ in size cannot both be true. */
function distinctDescriptors(descriptors: readonly Descriptor[]): Iterable<Descriptor> {
  return new Map(descriptors.map((descriptor) => [`${descriptor.digest} ${descriptor.size}`, descriptor])).values();
}

async function toSourceImage(
  node: OciNode,
  layers: ReadonlyMap<Digest, SourceLayer>,
  files: ArchiveDocuments,
  fail: SourceFailure,
): Promise<SourceImage> {
  if (node.kind === 'manifest') {
    return await toSourceManifest(node, layers, files, fail);
  }
  const children: SourceImage[] = [];
  for (const child of node.children) {
    children.push(await toSourceImage(child, layers, files, fail));
  }
  return { kind: 'index', descriptor: node.descriptor, bytes: node.bytes, children };
}

async function toSourceManifest(
  manifest: OciManifest,
  table: ReadonlyMap<Digest, SourceLayer>,
  files: ArchiveDocuments,
  fail: SourceFailure,
): Promise<KeptManifest | KeptAttachment> {
  const { descriptor, bytes, config } = manifest;
  const configBytes = await readDocument(config, configMaxBytes, files, fail);
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
  return { kind: 'kept', descriptor, bytes, config: parsed, configBytes, configDigest, configMediaType, layers };
}
