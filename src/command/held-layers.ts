import type { Digest } from '../model/digest.ts';
import type { SourceLayer } from '../model/source.ts';
import type { HeldUpload } from '../model/upload.ts';
import { isRegistryError } from '../registry/registry-error.ts';
import type { Destination } from './destinations.ts';

/** What a destination has of a layer. `there`: it had it before. `lost`: its bytes did not arrive and have to be sent again. */
type Stage = { readonly kind: 'held'; readonly upload: HeldUpload } | { readonly kind: 'there' } | { readonly kind: 'lost' };

/** The uploads of all layers to all destinations, held until the verdict. Disposing gives up what was not committed. */
export class HeldLayers implements AsyncDisposable {
  readonly #destinations: readonly Destination[];
  readonly #stages = new Map<string, Map<Destination, Stage>>();

  constructor(destinations: readonly Destination[]) {
    this.#destinations = destinations;
  }

  /** Begins to send a layer to each destination that does not have it. A layer that is read again begins anew. */
  async begin(layer: SourceLayer): Promise<LayerWriter> {
    await this.#abort(layer.key);
    const stages = new Map<Destination, Stage>();
    this.#stages.set(layer.key, stages);
    await Promise.all(
      this.#destinations.map(async (destination) => stages.set(destination, await beginStage(destination, layer.descriptor?.digest))),
    );
    return new LayerWriter(stages);
  }

  /** Makes the held bytes a blob of `destination`; false where they have to be sent again. */
  async commit(destination: Destination, layer: SourceLayer, digest: Digest): Promise<boolean> {
    const stage = this.#stages.get(layer.key)?.get(destination);
    if (stage === undefined || stage.kind === 'lost') return false;
    if (stage.kind === 'there') return true;
    try {
      await stage.upload.commit(digest);
      return true;
    } catch (error) {
      if (isRegistryError(error, 'upload-dropped')) return false;
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#stages.keys()].map((key) => this.#abort(key)));
  }

  async #abort(key: string): Promise<void> {
    const stages = [...(this.#stages.get(key)?.values() ?? [])];
    await Promise.all(stages.map((stage) => (stage.kind === 'held' ? stage.upload.abort() : undefined)));
  }
}

/** Writes one layer to all its uploads. A destination that fails in a way that may pass is left behind, to be served again after the verdict. */
export class LayerWriter {
  readonly #stages: Map<Destination, Stage>;

  constructor(stages: Map<Destination, Stage>) {
    this.#stages = stages;
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#each((upload) => upload.write(bytes));
  }

  hold(): Promise<void> {
    return this.#each((upload) => upload.hold());
  }

  async #each(act: (upload: HeldUpload) => Promise<void>): Promise<void> {
    const acts = [...this.#stages].map(async ([destination, stage]) => {
      if (stage.kind !== 'held') return;
      try {
        await act(stage.upload);
      } catch (error) {
        if (!mayPass(error)) throw error;
        this.#stages.set(destination, { kind: 'lost' });
        await stage.upload.abort();
      }
    });
    await Promise.all(acts);
  }
}

async function beginStage({ repository }: Destination, digest: Digest | undefined): Promise<Stage> {
  try {
    if (digest !== undefined && (await repository.headBlob(digest)) !== undefined) return { kind: 'there' };
    return { kind: 'held', upload: await repository.beginUpload() };
  } catch (error) {
    if (mayPass(error)) return { kind: 'lost' };
    throw error;
  }
}

function mayPass(error: unknown): boolean {
  return isRegistryError(error, 'unreachable', 'throttled', 'server-error', 'upload-dropped');
}
