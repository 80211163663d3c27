import type { Digest } from '../model/digest.ts';
import type { RepositoryName, SourceLayer } from '../model/source.ts';
import type { HeldUpload } from '../model/upload.ts';
import { isRegistryError } from '../registry/registry-error.ts';
import type { Destination } from './destinations.ts';
import type { ReusableBlob } from './reusable-blobs.ts';

/**
 * What a destination has of a layer. `there`: it had it before. `mountable`: another repository of its registry has it, or will have it when it
 * is this one's turn. `lost`: its bytes did not arrive and have to be sent again.
 */
type Stage =
  | { readonly kind: 'held'; readonly upload: HeldUpload }
  | { readonly kind: 'there'; readonly digest: Digest }
  | { readonly kind: 'mountable'; readonly from: string }
  | { readonly kind: 'lost' };

type Stages = Map<Destination, Stage>;

/** The uploads of all layers to all destinations, held until the verdict. Disposing gives up what was not committed. */
export class HeldLayers implements AsyncDisposable {
  readonly #destinations: readonly Destination[];
  readonly #source: RepositoryName | undefined;
  readonly #stages = new Map<string, Stages>();
  readonly #reused = new Set<string>();

  /** `source`: the repository that the layers are read from, where they come from one. */
  constructor(destinations: readonly Destination[], source: RepositoryName | undefined) {
    this.#destinations = destinations;
    this.#source = source;
  }

  /**
   * Begins to send a layer to each destination that neither has it nor can take it over from its registry. A layer that is read again begins anew.
   * Where all can do with `blob`, nothing is begun before something is written all the same.
   */
  async begin(layer: SourceLayer, blob?: ReusableBlob): Promise<LayerWriter> {
    await this.#abort(layer.key);
    const stages: Stages = new Map();
    this.#stages.set(layer.key, stages);
    const reusing = blob === undefined ? undefined : await this.#find(layer, blob.digest);
    if (blob === undefined || reusing === undefined || !this.#destinations.every((to) => isSettled(reusing.get(to)))) {
      await this.#beginUploads(layer, stages);
      return new LayerWriter(stages);
    }
    for (const [destination, stage] of reusing) stages.set(destination, stage);
    this.#reused.add(layer.key);
    return new LayerWriter(stages, {
      blob,
      begin: async () => {
        this.#reused.delete(layer.key);
        await this.#beginUploads(layer, stages);
      },
    });
  }

  /** Whether what is published of a layer is a blob that the registry had, and not what this run would make of it. */
  isReused({ key }: SourceLayer): boolean {
    return this.#reused.has(key);
  }

  /** Whether `destination` got its blob by an upload. */
  isSent(destination: Destination, { key }: SourceLayer): boolean {
    return this.#stages.get(key)?.get(destination)?.kind === 'held';
  }

  /**
   * Makes the held bytes a blob of `destination`, or takes that over; false where it has to be sent again. The turn of a destination is after
   * those of the same registry that `push` names before it.
   */
  async commit(destination: Destination, layer: SourceLayer, digest: Digest): Promise<boolean> {
    const stage = this.#stages.get(layer.key)?.get(destination);
    switch (stage?.kind) {
      case 'there':
        return stage.digest === digest;
      case 'mountable':
        return destination.repository.mountBlob(digest, stage.from);
      case 'held':
        return commitUpload(stage.upload, digest);
      default:
        return false;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#stages.keys()].map((key) => this.#abort(key)));
  }

  async #beginUploads(layer: SourceLayer, stages: Stages): Promise<void> {
    const found = await this.#find(layer, layer.descriptor?.digest);
    const senders = new Map<string, string>();
    const begun = this.#destinations.map(async (destination) => {
      const { registry, path } = destination.repository;
      const sender = senders.get(registry);
      const known = found.get(destination) ?? (sender === undefined ? undefined : ({ kind: 'mountable', from: sender } as const));
      if (known === undefined) senders.set(registry, path);
      stages.set(destination, known ?? (await beginUpload(destination)));
    });
    await Promise.all(begun);
  }

  /** The destinations that need no upload of `digest`. */
  async #find(layer: SourceLayer, digest: Digest | undefined): Promise<Stages> {
    if (digest === undefined) return new Map();
    const looked = await Promise.all(this.#destinations.map(async (to) => [to, await lookUp(to, digest)] as const));
    const stages: Stages = new Map(looked.flatMap(([to, stage]) => (stage === undefined ? [] : [[to, stage]])));
    const source = digest === layer.descriptor?.digest ? this.#source : undefined;
    for (const [destination, stage] of looked) {
      const { registry } = destination.repository;
      const owner = looked.find(([{ repository }, other]) => repository.registry === registry && other?.kind === 'there');
      const from = source?.registry === registry ? source.repository : owner?.[0].repository.path;
      if (stage === undefined && from !== undefined) stages.set(destination, { kind: 'mountable', from });
    }
    return stages;
  }

  async #abort(key: string): Promise<void> {
    const stages = [...(this.#stages.get(key)?.values() ?? [])];
    this.#reused.delete(key);
    await Promise.all(stages.map((stage) => (stage.kind === 'held' ? stage.upload.abort() : undefined)));
  }
}

/** A blob that stands for a layer, and what sends the layer where it turns out that it does not. */
interface Reuse {
  readonly blob: ReusableBlob;
  readonly begin: () => Promise<void>;
}

/** Writes one layer to all its uploads. A destination that fails in a way that may pass is left behind, to be served again after the verdict. */
export class LayerWriter {
  readonly #stages: Stages;
  #reuse: Reuse | undefined;

  constructor(stages: Stages, reuse?: Reuse) {
    this.#stages = stages;
    this.#reuse = reuse;
  }

  /** What all destinations have for the layer, as long as nothing is written. */
  get blob(): ReusableBlob | undefined {
    return this.#reuse?.blob;
  }

  /** Whether anything is to be written: there is somewhere to send it to, or to begin with. */
  get wantsBytes(): boolean {
    return this.#reuse !== undefined || [...this.#stages.values()].some(({ kind }) => kind === 'held');
  }

  async write(bytes: Uint8Array): Promise<void> {
    const reuse = this.#reuse;
    this.#reuse = undefined;
    await reuse?.begin();
    await this.#each((upload) => upload.write(bytes));
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

function isSettled(stage: Stage | undefined): boolean {
  return stage?.kind === 'there' || stage?.kind === 'mountable';
}

async function lookUp({ repository }: Destination, digest: Digest): Promise<Stage | undefined> {
  try {
    return (await repository.headBlob(digest)) === undefined ? undefined : { kind: 'there', digest };
  } catch (error) {
    if (mayPass(error)) return { kind: 'lost' };
    throw error;
  }
}

async function beginUpload({ repository }: Destination): Promise<Stage> {
  try {
    return { kind: 'held', upload: await repository.beginUpload() };
  } catch (error) {
    if (mayPass(error)) return { kind: 'lost' };
    throw error;
  }
}

async function commitUpload(upload: HeldUpload, digest: Digest): Promise<boolean> {
  try {
    await upload.commit(digest);
    return true;
  } catch (error) {
    if (isRegistryError(error, 'upload-dropped')) return false;
    throw error;
  }
}

function mayPass(error: unknown): boolean {
  return isRegistryError(error, 'unreachable', 'throttled', 'server-error', 'upload-dropped', 'pieces-refused');
}
