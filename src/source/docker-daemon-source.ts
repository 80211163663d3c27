import type { Digest } from '../model/digest.ts';
import { mediaTypes } from '../model/image.ts';
import type { ImageSource, LayerVisit, ReadOptions, SourceImage, SourceLayer } from '../model/source.ts';
import { type ArchiveDocuments, TarIndex } from './archive.ts';
import type { DockerDaemon, InspectedImage } from './docker-daemon.ts';
import { readDockerImage, readDockerManifest } from './docker-manifest.ts';
import { manifestMaxBytes } from './document.ts';
import { type ContentKind, DocumentStore, type TakenContent } from './document-store.ts';
import { parseLayoutIndex } from './oci-document.ts';
import { distinctLayers, readOciImage } from './oci-image.ts';
import { toLayerPath } from './oci-tree.ts';
import { hints, quote, type SourceFailure } from './source-error.ts';
import { StreamInput } from './stream-input.ts';
import { type ArchiveEntry, TarReader } from './tar-reader.ts';

/** What a layer of a kept manifest is until the manifest, which comes last, says it. */
const layerTypes: Readonly<Partial<Record<ContentKind, string>>> = {
  tar: mediaTypes.ociLayer,
  gzip: mediaTypes.ociLayerGzip,
  zstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
};

const blobPath = /^blobs\/sha256\/([0-9a-f]{64})$/;

/**
 * An image of a Docker daemon. The daemon sends it as one archive, in which the layers come before what names them: each is visited as it
 * comes, and what the image is made of is known at the end.
 */
export class DockerDaemonSource implements ImageSource {
  readonly name: string;
  readonly repository = undefined;
  readonly #daemon: DockerDaemon;
  readonly #image: InspectedImage;
  readonly #fail: SourceFailure;

  constructor(name: string, daemon: DockerDaemon, image: InspectedImage, fail: SourceFailure) {
    this.name = name;
    this.#daemon = daemon;
    this.#image = image;
    this.#fail = fail;
  }

  async read(visit: LayerVisit, { onPlan }: ReadOptions): Promise<SourceImage> {
    const { layers, sizeBytes, id } = this.#image;
    onPlan?.({ layers, sizeBytes });
    const files = new StreamedFiles(this.#fail);
    const store = new DocumentStore();
    const visited = new Map<string, SourceLayer>();
    await this.#eachEntry(async (entry, reader) => {
      files.index.add(entry, undefined);
      if (entry.kind === 'file') {
        const content = reader.content();
        const taken = await store.take(entry.sizeBytes, content);
        if (taken.document === undefined) {
          await this.#visitLayer(entry, taken, content, visited, visit);
        } else {
          files.documents.set(entry.path, taken.document);
        }
      }
      return true;
    });
    const image = this.#image.keepsManifest ? await this.#keptImage(files) : await this.#madeImage(files, id);
    await this.#visitDocuments(image, files, visited, visit);
    return image;
  }

  async reread(layer: SourceLayer, visit: LayerVisit): Promise<void> {
    const path = toLayerPath(layer);
    let found = false;
    await this.#eachEntry(async (entry, reader) => {
      if (entry.kind === 'file' && entry.path === path) {
        found = true;
        await visit(layer, reader.content());
      }
      return !found;
    });
    if (!found) {
      throw this.#fail('source-changed', `the Docker daemon no longer has ${quote(path)}`, 'Do not change the image while it is read.');
    }
  }

  /** Asks the daemon for the archive and goes through it until `job` says that it has had enough. */
  async #eachEntry(job: (entry: ArchiveEntry, reader: TarReader) => Promise<boolean>): Promise<void> {
    await this.#daemon.save(this.#image.id, async (archive) => {
      const reader = new TarReader(new StreamInput(archive), this.#fail);
      for await (const entry of reader.entries()) {
        if (!(await job(entry, reader))) {
          return;
        }
      }
    });
  }

  async #visitLayer(
    { path, sizeBytes }: ArchiveEntry & { kind: 'file' },
    { kind, head }: TakenContent,
    content: AsyncIterable<Buffer>,
    visited: Map<string, SourceLayer>,
    visit: LayerVisit,
  ): Promise<void> {
    const stated = blobPath.exec(path)?.[1];
    const hex = this.#image.keepsManifest ? stated : undefined;
    const layerType = layerTypes[kind];
    if (layerType === undefined && hex === undefined) {
      return;
    }
    const digest: Digest | undefined = hex === undefined ? undefined : `sha256:${hex}`;
    const layer: SourceLayer = {
      key: digest ?? path,
      kind: layerType === undefined ? 'blob' : 'layer',
      descriptor: digest && { mediaType: layerType ?? 'application/octet-stream', digest, size: sizeBytes },
      sizeBytes,
      // An image without a manifest has its tars at the paths that their digests make.
      diffId: hex === undefined && stated !== undefined && kind === 'tar' ? `sha256:${stated}` : undefined,
    };
    if (visited.has(layer.key)) {
      throw this.#fail('source-damaged', `the archive of the Docker daemon has ${quote(path)} twice`, 'Look at the log of the daemon.');
    }
    visited.set(layer.key, layer);
    await visit(layer, prepend(head, content));
  }

  async #keptImage(files: StreamedFiles): Promise<SourceImage> {
    const { id } = this.#image;
    const descriptors = parseLayoutIndex(await files.read('index.json', manifestMaxBytes), this.#fail);
    const root = descriptors.find(({ digest }) => digest === id);
    if (root === undefined) {
      throw this.#otherImage(descriptors.map(({ digest }) => digest));
    }
    return await readOciImage(root, files, this.#fail);
  }

  /** Before API 1.48 a daemon does not say that its ids are those of manifests, so either will do. */
  async #madeImage(files: StreamedFiles, id: Digest): Promise<SourceImage> {
    const entries = await readDockerManifest(files, this.#fail);
    const found: Digest[] = [];
    for (const entry of entries) {
      const image = await readDockerImage(entry, files, this.#fail);
      if (image.configDigest === id || (entries.length === 1 && (await isNamedByLayout(files, id, this.#fail)))) {
        return image;
      }
      found.push(image.configDigest);
    }
    throw this.#otherImage(found);
  }

  /** Visits what was kept as a document (attestations) and fails for a layer that nobody saw. */
  async #visitDocuments(image: SourceImage, files: StreamedFiles, visited: Map<string, SourceLayer>, visit: LayerVisit): Promise<void> {
    for (const layer of distinctLayers(image)) {
      const path = toLayerPath(layer);
      const document = files.documents.get(path);
      const seen = visited.get(layer.key);
      if (seen === undefined && layer.kind === 'blob' && document !== undefined) {
        await visit(layer, prepend(document, []));
      } else if (seen === undefined || (layer.kind === 'layer' && seen.kind === 'blob')) {
        throw this.#fail('source-damaged', `the layer ${quote(path)} is neither a tar nor compressed with gzip or zstd`, hints.writeAgain);
      }
    }
  }

  #otherImage(found: readonly Digest[]) {
    return this.#fail(
      'source-changed',
      `the Docker daemon was asked for ${this.#image.id} and gave ${found.join(', ') || 'nothing'}`,
      'Do not change the image while it is read, then try again.',
    );
  }
}

/** The files of an archive that has come by: all their names, and the content of its documents. */
class StreamedFiles implements ArchiveDocuments {
  readonly index: TarIndex<undefined>;
  readonly documents = new Map<string, Buffer>();
  readonly #fail: SourceFailure;

  constructor(fail: SourceFailure) {
    this.#fail = fail;
    this.index = new TarIndex(fail);
  }

  async find(path: string) {
    return this.index.find(path);
  }

  async read(path: string, maxBytes: number): Promise<Buffer> {
    const document = this.documents.get(this.index.find(path)?.path ?? path);
    if (document === undefined || document.length > maxBytes) {
      throw this.#fail('source-damaged', `the archive has no JSON document ${quote(path)} of at most ${maxBytes} bytes`, hints.writeAgain);
    }
    return document;
  }
}

async function isNamedByLayout(files: StreamedFiles, id: Digest, fail: SourceFailure): Promise<boolean> {
  const index = files.documents.get('index.json');
  return index !== undefined && parseLayoutIndex(index, fail).some(({ digest }) => digest === id);
}

async function* prepend(head: Buffer, content: AsyncIterable<Buffer> | Iterable<Buffer>): AsyncGenerator<Buffer> {
  yield head;
  yield* content;
}
