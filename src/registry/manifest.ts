import { isJsonObject, type JsonObject, type JsonValue, parseStrictJson, parseStrictList, StrictJsonError } from '../lib/strict-json.ts';
import { isDigest } from '../model/digest.ts';
import { type Descriptor, mediaTypes, type Platform } from '../model/image.ts';
import { RegistryError } from './registry-error.ts';

/** https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md and image-index.md; Docker's schema 2 has the same members. */
export type Manifest = ImageManifest | IndexManifest;

interface ManifestMembers {
  readonly mediaType: string;
  readonly artifactType: string | undefined;
  readonly subject: Descriptor | undefined;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface ImageManifest extends ManifestMembers {
  readonly kind: 'image';
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

export interface IndexManifest extends ManifestMembers {
  readonly kind: 'index';
  readonly manifests: readonly Descriptor[];
}

/** Largest manifest that is taken, as in the distribution specification ("Pushing Manifests"). */
export const maxManifestBytes = 4 * 1024 * 1024;

const imageHint = 'Build and push the image again; if it comes from somewhere else, do not trust it.';
/** For what says what refers to an image, or stands beside it at a tag. */
export const listHint =
  'Look at what is answered there: a proxy or a login page may answer for the registry, or somebody has pushed something else to that tag.';

/** What is asked for with Accept. */
export const acceptedManifests = [mediaTypes.ociIndex, mediaTypes.ociManifest, mediaTypes.dockerIndex, mediaTypes.dockerManifest];

/**
 * Reads a manifest or an index. `name` is for messages; `stated` is what a Content-Type or descriptor calls it, which must agree with the
 * manifest's own `mediaType`. Throws a RegistryError with code `manifest-invalid` where two readers could see two images in it.
 */
export function readManifest(bytes: Uint8Array, name: string, stated?: string, hint: string = imageHint): Manifest {
  return readWith(name, hint, () => toManifest(parseStrictJson(bytes, { maxBytes: maxManifestBytes }), name, stated));
}

/** As `readManifest`, for an index of many entries: they are given to `visit` one by one as they are read, also where something is wrong further on, and not kept. */
export function visitManifests(bytes: Uint8Array, visit: (entry: Descriptor) => void, name: string, stated?: string): Manifest['kind'] {
  let count = 0;
  const give = (entry: JsonValue): void => {
    visit(readDescriptor(entry, `manifests[${count}]`));
    count += 1;
  };
  return readWith(
    name,
    listHint,
    () => toManifest(parseStrictList(bytes, 'manifests', give, { maxBytes: maxManifestBytes }), name, stated).kind,
  );
}

function toManifest(value: JsonValue, name: string, stated: string | undefined): Manifest {
  if (!isJsonObject(value)) throw new Invalid('it is not a JSON object');
  if (value.schemaVersion === 1 || schema1Type.test(stated ?? '')) throw schema1(name);
  if (value.schemaVersion !== 2) throw new Invalid('its schemaVersion is not 2');
  const mediaType = toMediaType(value, stated);
  const members = { mediaType, artifactType: optionalText(value, 'artifactType'), ...readShared(value) };
  if (isIndexType(mediaType)) return { kind: 'index', ...members, manifests: readList(value, 'manifests') };
  return { kind: 'image', ...members, config: readDescriptor(value.config, 'config'), layers: readList(value, 'layers') };
}

function readWith<Result>(name: string, hint: string, read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Invalid || error instanceof StrictJsonError)) throw error;
    throw new RegistryError({
      code: 'manifest-invalid',
      message: `cannot read the manifest ${name}: ${error.message}`,
      hint,
    });
  }
}

class Invalid extends Error {}

/** https://distribution.github.io/distribution/spec/deprecated-schema-v1/, signed or not. */
const schema1Type = /^\s*application\/vnd\.docker\.distribution\.manifest\.v1\+(?:json|prettyjws)\b/i;

function schema1(name: string): RegistryError {
  return new RegistryError({
    code: 'manifest-invalid',
    message: `cannot read the manifest ${name}: it is of Docker's image manifest schema 1, which has been retired`,
    hint: 'Pull it with a Docker that still can and push it again, or build the image again.',
  });
}

/** The manifest's own type, what it is stated as, or its shape tell what it is; they may not contradict each other. */
function toMediaType(object: JsonObject, stated: string | undefined): string {
  const own = optionalText(object, 'mediaType');
  const outer = stated?.split(';', 1)[0]?.trim().toLowerCase();
  const known = outer !== undefined && acceptedManifests.some((type) => type === outer) ? outer : undefined;
  if (own !== undefined && known !== undefined && own !== known)
    throw new Invalid(`its mediaType is ${quoted(own)}, but it came as ${quoted(known)}`);
  const hasManifests = object.manifests !== undefined;
  if (hasManifests && (object.layers !== undefined || object.config !== undefined)) {
    throw new Invalid('it has both "manifests" and "layers" or "config": an index to some readers, an image to others');
  }
  const mediaType = own ?? known ?? (hasManifests ? mediaTypes.ociIndex : mediaTypes.ociManifest);
  if (!acceptedManifests.some((type) => type === mediaType))
    throw new Invalid(`its mediaType ${quoted(mediaType)} is not an image or an index of OCI or Docker`);
  if (isIndexType(mediaType) !== hasManifests)
    throw new Invalid(`its mediaType is ${quoted(mediaType)}, but its members are of the other kind`);
  return mediaType;
}

function isIndexType(mediaType: string): boolean {
  return mediaType === mediaTypes.ociIndex || mediaType === mediaTypes.dockerIndex;
}

function readShared(object: JsonObject): {
  readonly subject: Descriptor | undefined;
  readonly annotations: Readonly<Record<string, string>>;
} {
  const subject = object.subject === undefined || object.subject === null ? undefined : readDescriptor(object.subject, 'subject');
  return { subject, annotations: readAnnotations(object, '') ?? {} };
}

function readList(object: JsonObject, member: 'layers' | 'manifests'): readonly Descriptor[] {
  const list = object[member];
  if (!Array.isArray(list)) throw new Invalid(`"${member}" is not a list`);
  return list.map((entry: JsonValue, index) => readDescriptor(entry, `${member}[${index}]`));
}

function readDescriptor(value: JsonValue | undefined, path: string): Descriptor {
  if (!isJsonObject(value)) throw new Invalid(`"${path}" is not a descriptor`);
  const { mediaType, digest, size } = value;
  if (typeof mediaType !== 'string' || mediaType === '' || mediaType.length > 255) throw new Invalid(`"${path}" has no mediaType`);
  if (!isDigest(digest)) throw new Invalid(`the digest of "${path}" is not sha256: and 64 hexadecimal digits`);
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
    throw new Invalid(`the size of "${path}" is not a number of bytes`);
  const artifactType = optionalText(value, 'artifactType', path);
  const annotations = readAnnotations(value, path);
  const platform = readPlatform(value, path);
  return {
    mediaType,
    digest,
    size,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(annotations === undefined ? {} : { annotations }),
    ...(platform === undefined ? {} : { platform }),
  };
}

function readAnnotations(object: JsonObject, path: string): Readonly<Record<string, string>> | undefined {
  const { annotations } = object;
  if (annotations === undefined || annotations === null) return undefined;
  if (!isJsonObject(annotations)) throw new Invalid(`"${join(path, 'annotations')}" is not an object`);
  const wrong = Object.entries(annotations).find(([, text]) => typeof text !== 'string');
  if (wrong !== undefined) throw new Invalid(`the annotation ${quoted(wrong[0])} is not a text`);
  return annotations as Readonly<Record<string, string>>;
}

function readPlatform(object: JsonObject, path: string): Platform | undefined {
  const { platform } = object;
  if (platform === undefined || platform === null) return undefined;
  const member = join(path, 'platform');
  if (!isJsonObject(platform)) throw new Invalid(`"${member}" is not an object`);
  const { os, architecture } = platform;
  if (typeof os !== 'string' || typeof architecture !== 'string') throw new Invalid(`"${member}" has no os and architecture`);
  const variant = optionalText(platform, 'variant', member);
  return { os, architecture, ...(variant === undefined ? {} : { variant }) };
}

function optionalText(object: JsonObject, member: string, path = ''): string | undefined {
  const value = object[member];
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value !== 'string') throw new Invalid(`"${join(path, member)}" is not a text`);
  return value;
}

function join(path: string, member: string): string {
  return path === '' ? member : `${path}.${member}`;
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);
}
