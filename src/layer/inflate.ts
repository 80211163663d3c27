import type { Duplex } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { createZstdDecoder } from '../lib/zstd.ts';
import { type ZstdFault, ZstdFrames } from '../lib/zstd-frames.ts';
import type { LayerLimits } from './limits.ts';
import { type LayerErrorCode, layerRefusal } from './refusal.ts';

/** What a layer is inflated from, byte for byte as it is published. */
export type LayerFormat = 'gzip' | 'zstd';

/**
 * Opens what inflates a gzip file of one or more members, as Go's compress/gzip reads it, or a zstd file of one or more frames: each checked by
 * what it has of checksums and lengths, and nothing behind the last. What comes out is handed to `use` synchronously, so that a write is done when
 * its output is used up.
 */
export async function openInflater(
  layer: string,
  format: LayerFormat,
  use: (bytes: Buffer) => void,
  limits: LayerLimits,
): Promise<Inflater> {
  return new Inflater(layer, format === 'gzip' ? gzipDecoder(layer) : await zstdDecoder(layer, limits), use, limits);
}

interface Decoder {
  readonly stream: Duplex;
  /** `bytes` as the stream can take them. */
  parts(bytes: Buffer): Iterable<Buffer>;
  /** Throws where what was written, `writtenBytes` in all, was not what the stream read. */
  verify(writtenBytes: number): void;
  end(): void;
  damaged(cause: Error, writtenBytes: number): Error;
}

function gzipDecoder(layer: string): Decoder {
  const stream = createGunzip({ chunkSize: outputBytes });
  const refuse = (rule: string) => layerRefusal(layer, 'malformed-gzip', stream.bytesWritten, rule);
  return {
    stream,
    parts: (bytes) => [bytes],
    verify(writtenBytes) {
      if (stream.bytesWritten !== writtenBytes) throw refuse('other bytes follow the gzip data');
    },
    end() {},
    damaged: (cause) => refuse(`the gzip data is damaged or cut (${cause.message})`),
  };
}

async function zstdDecoder(layer: string, { maxWindowBytes }: LayerLimits): Promise<Decoder> {
  let takenBytes = 0;
  const frames = new ZstdFrames(maxWindowBytes, (fault, rule) => {
    throw layerRefusal(layer, zstdCodes[fault], takenBytes, rule);
  });
  return {
    stream: await createZstdDecoder(),
    *parts(bytes) {
      for (const part of frames.parts(bytes)) {
        takenBytes += part.length;
        yield part;
      }
    },
    verify() {},
    end: () => frames.end(),
    damaged: (cause, writtenBytes) => layerRefusal(layer, 'malformed-zstd', writtenBytes, `the zstd data is damaged (${cause.message})`),
  };
}

const zstdCodes: Readonly<Record<ZstdFault, LayerErrorCode>> = { malformed: 'malformed-zstd', unsupported: 'unsupported', limit: 'limit' };

class Inflater {
  readonly #layer: string;
  readonly #limits: LayerLimits;
  readonly #decoder: Decoder;
  #failure: unknown;
  #fail: (error: unknown) => void = () => {};
  #inputBytes = 0;
  #outputBytes = 0;

  constructor(layer: string, decoder: Decoder, use: (bytes: Buffer) => void, limits: LayerLimits) {
    this.#layer = layer;
    this.#limits = limits;
    this.#decoder = decoder;
    decoder.stream.on('data', (bytes: Buffer) => {
      if (this.#failure !== undefined) return;
      try {
        this.#count(bytes.length);
        use(bytes);
      } catch (error) {
        this.#stop(error);
      }
    });
    decoder.stream.on('error', (cause) => this.#stop(decoder.damaged(cause, this.#inputBytes)));
  }

  /** Resolves when everything that `bytes` inflate to has been used; rejects with what `use` threw. */
  async write(bytes: Buffer): Promise<void> {
    for (const part of this.#decoder.parts(bytes)) {
      this.#inputBytes += part.length;
      await this.#settled((done) => this.#decoder.stream.write(part, done));
      this.#decoder.verify(this.#inputBytes);
    }
  }

  /** After the last bytes: rejects where the last member or frame is cut. */
  async end(): Promise<void> {
    this.#decoder.end();
    await this.#settled((done) => {
      this.#decoder.stream.once('end', done);
      this.#decoder.stream.end();
    });
    this.#decoder.verify(this.#inputBytes);
  }

  /** Frees what the decoder holds; the inflater is of no use afterwards. */
  destroy(): void {
    this.#decoder.stream.destroy();
  }

  #settled(start: (done: () => void) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#fail = reject;
      if (this.#failure !== undefined) reject(this.#failure);
      else start(() => (this.#failure === undefined ? resolve() : reject(this.#failure)));
    });
  }

  #count(bytes: number): void {
    const { maxInflatedBytes, maxInflationRatio, ratioFreeBytes } = this.#limits;
    this.#outputBytes += bytes;
    const ratio = this.#outputBytes / this.#inputBytes;
    if (this.#outputBytes > maxInflatedBytes) this.#refuseBomb(`the layer inflates to more than ${maxInflatedBytes} bytes`);
    if (this.#outputBytes > ratioFreeBytes && ratio > maxInflationRatio) {
      this.#refuseBomb(`the layer inflates to more than ${maxInflationRatio} times its size`);
    }
  }

  #refuseBomb(rule: string): never {
    throw layerRefusal(this.#layer, 'limit', this.#inputBytes, rule);
  }

  #stop(error: unknown): void {
    this.#failure ??= error;
    this.#decoder.stream.destroy();
    this.#fail(this.#failure);
  }
}

const outputBytes = 1024 * 1024;
