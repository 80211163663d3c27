import { isDigest } from '../model/digest.ts';
import { type Descriptor, mediaTypes, type Platform } from '../model/image.ts';
import { Document, type Fields } from './document.ts';
import { hints, quote, type SourceFailure } from './source-error.ts';

type Annotations = Readonly<Record<string, string>>;

/** The parts of a manifest or index that decide what an image is made of. */
type OciDocument =
  | { readonly kind: 'index'; readonly manifests: readonly Descriptor[] }
  | { readonly kind: 'manifest'; readonly config: Descriptor; readonly layers: readonly Descriptor[]; readonly annotations: Annotations };

/** No image has more; an index names one manifest for each platform and its attestations. */
const descriptorLimit = 1024;

const manifestTypes: readonly string[] = [mediaTypes.ociManifest, mediaTypes.dockerManifest];
const indexTypes: readonly string[] = [mediaTypes.ociIndex, mediaTypes.dockerIndex];
const configTypes: readonly string[] = [mediaTypes.ociConfig, mediaTypes.dockerConfig];

/** Whether a manifest's configuration is that of an image, not of another artifact. */
export function isImageConfig({ mediaType }: Pick<Descriptor, 'mediaType'>): boolean {
  return configTypes.includes(mediaType);
}

/**
 * Reads a manifest or index that `descriptor` names:
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md, image-index.md and Docker's schema 2.
 */
export function parseOciDocument(bytes: Uint8Array, descriptor: Descriptor, fail: SourceFailure): OciDocument {
  const { mediaType, digest } = descriptor;
  const isIndex = indexTypes.includes(mediaType);
  if (schema1Types.test(mediaType)) {
    throw schema1(digest, fail);
  }
  if (!isIndex && !manifestTypes.includes(mediaType)) {
    throw fail('source-unsupported', `${digest} is of type ${quote(mediaType)}`, 'Only images (OCI, or Docker schema 2) can be published.');
  }
  const document = new Document(`${isIndex ? 'index' : 'manifest'} ${digest}`, fail);
  const root = document.fields(document.parse(bytes), 'it', documentKeys);
  if (root.schemaVersion === 1) {
    throw schema1(digest, fail);
  }
  if (root.schemaVersion !== 2) {
    throw document.invalid('schemaVersion is not 2');
  }
  if (root.mediaType !== undefined && root.mediaType !== mediaType) {
    throw document.invalid(`it says that it is ${quote(String(root.mediaType))}, but is named as ${quote(mediaType)}`);
  }
  if ((root.manifests !== undefined) === (root.layers !== undefined || root.config !== undefined)) {
    throw document.invalid('it is not either an index (manifests) or an image (config, layers)');
  }
  if (isIndex !== (root.manifests !== undefined)) {
    throw document.invalid(`it is named as ${quote(mediaType)}, which it is not`);
  }
  if (isIndex) {
    return { kind: 'index', manifests: toDescriptors(root.manifests, 'manifests', document) };
  }
  return {
    kind: 'manifest',
    config: toDescriptor(root.config, 'config', document),
    layers: toDescriptors(root.layers, 'layers', document),
    annotations: document.textMap(root.annotations, 'annotations'),
  };
}

/** The descriptors of a layout's index.json: https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md */
export function parseLayoutIndex(bytes: Uint8Array, fail: SourceFailure): readonly Descriptor[] {
  const document = new Document('index.json', fail);
  const root = document.fields(document.parse(bytes), 'it', documentKeys);
  if (root.schemaVersion !== 2 || (root.mediaType !== undefined && root.mediaType !== mediaTypes.ociIndex)) {
    throw document.invalid('it is no OCI image index');
  }
  return toDescriptors(root.manifests, 'manifests', document);
}

/** Throws where the layout is of another version than 1. */
export function verifyLayoutVersion(bytes: Uint8Array, fail: SourceFailure): void {
  const document = new Document('oci-layout', fail);
  const { imageLayoutVersion } = document.fields(document.parse(bytes), 'it', ['imageLayoutVersion']);
  if (typeof imageLayoutVersion !== 'string' || !imageLayoutVersion.startsWith('1.')) {
    throw fail('source-unsupported', 'its oci-layout names a version other than 1', hints.writeAgain);
  }
}

/** https://distribution.github.io/distribution/spec/deprecated-schema-v1/, signed or not. */
const schema1Types = /^application\/vnd\.docker\.distribution\.manifest\.v1\+(?:json|prettyjws)$/;

function schema1(digest: string, fail: SourceFailure) {
  const reason = `${digest} is of Docker's image manifest schema 1, which has been retired: it does not say what its layers unpack to`;
  return fail('source-unsupported', reason, 'Pull it with a Docker that still can and push it again, or build the image again.');
}

const documentKeys = ['schemaVersion', 'mediaType', 'config', 'layers', 'manifests', 'subject', 'artifactType', 'annotations'];
const descriptorKeys = ['mediaType', 'digest', 'size', 'urls', 'annotations', 'platform', 'artifactType', 'data'];

function toDescriptors(value: unknown, where: string, document: Document): readonly Descriptor[] {
  return document.list(value, where, descriptorLimit).map((item) => toDescriptor(item, `an entry of ${where}`, document));
}

function toDescriptor(value: unknown, where: string, document: Document): Descriptor {
  const { mediaType, digest, size, annotations, platform, artifactType } = document.fields(value, where, descriptorKeys);
  if (!isDigest(digest)) {
    throw document.invalid(`${where} has no sha256 digest`);
  }
  if (typeof mediaType !== 'string' || mediaType === '' || typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw document.invalid(`${where} has no media type and size`);
  }
  return {
    mediaType,
    digest,
    size,
    ...(artifactType === undefined ? {} : { artifactType: document.text(artifactType, 'artifactType') }),
    ...(annotations === undefined ? {} : { annotations: document.textMap(annotations, 'annotations') }),
    ...(platform === undefined || platform === null ? {} : { platform: toPlatform(platform, document) }),
  };
}

function toPlatform(value: unknown, document: Document): Platform {
  const fields: Fields = document.fields(value, 'platform', ['os', 'architecture', 'variant']);
  const variant = document.text(fields.variant, 'platform.variant');
  return {
    os: document.text(fields.os, 'platform.os'),
    architecture: document.text(fields.architecture, 'platform.architecture'),
    ...(variant === '' ? {} : { variant }),
  };
}
