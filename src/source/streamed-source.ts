import type { Digest } from '../model/digest.ts';
import { mediaTypes } from '../model/image.ts';
import type { ImageSource, LayerVisit, ReadOptions, SourceImage, SourceLayer } from '../model/source.ts';
import { type ContentKind, DocumentStore, type TakenContent } from './document-store.ts';
import { toLayerPath } from './layout-content.ts';
import { distinctLayers } from './oci-image.ts';
import { hints, quote, type SourceFailure } from './source-error.ts';
import { StreamInput } from './stream-input.ts';
import { StreamedFiles } from './streamed-files.ts';
import { type ArchiveEntry, TarReader } from './tar-reader.ts';

interface StreamedSourceOptions {
  readonly name: string;
  readonly fail: SourceFailure;
  /** What is known of the layers before they come. */
  readonly plan?: { readonly layers: number; readonly sizeBytes: number | undefined };
  /** Whether the image has a manifest of its own, which names its layers by digest; else they are known by their names in the archive. */
  readonly keepsManifest: boolean;
  /** Gives the archive from its start; called for each reading. */
  readonly open: (use: (archive: AsyncIterable<Uint8Array>) => Promise<void>) => Promise<void>;
  /** Reads and checks the structure of the image, once all of the archive has come by. */
  readonly describe: (files: StreamedFiles) => Promise<SourceImage>;
}

/** What a layer of a kept manifest is until the manifest, which may come last, says it. */
const layerTypes: Readonly<Partial<Record<ContentKind, string>>> = {
  tar: mediaTypes.ociLayer,
  gzip: mediaTypes.ociLayerGzip,
  zstd: mediaTypes.ociLayerZstd,
};

const blobPath = /^blobs\/sha256\/([0-9a-f]{64})$/;

/** Bytes behind the end of the tar that are read to see the end of the stream; tools fill up to 10 KiB. */
const tailMaxBytes = 16 * 1024 * 1024;

/**
 * An image in an archive that comes as a stream: from a Docker daemon, compressed, or through a pipe. Tools write the layers before what names
 * them, so each is visited as it comes, once; what the image is made of is known at the end. A layer of another image in the same archive is
 * visited with the others.
 */
export class StreamedSource implements ImageSource {
  readonly name: string;
  readonly repository = undefined;
  readonly #options: StreamedSourceOptions;
  readonly #fail: SourceFailure;

  constructor(options: StreamedSourceOptions) {
    this.name = options.name;
    this.#options = options;
    this.#fail = options.fail;
  }

  async read(visit: LayerVisit, { onPlan }: ReadOptions): Promise<SourceImage> {
    const { plan } = this.#options;
    if (plan !== undefined) onPlan?.(plan);
    const files = new StreamedFiles(this.#fail);
    const store = new DocumentStore();
    await this.#eachEntry(async (entry, reader) => {
      files.index.add(entry, undefined);
      if (entry.kind === 'file') {
        const content = reader.content();
        const taken = await store.take(entry.sizeBytes, content);
        if (taken.document === undefined) await this.#visitLayer(entry, taken, content, files, visit);
        else files.documents.set(entry.path, taken.document);
      }
      return true;
    });
    const image = await this.#options.describe(files);
    await this.#visitDocuments(image, files, visit);
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
    if (!found) throw this.#fail('source-changed', `${quote(path)} is no longer there`, hints.leaveAlone);
  }

  /** Goes through the archive until `job` says that it has had enough, else to the end of the stream: only there a cut one is known. */
  async #eachEntry(job: (entry: ArchiveEntry, reader: TarReader) => Promise<boolean>): Promise<void> {
    await this.#options.open(async (archive) => {
      const input = new StreamInput(archive);
      try {
        const reader = new TarReader(input, this.#fail);
        for await (const entry of reader.entries()) {
          if (!(await job(entry, reader))) return;
        }
        if (await input.skip(tailMaxBytes)) {
          throw this.#fail('source-damaged', `more than ${tailMaxBytes} bytes follow the end of the archive`, hints.writeAgain);
        }
      } finally {
        await input.close();
      }
    });
  }

  async #visitLayer(
    { path, sizeBytes }: ArchiveEntry & { kind: 'file' },
    { kind, head }: TakenContent,
    content: AsyncIterable<Buffer>,
    { visited }: StreamedFiles,
    visit: LayerVisit,
  ): Promise<void> {
    const stated = blobPath.exec(path)?.[1];
    const hex = this.#options.keepsManifest ? stated : undefined;
    const layerType = layerTypes[kind];
    if (hex === undefined && (layerType === undefined || this.#options.keepsManifest)) return;
    const digest: Digest | undefined = hex === undefined ? undefined : `sha256:${hex}`;
    const layer: SourceLayer = {
      key: digest ?? path,
      kind: layerType === undefined ? 'blob' : 'layer',
      descriptor: digest && { mediaType: layerType ?? 'application/octet-stream', digest, size: sizeBytes },
      sizeBytes,
      // An image without a manifest has its tars at the paths that their digests make.
      diffId: hex === undefined && stated !== undefined && kind === 'tar' ? `sha256:${stated}` : undefined,
    };
    if (visited.has(layer.key)) throw this.#fail('source-damaged', `the archive has ${quote(path)} twice`, hints.writeAgain);
    visited.set(layer.key, layer);
    await visit(layer, prepend(head, content));
  }

  /** Visits what was kept as a document (attestations) and fails for a layer that nobody saw. */
  async #visitDocuments(image: SourceImage, { documents, visited }: StreamedFiles, visit: LayerVisit): Promise<void> {
    for (const layer of distinctLayers(image)) {
      const path = toLayerPath(layer);
      const document = documents.get(path);
      const seen = visited.get(layer.key);
      if (seen === undefined && layer.kind === 'blob' && document !== undefined) {
        await visit(layer, prepend(document, []));
      } else if (seen === undefined || (layer.kind === 'layer' && seen.kind === 'blob')) {
        throw this.#fail('source-damaged', `the layer ${quote(path)} is neither a tar nor compressed with gzip or zstd`, hints.writeAgain);
      }
    }
  }
}

async function* prepend(head: Buffer, content: AsyncIterable<Buffer> | Iterable<Buffer>): AsyncGenerator<Buffer> {
  yield head;
  yield* content;
}
