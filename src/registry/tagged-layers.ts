import { isJsonObject, type JsonObject, type JsonValue, parseStrictJson } from '../lib/strict-json.ts';
import { type Descriptor, mediaTypes } from '../model/image.ts';
import { type ArtifactLayer, digestOf } from './artifact.ts';
import { maxManifestBytes, readManifest } from './manifest.ts';
import type { Session } from './session.ts';
import { mergeAtTag, writtenOver } from './shared-tag.ts';
import { putBlob } from './upload-commit.ts';

interface TaggedManifest {
  readonly layers: readonly Descriptor[];
  /** The members of the manifest as they stand, so that what is not ours is written back unchanged. */
  readonly object: JsonObject;
  readonly etag: string | undefined;
}

/**
 * Adds a layer to the image at a tag, which is made where there is none, and only once: where cosign 2 keeps the signatures of an image. The layer's bytes have to
 * be there. Several writers may do so at the same time.
 */
export function upsertTaggedLayer(session: Session, tag: string, layer: ArtifactLayer): Promise<void> {
  const { mediaType, bytes, annotations } = layer;
  const entry: Descriptor = {
    mediaType,
    digest: digestOf(bytes),
    size: bytes.length,
    ...(annotations === undefined ? {} : { annotations }),
  };
  return mergeAtTag(session, {
    fetch: () => fetchTagged(session, tag),
    isComplete: ({ layers }) => layers.some((other) => isSameLayer(other, entry)),
    put: (found) => putTagged(session, tag, found, entry),
    lost: () => writtenOver(session, `add a signature to ${session.name}:${tag}`, tag),
  });
}

/** The layers of the image at a tag; none where there is no such tag. */
export async function listTaggedLayers(session: Session, tag: string): Promise<readonly Descriptor[]> {
  return (await fetchTagged(session, tag)).layers;
}

/** Two signatures of one document are two layers of one blob. */
function isSameLayer(one: Descriptor, other: Descriptor): boolean {
  const names = Object.keys(other.annotations ?? {});
  return one.digest === other.digest && names.every((name) => one.annotations?.[name] === other.annotations?.[name]);
}

async function fetchTagged(session: Session, tag: string): Promise<TaggedManifest> {
  const verb = `read what is at ${session.name}:${tag}`;
  const accept = `${mediaTypes.ociManifest}, ${mediaTypes.dockerManifest}`;
  const url = `manifests/${tag}`;
  const request = { verb, method: 'GET', url, access: 'pull', headers: { accept }, maxBodyBytes: maxManifestBytes } as const;
  const { status, headers, body } = await session.send(request, (code) => code === 200 || code === 404);
  if (status === 404) return { layers: [], object: {}, etag: undefined };
  const manifest = readManifest(body, `at ${session.name}:${tag}`, headers['content-type']);
  const object = parseStrictJson(body);
  if (manifest.kind !== 'image' || !isJsonObject(object)) throw session.unusable(verb, 'it is not an image with signatures');
  return { layers: manifest.layers, object, etag: headers.etag };
}

async function putTagged(session: Session, tag: string, { layers, object, etag }: TaggedManifest, entry: Descriptor): Promise<boolean> {
  const config = Buffer.from(JSON.stringify(toConfig([...layers, entry])));
  const configDescriptor = { mediaType: mediaTypes.ociConfig, size: config.length, digest: digestOf(config) };
  await putBlob(session, configDescriptor.digest, config);
  const others: readonly JsonValue[] = Array.isArray(object.layers) ? object.layers : [];
  const next = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, ...object, config: configDescriptor, layers: [...others, entry] };
  const body = Buffer.from(JSON.stringify(next));
  const verb = `add a signature to ${session.name}:${tag}`;
  if (body.length > maxManifestBytes) throw session.unusable(verb, `its manifest would be larger than ${maxManifestBytes} bytes`);
  const mediaType = typeof object.mediaType === 'string' ? object.mediaType : mediaTypes.ociManifest;
  const headers = { 'content-type': mediaType, ...(etag === undefined ? {} : { 'if-match': etag }) };
  const request = { verb, method: 'PUT', url: `manifests/${tag}`, access: 'push', headers, body } as const;
  const { status } = await session.send(request, (code) => code === 412 || (code >= 200 && code < 300));
  return status !== 412;
}

/** As cosign writes it: the layers are no archives, so their digests stand for their contents as well. */
function toConfig(layers: readonly Descriptor[]) {
  const created = '0001-01-01T00:00:00Z';
  return {
    architecture: '',
    created,
    history: layers.map(() => ({ created })),
    os: '',
    rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
    config: {},
  };
}
