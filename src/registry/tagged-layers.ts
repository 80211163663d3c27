import type { JsonValue } from '../lib/strict-json.ts';
import { type Descriptor, mediaTypes } from '../model/image.ts';
import { type ArtifactLayer, digestOf } from './artifact.ts';
import type { Session } from './session.ts';
import { fetchAtTag, mergeAtTag, putAtTag, type TaggedManifest, writtenOver } from './shared-tag.ts';
import { putBlob } from './upload-commit.ts';

/**
 * Adds a layer to the image at a tag, which is made where there is none, and only once: where cosign 2 keeps the signatures of an image. The layer's bytes have to
 * be there. Several writers may do so at the same time.
 */
export function upsertTaggedLayer(session: Session, tag: string, layer: ArtifactLayer): Promise<void> {
  const verb = `add a signature to ${session.name}:${tag}`;
  return mergeAtTag(session, {
    fetch: () => fetchImage(session, tag),
    isComplete: (image) => layersOf(image).some((other) => isSameLayer(other, layer)),
    put: (image) => putImage(session, tag, verb, image, layer),
    lost: () => writtenOver(session, verb, tag),
  });
}

/** The layers of the image at a tag; none where there is no such tag. */
export async function listTaggedLayers(session: Session, tag: string): Promise<readonly Descriptor[]> {
  return layersOf(await fetchImage(session, tag));
}

/** Whether a layer is `other`, whatever else it is annotated with. Two signatures of one document are two layers of one blob. */
export function isSameLayer(layer: Descriptor, { bytes, annotations = {} }: ArtifactLayer): boolean {
  return layer.digest === digestOf(bytes) && Object.entries(annotations).every(([name, text]) => layer.annotations?.[name] === text);
}

function fetchImage(session: Session, tag: string): Promise<TaggedManifest | undefined> {
  return fetchAtTag(session, {
    verb: `read what is at ${session.name}:${tag}`,
    tag,
    accept: `${mediaTypes.ociManifest}, ${mediaTypes.dockerManifest}`,
    kind: 'image',
    place: `at ${session.name}:${tag}`,
    otherKind: 'it is not an image with signatures',
  });
}

async function putImage(
  session: Session,
  tag: string,
  verb: string,
  image: TaggedManifest | undefined,
  { mediaType, bytes, annotations }: ArtifactLayer,
): Promise<boolean> {
  const digest = digestOf(bytes);
  const entry = { mediaType, digest, size: bytes.length, ...(annotations === undefined ? {} : { annotations }) };
  const configBytes = Buffer.from(JSON.stringify(toConfig([...layersOf(image), entry])));
  const config = { mediaType: mediaTypes.ociConfig, size: configBytes.length, digest: digestOf(configBytes) };
  await putBlob(session, config.digest, configBytes);
  const others = image?.object.layers;
  const layers: readonly JsonValue[] = Array.isArray(others) ? others : [];
  const next = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, ...image?.object, config, layers: [...layers, entry] };
  const own = image?.object.mediaType;
  const manifestType = typeof own === 'string' ? own : mediaTypes.ociManifest;
  return putAtTag(session, { verb, tag, mediaType: manifestType, next, etag: image?.etag, what: 'its manifest' });
}

function layersOf(image: TaggedManifest | undefined): readonly Descriptor[] {
  return image?.manifest.kind === 'image' ? image.manifest.layers : [];
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
