import type { JsonValue } from '../lib/strict-json.ts';
import type { Digest } from '../model/digest.ts';
import { type Descriptor, mediaTypes } from '../model/image.ts';
import { type ArtifactLayer, digestOf } from './artifact.ts';
import type { Session } from './session.ts';
import type { TagContent, TagManifest } from './shared-tag.ts';
import { fetchAtTag, type TaggedManifest, type TagRead } from './tagged-manifest.ts';
import { putBlob } from './upload-commit.ts';

/** A layer that has to be there, or one that must not, by the digest of its bytes. */
export type LayerChange = { readonly kind: 'add'; readonly layer: ArtifactLayer } | { readonly kind: 'remove'; readonly digest: Digest };

/** The image at a tag to which layers are added, and which is made where there is none: where cosign 2 keeps the signatures of an image. The layers' bytes have to be there. */
export function toLayersContent(session: Session, tag: string): TagContent<LayerChange> {
  return {
    read: toRead(session, tag),
    verb: `add to what is at ${session.name}:${tag}`,
    what: 'its manifest',
    toMissing: (image, changes) => {
      const listed = layersOf(image);
      return changes.filter((change, at) => {
        if (change.kind === 'remove') return listed.some(({ digest }) => digest === change.digest);
        const { layer } = change;
        const before = changes.slice(0, at).flatMap((other) => (other.kind === 'add' ? [toEntry(other.layer)] : []));
        return ![...listed, ...before].some((other) => isSameLayer(other, layer));
      });
    },
    toNext: (image, changes) => toNext(session, image, changes),
  };
}

/** The layers of the image at a tag; none where there is no such tag. */
export async function listTaggedLayers(session: Session, tag: string): Promise<readonly Descriptor[]> {
  return layersOf(await fetchAtTag(session, toRead(session, tag)));
}

/** Whether a layer is `other`, whatever else it is annotated with. Two signatures of one document are two layers of one blob. */
export function isSameLayer(layer: Descriptor, { bytes, annotations = {} }: ArtifactLayer): boolean {
  return layer.digest === digestOf(bytes) && Object.entries(annotations).every(([name, text]) => layer.annotations?.[name] === text);
}

function toRead(session: Session, tag: string): TagRead {
  return {
    verb: `read what is at ${session.name}:${tag}`,
    tag,
    accept: `${mediaTypes.ociManifest}, ${mediaTypes.dockerManifest}`,
    kind: 'image',
    place: `at ${session.name}:${tag}`,
    otherKind: 'it is not an image with signatures',
  };
}

async function toNext(session: Session, image: TaggedManifest | undefined, changes: readonly LayerChange[]): Promise<TagManifest> {
  const entries = changes.flatMap((change) => (change.kind === 'add' ? [toEntry(change.layer)] : []));
  const removed = new Set(changes.flatMap((change) => (change.kind === 'remove' ? [change.digest] : [])));
  const listed = layersOf(image);
  const isKept = (at: number): boolean => !removed.has(listed[at]?.digest as Digest);
  const configBytes = Buffer.from(JSON.stringify(toConfig([...listed.filter((_layer, at) => isKept(at)), ...entries])));
  const config = { mediaType: mediaTypes.ociConfig, size: configBytes.length, digest: digestOf(configBytes) };
  await putBlob(session, config.digest, configBytes);
  const others = image?.object.layers;
  const layers: readonly JsonValue[] = Array.isArray(others) ? others : [];
  const own = image?.object.mediaType;
  return {
    mediaType: typeof own === 'string' ? own : mediaTypes.ociManifest,
    object: {
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      ...image?.object,
      config,
      layers: [...layers.filter((_layer, at) => isKept(at)), ...entries],
    },
  };
}

function toEntry({ mediaType, bytes, annotations }: ArtifactLayer): Descriptor {
  return { mediaType, digest: digestOf(bytes), size: bytes.length, ...(annotations === undefined ? {} : { annotations }) };
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
