import { mediaTypes } from '../../model/image.ts';
import { type ContentDigest, parseContentDigest } from './content-digest.ts';
import type { ContentStore, StoredManifest } from './content-store.ts';
import { RegistryError } from './registry-error.ts';

/** A manifest that was read: what is stored of it, and what it needs to be there. */
export interface ManifestContent {
  readonly stored: StoredManifest;
  readonly blobs: readonly ContentDigest[];
  readonly manifests: readonly ContentDigest[];
}

const imageTypes: readonly string[] = [mediaTypes.ociManifest, mediaTypes.dockerManifest];
const indexTypes: readonly string[] = [mediaTypes.ociIndex, mediaTypes.dockerIndex];

/** Layers that a registry need not have (image-spec layer.md, "Non-distributable layers"; Docker's foreign layers). */
const foreignLayer = /^application\/vnd\.(?:oci\.image\.layer\.nondistributable|docker\.image\.rootfs\.foreign)\./;

type Fields = Readonly<Record<string, unknown>>;

/** Throws MANIFEST_INVALID where the bytes are no manifest of an accepted kind. */
export function parseManifest(bytes: Buffer, contentType: string | undefined, digest: ContentDigest): ManifestContent {
  const fields = toFields(parseJson(bytes), 'manifest');
  const stated = contentType?.split(';', 1)[0]?.trim().toLowerCase();
  const mediaType = stated ?? (typeof fields.mediaType === 'string' ? fields.mediaType : mediaTypes.ociManifest);
  if (fields.mediaType !== undefined && fields.mediaType !== mediaType) {
    throw invalid('mediaType is not that of Content-Type');
  }
  if (fields.schemaVersion !== 2 || ![...imageTypes, ...indexTypes].includes(mediaType)) {
    throw invalid(`unsupported manifest type ${mediaType}`);
  }
  const isIndex = indexTypes.includes(mediaType);
  const config = isIndex ? undefined : toDescriptor(fields.config, 'config');
  const layers = isIndex ? [] : toList(fields.layers, 'layers').map((layer) => toDescriptor(layer, 'layer'));
  const children = isIndex ? toList(fields.manifests, 'manifests').map((child) => toDescriptor(child, 'manifest')) : [];
  const artifactType = typeof fields.artifactType === 'string' && fields.artifactType !== '' ? fields.artifactType : config?.mediaType;
  return {
    stored: {
      digest,
      mediaType,
      bytes,
      subject: fields.subject === undefined ? undefined : toDescriptor(fields.subject, 'subject').digest.text,
      artifactType,
      annotations: toAnnotations(fields.annotations),
    },
    blobs: [...(config === undefined ? [] : [config]), ...layers.filter((layer) => !foreignLayer.test(layer.mediaType))].map(
      (descriptor) => descriptor.digest,
    ),
    manifests: children.map((child) => child.digest),
  };
}

/** Throws MANIFEST_BLOB_UNKNOWN where the repository lacks what the manifest names. */
export function verifyContentIsHeld({ blobs, manifests }: ManifestContent, repository: string, store: ContentStore): void {
  const missing =
    blobs.find((digest) => !store.hasBlob(repository, digest)) ??
    manifests.find((digest) => store.manifest(repository, digest.text) === undefined);
  if (missing !== undefined) {
    throw new RegistryError(400, 'MANIFEST_BLOB_UNKNOWN', `manifest references ${missing.text}, which is unknown to the repository`);
  }
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw invalid('not JSON');
  }
}

function toDescriptor(value: unknown, what: string): { readonly digest: ContentDigest; readonly mediaType: string } {
  const { digest, mediaType, size } = toFields(value, what);
  if (typeof digest !== 'string' || typeof mediaType !== 'string' || !Number.isSafeInteger(size)) {
    throw invalid(`${what} is not a descriptor`);
  }
  return { digest: parseContentDigest(digest), mediaType };
}

function toFields(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(`${what} is not an object`);
  }
  return value as Fields;
}

function toList(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) {
    throw invalid(`${what} is not a list`);
  }
  return value;
}

function toAnnotations(value: unknown): Readonly<Record<string, string>> | undefined {
  return value === undefined || value === null ? undefined : (toFields(value, 'annotations') as Readonly<Record<string, string>>);
}

function invalid(message: string): RegistryError {
  return new RegistryError(400, 'MANIFEST_INVALID', message);
}
