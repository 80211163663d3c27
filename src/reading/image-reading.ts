import { allInspectors } from '../inspect/inspectors.ts';
import { likelyPackages } from '../inspect/inventory/inventory.ts';
import { type Compressor, openCompressor } from '../layer/compressor.ts';
import type { LayerFormat } from '../layer/inflate.ts';
import { HashThread } from '../layer/layer-hash.ts';
import { entryBudget } from '../layer/layer-tree.ts';
import { defaultLayerLimits } from '../layer/limits.ts';
import { type LayerFacts, type LayerResult, type ReadLayerOptions, readLayer } from '../layer/pass.ts';
import type { JobAsker } from '../lib/job-server.ts';
import { StepError } from '../lib/step-error.ts';
import type { ImageSource, SourceLayer } from '../model/source.ts';
import type { FoundImage } from '../source/found-image.ts';
import { openFiles, openStream } from '../source/found-source.ts';
import type { ImageAnswer, ImageJob, ImageJobResult, ImageNote, ImageQuestion, LayerUse } from './image-job.ts';
import { readPlatform } from './platform-reading.ts';
import { SharedSender } from './shared-bytes.ts';

type Asker = JobAsker<ImageQuestion, ImageAnswer, ImageNote>;

/** Bytes that are read between two words about it. */
const progressBytes = 4 * 1024 * 1024;

/** One image as it is read: the state of the thread. `compression` is that of layers which arrive uncompressed and are published. */
export class ImageReading implements Disposable {
  readonly #compression: LayerFormat | undefined;
  readonly #hashes = new HashThread();
  readonly #budget = entryBudget();
  readonly #inspectors = allInspectors();
  readonly #results = new Map<string, LayerResult>();
  readonly #sender = new SharedSender();
  #compressor: Compressor | undefined;
  #source: ImageSource | undefined;
  #visits = 0;

  constructor(compression: LayerFormat | undefined) {
    this.#compression = compression;
  }

  async run(job: ImageJob, asker: Asker): Promise<ImageJobResult> {
    switch (job.kind) {
      case 'read':
        return this.#open(job.image, asker).read(
          async (layer, content) => void (await this.#readLayer(layer, content, { kind: 'inspect' }, asker)),
          {
            parallel: job.parallel,
            onPlan: ({ layers, sizeBytes }) => {
              this.#hashes.expect(sizeBytes ?? 0);
              asker.tell({ kind: 'plan', layers, sizeBytes });
            },
          },
        );
      case 'reread':
        return this.#reread(job.image, job.layer, asker);
      case 'layer':
        return this.#readLayer(job.layer, pulled(asker, true), job.use, asker);
      case 'inspect':
        return job.platforms.map((platform) => readPlatform(platform, this.#results, job.now));
    }
  }

  [Symbol.dispose](): void {
    this.#hashes[Symbol.dispose]();
    this.#compressor?.[Symbol.dispose]();
  }

  async #reread(image: FoundImage, wanted: SourceLayer, asker: Asker): Promise<LayerFacts> {
    let facts: LayerFacts | undefined;
    await this.#open(image, asker).reread(wanted, async (layer, content) => {
      facts = await this.#readLayer(layer, content, { kind: 'publish' }, asker);
    });
    if (facts === undefined) throw new Error('the layer was not read');
    return facts;
  }

  #open(image: FoundImage, asker: Asker): ImageSource {
    // Archives keep pieces for a while, so that their memory is not used again.
    if (image.kind === 'pipe' || image.kind === 'daemon') return openStream(image, (use) => use(pulled(asker, false)));
    // The same for each reading: it knows whether the file is still the one that it was.
    this.#source ??= openFiles(image);
    return this.#source;
  }

  async #readLayer(layer: SourceLayer, content: AsyncIterable<Uint8Array>, use: LayerUse, asker: Asker): Promise<LayerFacts> {
    const visit = this.#visits++;
    const begun = await asker.ask({ kind: 'begin', visit, layer });
    const { wantsBytes = false, reuse } = begun.kind === 'begun' ? begun : {};
    const write = (bytes: Uint8Array) => this.#sender.send(bytes, (shared) => asker.ask({ kind: 'write', visit, bytes: shared }));
    const options = { ...this.#optionsFor(use), ...(wantsBytes && { sink: { write } }), ...(reuse && { reuse }) };
    const result = await readLayer(layer, counted(content, asker), options);
    if (use.kind === 'inspect') this.#results.set(layer.key, result);
    const packages = use.kind === 'inspect' && result.kind === 'layer' ? likelyPackages(result.observations) : [];
    const facts = toFacts(result);
    await asker.ask({ kind: 'end', visit, facts, packages });
    return facts;
  }

  #optionsFor(use: LayerUse): ReadLayerOptions {
    if (use.kind === 'prove') return { inspectors: [], limits: { ...defaultLayerLimits, maxInflatedBytes: use.maxInflatedBytes } };
    if (this.#compression !== undefined) this.#compressor ??= openCompressor(this.#compression);
    const publishing = { compressor: this.#compressor, hashes: this.#hashes };
    return use.kind === 'publish'
      ? { inspectors: [], ...publishing }
      : { inspectors: this.#inspectors, budget: this.#budget, ...publishing };
  }
}

function toFacts(result: LayerResult): LayerFacts {
  if (result.kind === 'blob') return result;
  const { observations: _, tree: __, ...facts } = result;
  return facts;
}

/** Tells of what is read, and ends it where the run is cancelled. */
async function* counted(content: AsyncIterable<Uint8Array>, asker: Asker): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of content) {
    if (asker.isCancelled()) throw cancelled();
    bytes += chunk.length;
    if (bytes >= progressBytes) {
      asker.tell({ kind: 'progress', bytes });
      bytes = 0;
    }
    yield chunk;
  }
  asker.tell({ kind: 'progress', bytes });
}

/**
 * The bytes that the main thread has. While one piece is used the next is on its way. `isReturned`: who takes a piece is done with it when it has the
 * next but one; its memory is then used again, and is no longer there.
 */
async function* pulled(asker: Asker, isReturned: boolean): AsyncGenerator<Buffer> {
  const pull = (spare?: ArrayBuffer): Promise<ImageAnswer> => {
    const answer = asker.ask({ kind: 'pull', spare }, spare === undefined ? [] : [spare]);
    answer.catch(() => undefined);
    return answer;
  };
  let used: ArrayBuffer | undefined;
  let [current, next] = [pull(), pull()];
  for (;;) {
    const piece = await current;
    if (piece.kind !== 'piece' || piece.memory === undefined) return;
    yield Buffer.from(piece.memory, 0, piece.sizeBytes);
    [current, next] = [next, pull(isReturned ? used : undefined)];
    used = piece.memory;
  }
}

function cancelled(): StepError {
  return new StepError({ code: 'cancelled', origin: 'host', message: 'The run was cancelled', hint: 'Run it again.' });
}
