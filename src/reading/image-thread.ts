import type { LayerFormat } from '../layer/inflate.ts';
import type { LayerFacts, PublishedBytes } from '../layer/pass.ts';
import { type JobDialogue, JobThread } from '../lib/job-thread.ts';
import { toThreadUrl } from '../lib/thread.ts';
import type { ReleasedPackage } from '../model/package.ts';
import type { SourceImage, SourceLayer } from '../model/source.ts';
import type { GiveBytes, LocalImage } from '../source/found-image.ts';
import { BytePieces } from './byte-pieces.ts';
import type {
  ImageAnswer,
  ImageJob,
  ImageJobResult,
  ImageNote,
  ImageQuestion,
  LayerUse,
  PlatformLayers,
  PlatformReading,
} from './image-job.ts';
import type { ImageWorkerData } from './image-worker.ts';
import { SharedReceiver } from './shared-bytes.ts';

/** What is done about the layers of an image while they are read. */
export interface LayerKeeper {
  /** Before the first byte of a layer, again where it is read again. */
  begin(layer: SourceLayer): Promise<LayerKeeping>;
  plan(plan: { readonly layers: number; readonly sizeBytes: number | undefined }): void;
  progress(bytes: number): void;
}

export interface LayerKeeping {
  /** Whether `write` is to be called. */
  readonly wantsBytes: boolean;
  /** As `ReadLayerOptions.reuse`. */
  readonly reuse?: PublishedBytes;
  /** Takes the bytes that are published, in order; they are valid during the call. */
  write(bytes: Uint8Array): Promise<void>;
  /** `packages`: those of the layer, as far as it alone tells. */
  end(facts: LayerFacts, packages: readonly ReleasedPackage[]): Promise<void>;
}

export interface ImageThreadOptions {
  /** Of layers that arrive uncompressed and are published; undefined: they stay as they are. */
  readonly compression: LayerFormat | undefined;
  readonly cancelled: AbortSignal;
  readonly memoryLimitBytes?: number;
  readonly silenceLimitMs?: number;
}

const gibibyte = 1024 ** 3;
/** A hundred times what an image has: far more than the largest of all limits let it take. */
const defaultMemoryLimitBytes = 2 * gibibyte;
const defaultSilenceLimitMs = 5 * 60_000;

/**
 * The thread in which images are read: tars, compressed streams and all files in them are parsed there and nowhere else, where no credential is. It
 * starts at once. docs/decisions/0017-images-are-read-in-a-thread-without-credentials.md
 */
export class ImageThread implements AsyncDisposable {
  readonly #thread: JobThread<ImageJob, ImageJobResult, ImageQuestion, ImageAnswer, ImageNote>;
  readonly #receiver = new SharedReceiver();
  /** Of layers that arrive uncompressed and are published. */
  readonly compression: LayerFormat | 'none';
  readonly #cancelled: AbortSignal;
  readonly #cancel = (): void => this.#thread.cancel();

  constructor({ compression, cancelled, memoryLimitBytes, silenceLimitMs }: ImageThreadOptions) {
    this.#thread = new JobThread({
      program: toThreadUrl('image-worker', import.meta.url),
      task: 'reads the image',
      workerData: { compression } satisfies ImageWorkerData,
      heapLimitBytes: gibibyte,
      memoryLimitBytes: memoryLimitBytes ?? defaultMemoryLimitBytes,
      silenceLimitMs: silenceLimitMs ?? defaultSilenceLimitMs,
    });
    this.compression = compression ?? 'none';
    this.#cancelled = cancelled;
    cancelled.addEventListener('abort', this.#cancel);
    if (cancelled.aborted) this.#cancel();
  }

  /** As `ImageSource.read`. */
  async read({ found, give }: LocalImage, keeper: LayerKeeper, parallel: number): Promise<SourceImage> {
    return (await this.#withBytes(give, { kind: 'read', image: found, parallel }, keeper)) as SourceImage;
  }

  /** Reads one layer that `read` has read a second time, as it is published. */
  async reread({ found, give }: LocalImage, layer: SourceLayer, keeper: LayerKeeper): Promise<LayerFacts> {
    return (await this.#withBytes(give, { kind: 'reread', image: found, layer }, keeper)) as LayerFacts;
  }

  /** Reads a layer whose bytes are `content`, as `readLayer`. */
  async readLayer(layer: SourceLayer, content: AsyncIterable<Uint8Array>, use: LayerUse, keeper: LayerKeeper): Promise<LayerFacts> {
    return (await this.#run({ kind: 'layer', layer, use }, keeper, content)) as LayerFacts;
  }

  /** What was found in each of these platforms, whose layers have been read with the use `inspect`. */
  async inspect(platforms: readonly PlatformLayers[], now: Date): Promise<readonly PlatformReading[]> {
    return (await this.#thread.run({ kind: 'inspect', platforms, now }, noDialogue)) as readonly PlatformReading[];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#cancelled.removeEventListener('abort', this.#cancel);
    await this.#thread[Symbol.asyncDispose]();
  }

  async #withBytes(give: GiveBytes | undefined, job: ImageJob, keeper: LayerKeeper): Promise<ImageJobResult | undefined> {
    if (give === undefined) return this.#run(job, keeper, nothing());
    let result: ImageJobResult | undefined;
    await give(async (bytes) => {
      result = await this.#run(job, keeper, bytes);
    });
    return result;
  }

  /** Whatever becomes of the job: when this settles, nothing more is done with the keeper. */
  async #run(job: ImageJob, keeper: LayerKeeper, content: AsyncIterable<Uint8Array>): Promise<ImageJobResult> {
    const pieces = new BytePieces(content);
    const keepings = new Map<number, LayerKeeping>();
    const acts = new Set<Promise<ImageAnswer>>();
    const act = async (question: Exclude<ImageQuestion, { readonly kind: 'pull' }>): Promise<ImageAnswer> => {
      if (question.kind === 'begin') {
        const keeping = await keeper.begin(question.layer);
        keepings.set(question.visit, keeping);
        return { kind: 'begun', wantsBytes: keeping.wantsBytes, reuse: keeping.reuse };
      }
      const keeping = keepings.get(question.visit);
      if (question.kind === 'write') await keeping?.write(this.#receiver.receive(question.bytes));
      else await keeping?.end(question.facts, question.packages);
      return { kind: 'done' };
    };
    const dialogue: JobDialogue<ImageQuestion, ImageAnswer, ImageNote> = {
      async answer(question) {
        if (question.kind === 'pull') {
          const piece = await pieces.next(question.spare);
          const what = { kind: 'piece', memory: piece?.memory, sizeBytes: piece?.sizeBytes ?? 0 } as const;
          return { what, transfer: piece === undefined ? [] : [piece.memory] };
        }
        const done = act(question);
        acts.add(done);
        try {
          return { what: await done };
        } finally {
          acts.delete(done);
        }
      },
      note: (note) => (note.kind === 'plan' ? keeper.plan(note) : keeper.progress(note.bytes)),
    };
    try {
      return await this.#thread.run(job, dialogue);
    } finally {
      pieces.close();
      await Promise.allSettled(acts);
    }
  }
}

const noDialogue: JobDialogue<ImageQuestion, ImageAnswer, ImageNote> = {
  async answer() {
    throw new Error('nothing is asked');
  },
  note() {},
};

async function* nothing(): AsyncGenerator<Uint8Array> {}
