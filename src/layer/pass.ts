import { createHash } from 'node:crypto';
import { detectCompression, magicBytes } from '../lib/compression.ts';
import type { Digest } from '../model/digest.ts';
import type { Observation } from '../model/observation.ts';
import type { SourceLayer } from '../model/source.ts';
import type { Compressor } from './compressor.ts';
import { type LayerFormat, openInflater } from './inflate.ts';
import { LayerInspections } from './inspection.ts';
import type { Inspector, LayerEntry } from './inspector.ts';
import { type HashThread, hashHere, type LayerHash } from './layer-hash.ts';
import { type EntryBudget, entryBudget, type LayerTree, LayerTreeRecorder } from './layer-tree.ts';
import { defaultLayerLimits, type LayerLimits } from './limits.ts';
import { layerRefusal } from './refusal.ts';
import { TarReader } from './tar.ts';

/** Takes the bytes that are published, in order; the buffer is not kept after the promise resolves. */
interface LayerSink {
  write(bytes: Uint8Array): Promise<void>;
}

export interface ReadLayerOptions {
  readonly inspectors: readonly Inspector[];
  /**
   * For layers that arrive uncompressed and have no descriptor to keep; absent: they stay as they are. What arrives compressed is published byte
   * for byte.
   */
  readonly compressor?: Compressor | undefined;
  /**
   * A blob that the registry has, proven to unpack to `diffId` of the layer and compressed as the compressor does it. It is published where the layer
   * arrives uncompressed: then nothing is compressed, and the sink gets nothing.
   */
  readonly reuse?: PublishedBytes;
  /** Absent: layers are hashed on the thread that reads them. */
  readonly hashes?: HashThread;
  /** Made for this attempt alone. Absent: the bytes are hashed only. */
  readonly sink?: LayerSink;
  readonly limits?: LayerLimits;
  /** One for all layers of an image. */
  readonly budget?: EntryBudget;
}

/** What one reading of a layer gave. */
export type LayerResult = TarLayerResult | BlobResult;

export interface PublishedBytes {
  readonly digest: Digest;
  readonly sizeBytes: number;
}

export interface TarLayerResult extends TarLayerFacts {
  readonly observations: readonly Observation[];
  readonly tree: LayerTree;
}

/** What is known of a layer that was read, without what is in it. */
export type LayerFacts = TarLayerFacts | BlobResult;

export interface TarLayerFacts extends PublishedBytes {
  readonly kind: 'layer';
  /** Digest of the tar (image-spec config.md, "Layer DiffID"). */
  readonly diffId: Digest;
  /** Of what is published. */
  readonly compression: LayerFormat | 'none';
  readonly uncompressedSizeBytes: number;
}

/** Content of an attestation: hashed and published as it is, not looked into. */
interface BlobResult extends PublishedBytes {
  readonly kind: 'blob';
}

/**
 * The one read of a layer: hash, inflate, hash, inspect, compress, publish. Each chunk is awaited by every consumer before the next is
 * taken, so the slowest sets the pace, and all state is made anew, so that a retry is simply another call. Rejects with a StepError of
 * origin `source` for a layer that is refused, `us` for an inspector that failed; and with whatever `content` or the sink rejects with.
 */
export async function readLayer(layer: SourceLayer, content: AsyncIterable<Uint8Array>, options: ReadLayerOptions): Promise<LayerResult> {
  const published = new PublishedHash(options);
  if (layer.kind === 'blob') {
    for await (const chunk of content) await published.write(toBuffer(chunk));
    return { kind: 'blob', ...(await published.end()) };
  }
  const reading = new TarReading(layer.key, options);
  let route: Route | undefined;
  try {
    let head = Buffer.alloc(0);
    for await (const chunk of content) {
      if (route !== undefined) {
        await route.write(toBuffer(chunk));
        continue;
      }
      head = Buffer.concat([head, chunk]);
      if (head.length < magicBytes) continue;
      route = await openRoute(layer, head, options, reading, published);
      await route.write(head);
    }
    if (route === undefined) {
      route = await openRoute(layer, head, options, reading, published);
      await route.write(head);
    }
    const diffId = await route.end();
    const read = reading.end();
    if (route.reused !== undefined && diffId !== layer.diffId) throw unlike(layer, diffId);
    return { kind: 'layer', ...(route.reused ?? (await published.end())), diffId, compression: route.compression, ...read };
  } catch (error) {
    reading.discard();
    throw error;
  } finally {
    route?.destroy();
  }
}

/** The way of a layer's bytes to the tar reader and to what is published. */
interface Route {
  readonly compression: LayerFormat | 'none';
  /** What is published instead of the bytes that go this way. */
  readonly reused?: PublishedBytes;
  write(bytes: Buffer): Promise<void>;
  /** Gives the diff id. */
  end(): Promise<Digest>;
  destroy(): void;
}

async function openRoute(
  layer: SourceLayer,
  head: Buffer,
  options: ReadLayerOptions,
  reading: TarReading,
  published: PublishedHash,
): Promise<Route> {
  const found = detectCompression(head);
  if (found === 'gzip' || found === 'zstd') return inflatingRoute(layer.key, found, options, reading, published);
  if (found !== 'none') throw layerRefusal(layer.key, 'unsupported', 0, `${found} compression is not read`);
  if (layer.descriptor !== undefined) return keepingRoute(reading, published);
  const { compressor, reuse } = options;
  const hash = options.hashes?.begin() ?? hashHere();
  if (reuse !== undefined) return reusingRoute(reading, hash, reuse, compressor?.compression ?? 'none');
  return compressor === undefined ? keepingRoute(reading, published) : compressingRoute(compressor, reading, hash, published);
}

async function inflatingRoute(
  layer: string,
  format: LayerFormat,
  options: ReadLayerOptions,
  reading: TarReading,
  published: PublishedHash,
): Promise<Route> {
  const hash = createHash('sha256');
  const use = (bytes: Buffer): void => {
    hash.update(bytes);
    reading.write(bytes);
  };
  const inflater = await openInflater(layer, format, use, options.limits ?? defaultLayerLimits);
  return {
    compression: format,
    async write(bytes) {
      await Promise.all([inflater.write(bytes), published.write(bytes)]);
    },
    async end() {
      await inflater.end();
      return `sha256:${hash.digest('hex')}`;
    },
    destroy: () => inflater.destroy(),
  };
}

function compressingRoute(compressor: Compressor, reading: TarReading, hash: LayerHash, published: PublishedHash): Route {
  const writer = compressor.begin((bytes) => published.write(bytes));
  return {
    compression: compressor.compression,
    async write(bytes) {
      reading.write(bytes);
      await Promise.all([hash.update(bytes), writer.write(bytes)]);
    },
    async end() {
      await writer.end();
      return hash.end();
    },
    destroy: () => writer.discard(),
  };
}

/** What is published is the tar itself, and has its digest. */
function keepingRoute(reading: TarReading, published: PublishedHash): Route {
  return {
    compression: 'none',
    async write(bytes) {
      reading.write(bytes);
      await published.write(bytes);
    },
    end: async () => (await published.end()).digest,
    destroy() {},
  };
}

function reusingRoute(reading: TarReading, hash: LayerHash, reused: PublishedBytes, compression: Route['compression']): Route {
  return {
    compression,
    reused,
    async write(bytes) {
      reading.write(bytes);
      await hash.update(bytes);
    },
    end: () => hash.end(),
    destroy() {},
  };
}

/** Reads the tar: its tree, its observations. */
class TarReading {
  readonly #recorder: LayerTreeRecorder;
  readonly #inspections: LayerInspections;
  readonly #reader: TarReader;
  #sizeBytes = 0;

  constructor(layer: string, options: ReadLayerOptions) {
    const recorder = new LayerTreeRecorder(layer, options.budget ?? entryBudget());
    const inspections = new LayerInspections(layer, options.inspectors);
    const sink = {
      entry: (entry: LayerEntry) => entry.path !== '' && inspections.entry(entry, recorder.add(entry)),
      content: (part: Buffer, last: boolean) => inspections.content(part, last),
    };
    this.#recorder = recorder;
    this.#inspections = inspections;
    this.#reader = new TarReader(layer, sink, options.limits ?? defaultLayerLimits);
  }

  write(bytes: Buffer): void {
    this.#sizeBytes += bytes.length;
    this.#reader.write(bytes);
  }

  end(): Pick<TarLayerResult, 'uncompressedSizeBytes' | 'observations' | 'tree'> {
    this.#reader.end();
    return {
      uncompressedSizeBytes: this.#sizeBytes,
      observations: this.#inspections.end(),
      tree: this.#recorder.finish(),
    };
  }

  discard(): void {
    this.#recorder.discard();
  }
}

/** Hashes what is published on its way to the sink. */
class PublishedHash {
  readonly #sink: LayerSink | undefined;
  readonly #hash: LayerHash;
  #sizeBytes = 0;
  #digest: Promise<Digest> | undefined;

  constructor({ sink, hashes }: ReadLayerOptions) {
    this.#sink = sink;
    this.#hash = hashes?.begin() ?? hashHere();
  }

  async write(bytes: Buffer): Promise<void> {
    this.#sizeBytes += bytes.length;
    await Promise.all([this.#hash.update(bytes), this.#sink?.write(bytes)]);
  }

  async end(): Promise<PublishedBytes> {
    this.#digest ??= this.#hash.end();
    return { digest: await this.#digest, sizeBytes: this.#sizeBytes };
  }
}

function unlike({ key, diffId }: SourceLayer, found: Digest) {
  return layerRefusal(key, 'mismatch', 0, `it unpacks to ${found}, and was said to unpack to ${diffId}`);
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
