import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { ContentDigest } from './content-digest.ts';
import { RegistryError } from './registry-error.ts';

/** One blob upload that is under way: its bytes go to a file as they arrive. */
export class UploadSession {
  readonly id: string;
  readonly repository: string;
  /** Critical parameter of the upload's Location; a client has to keep it. */
  readonly state: string;
  readonly file: string;
  readonly #handle: FileHandle;
  readonly #sha256 = createHash('sha256');
  #sizeBytes = 0;
  #busy = false;
  #closed = false;

  private constructor(id: string, repository: string, state: string, file: string, handle: FileHandle) {
    this.id = id;
    this.repository = repository;
    this.state = state;
    this.file = file;
    this.#handle = handle;
  }

  static async begin(folder: string, id: string, repository: string, state: string): Promise<UploadSession> {
    await mkdir(join(folder, 'uploads'), { recursive: true });
    const file = join(folder, 'uploads', id);
    return new UploadSession(id, repository, state, file, await open(file, 'wx'));
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Appends a request's bytes as they come. What arrived before a lost connection stays, as in a real registry. */
  async append(bytes: AsyncIterable<Uint8Array>): Promise<void> {
    if (this.#busy) {
      throw new RegistryError(400, 'BLOB_UPLOAD_INVALID', 'another request is writing to this upload');
    }
    this.#busy = true;
    try {
      for await (const chunk of bytes) {
        if (this.#closed) {
          throw new RegistryError(404, 'BLOB_UPLOAD_UNKNOWN', 'upload was given up');
        }
        await this.#handle.writeFile(chunk);
        this.#sha256.update(chunk);
        this.#sizeBytes += chunk.length;
      }
    } finally {
      this.#busy = false;
    }
  }

  /** Ends the upload; throws DIGEST_INVALID, and forgets the bytes, where they are not those of `digest`. */
  async finish(digest: ContentDigest): Promise<void> {
    await this.#close();
    if ((await this.#hash(digest)) !== digest.hex) {
      await rm(this.file, { force: true });
      throw new RegistryError(400, 'DIGEST_INVALID', 'provided digest did not match uploaded content');
    }
  }

  async cancel(): Promise<void> {
    await this.#close();
    await rm(this.file, { force: true });
  }

  async #close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      await this.#handle.close();
    }
  }

  async #hash(digest: ContentDigest): Promise<string> {
    if (digest.algorithm === 'sha256') {
      return this.#sha256.digest('hex');
    }
    const hash = createHash(digest.algorithm);
    await pipeline(createReadStream(this.file), hash);
    return hash.digest('hex');
  }
}
