import { createGunzip, type Gunzip } from 'node:zlib';
import type { LayerLimits } from './limits.ts';
import { layerRefusal } from './refusal.ts';

/**
 * Inflates a gzip file of one or more members, as Go's compress/gzip reads it: each checked by its CRC and length, and nothing behind the
 * last. What comes out is handed over synchronously, so that a write is done when its output is used up.
 */
export class Inflater {
  readonly #layer: string;
  readonly #limits: LayerLimits;
  readonly #gunzip: Gunzip;
  #failure: unknown;
  #fail: (error: unknown) => void = () => {};
  #inputBytes = 0;
  #outputBytes = 0;

  constructor(layer: string, use: (bytes: Buffer) => void, limits: LayerLimits) {
    this.#layer = layer;
    this.#limits = limits;
    this.#gunzip = createGunzip({ chunkSize: outputBytes });
    this.#gunzip.on('data', (bytes: Buffer) => {
      if (this.#failure !== undefined) return;
      try {
        this.#count(bytes.length);
        use(bytes);
      } catch (error) {
        this.#stop(error);
      }
    });
    this.#gunzip.on('error', (cause) => this.#stop(this.#damaged(`the gzip data is damaged or cut (${cause.message})`)));
  }

  /** Resolves when everything that `bytes` inflate to has been used; rejects with what `use` threw. */
  async write(bytes: Buffer): Promise<void> {
    this.#inputBytes += bytes.length;
    await this.#settled((done) => this.#gunzip.write(bytes, done));
    if (this.#gunzip.bytesWritten !== this.#inputBytes) this.#refuseTail();
  }

  /** After the last bytes: rejects where the last member is cut. */
  async end(): Promise<void> {
    await this.#settled((done) => {
      this.#gunzip.once('end', done);
      this.#gunzip.end();
    });
    if (this.#gunzip.bytesWritten !== this.#inputBytes) this.#refuseTail();
  }

  /** Frees what zlib holds; the inflater is of no use afterwards. */
  destroy(): void {
    this.#gunzip.destroy();
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

  #refuseTail(): never {
    throw this.#damaged('other bytes follow the gzip data');
  }

  #damaged(rule: string): Error {
    return layerRefusal(this.#layer, 'malformed-gzip', this.#gunzip.bytesWritten, rule);
  }

  #stop(error: unknown): void {
    this.#failure ??= error;
    this.#gunzip.destroy();
    this.#fail(this.#failure);
  }
}

const outputBytes = 256 * 1024;
