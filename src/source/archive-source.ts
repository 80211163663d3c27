import type { ImageSource, LayerVisit, ReadOptions, SourceImage, SourceLayer } from '../model/source.ts';
import type { Archive, ArchiveDocuments } from './archive.ts';
import { toLayerPath } from './layout-content.ts';
import { distinctLayers } from './oci-image.ts';
import { hints, type SourceFailure } from './source-error.ts';

interface ArchiveSourceOptions {
  readonly name: string;
  readonly fail: SourceFailure;
  readonly open: () => Promise<Archive>;
  /** Reads and checks the structure of the image, before any layer. */
  readonly describe: (files: ArchiveDocuments) => Promise<SourceImage>;
}

/** An image in an archive or a folder, where the layers can be found without reading everything before them. */
export class ArchiveSource implements ImageSource {
  readonly name: string;
  readonly repository = undefined;
  readonly #options: ArchiveSourceOptions;
  #identity: string | undefined;

  constructor(options: ArchiveSourceOptions) {
    this.name = options.name;
    this.#options = options;
  }

  async read(visit: LayerVisit, { parallel, onPlan }: ReadOptions): Promise<SourceImage> {
    return await this.#use(async (archive) => {
      const image = await this.#options.describe(archive);
      const layers = distinctLayers(image);
      onPlan?.({ layers: layers.length, sizeBytes: layers.reduce((sum, { sizeBytes = 0 }) => sum + sizeBytes, 0) });
      await visitLayers(archive, layers, parallel, visit);
      return image;
    });
  }

  async reread(layer: SourceLayer, visit: LayerVisit): Promise<void> {
    await this.#use((archive) => visitLayers(archive, [layer], 1, visit));
  }

  async #use<T>(job: (archive: Archive) => Promise<T>): Promise<T> {
    const archive = await this.#options.open();
    try {
      this.#identity ??= archive.identity;
      if (archive.identity !== this.#identity) {
        throw this.#options.fail('source-changed', 'it was written to in the meantime', hints.leaveAlone);
      }
      return await job(archive);
    } finally {
      await archive.close();
    }
  }
}

async function visitLayers(archive: Archive, layers: readonly SourceLayer[], parallel: number, visit: LayerVisit): Promise<void> {
  const byPath = new Map(layers.map((layer) => [toLayerPath(layer), layer]));
  await archive.visit([...byPath.keys()], parallel, async (path, content) => {
    const layer = byPath.get(path);
    if (layer !== undefined) {
      await visit(layer, content);
    }
  });
}
