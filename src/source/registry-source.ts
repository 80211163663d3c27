import { forEachParallel } from '../lib/parallel.ts';
import type { Descriptor, Platform } from '../model/image.ts';
import type { ImageSource, LayerVisit, ReadOptions, RepositoryName, SourceImage, SourceLayer } from '../model/source.ts';
import type { Repository } from '../registry/repository.ts';
import type { RegistrySourceText } from './image-source-text.ts';
import { distinctLayers, readOciImage } from './oci-image.ts';
import { fetchRemoteImage, RegistryContent, type RemoteImage } from './registry-content.ts';
import { failureOfRegistry, type SourceFailure } from './source-error.ts';

/**
 * Opens an image in a registry. A tag is looked up here and never again: what is read and published is what it named then. Rejects with a
 * StepError of origin `input` where there is no such image, with one of origin `registry` where it is not given.
 */
export async function openRegistrySource(
  { text, reference }: RegistrySourceText,
  repository: Repository,
  platforms: readonly Platform[],
): Promise<ImageSource> {
  const fail = failureOfRegistry(text);
  const { digest, tag = 'latest' } = reference;
  const root = await fetchRemoteImage(repository, digest ?? tag, fail);
  return new RegistrySource(text, repository, root, platforms, fail);
}

class RegistrySource implements ImageSource {
  readonly name: string;
  readonly repository: RepositoryName;
  readonly #remote: Repository;
  readonly #root: RemoteImage;
  readonly #platforms: readonly Platform[];
  readonly #fail: SourceFailure;

  constructor(name: string, remote: Repository, root: RemoteImage, platforms: readonly Platform[], fail: SourceFailure) {
    this.name = name;
    this.repository = { registry: remote.registry, repository: remote.path };
    this.#remote = remote;
    this.#root = root;
    this.#platforms = platforms;
    this.#fail = fail;
  }

  async read(visit: LayerVisit, { parallel, onPlan }: ReadOptions): Promise<SourceImage> {
    const content = new RegistryContent(this.#remote, this.#root, this.#fail);
    const image = await readOciImage(this.#root.descriptor, content, this.#platforms, this.#fail);
    const layers = distinctLayers(image);
    onPlan?.({ layers: layers.length, sizeBytes: layers.reduce((sum, { sizeBytes = 0 }) => sum + sizeBytes, 0) });
    await forEachParallel(layers, parallel, (layer) => this.reread(layer, visit));
    return image;
  }

  /** The digest is for who visits to verify, as with every source: the pass hashes all that it publishes. */
  async reread(layer: SourceLayer, visit: LayerVisit): Promise<void> {
    // Every layer of a kept manifest has one.
    const descriptor = layer.descriptor as Descriptor;
    await this.#remote.fetchBlob(descriptor, (content) => visit(layer, content), 'size');
  }
}
