import { readWhole } from '../lib/http-client.ts';
import type { Descriptor } from '../model/image.ts';
import { isRegistryError } from '../registry/registry-error.ts';
import type { Repository } from '../registry/repository.ts';
import { configMaxBytes } from './document.ts';
import type { OciContent } from './oci-content.ts';
import { hints, type SourceFailure } from './source-error.ts';

/** An image that a tag or digest names in a registry. */
export interface RemoteImage {
  readonly descriptor: Descriptor;
  readonly bytes: Buffer;
}

/** Looks up what a tag names now, or a digest; throws `source-not-found` where the repository does not have it. */
export async function fetchRemoteImage(repository: Repository, tagOrDigest: string, fail: SourceFailure): Promise<RemoteImage> {
  try {
    const { descriptor, bytes } = await repository.fetchManifest(tagOrDigest);
    return { descriptor, bytes };
  } catch (error) {
    if (!isRegistryError(error, 'not-found')) {
      throw error;
    }
    const hint = 'Check the name of repository, tag or digest, and that it has been pushed.';
    throw fail('source-not-found', `${repository.name} has no ${tagOrDigest}`, hint, error);
  }
}

/** The content of an image in a repository of a registry, everything by digest. */
export class RegistryContent implements OciContent {
  readonly #repository: Repository;
  readonly #root: RemoteImage;
  readonly #fail: SourceFailure;

  constructor(repository: Repository, root: RemoteImage, fail: SourceFailure) {
    this.#repository = repository;
    this.#root = root;
    this.#fail = fail;
  }

  async findManifest(descriptor: Descriptor): Promise<Buffer | undefined> {
    if (descriptor.digest === this.#root.descriptor.digest) {
      return this.#root.bytes;
    }
    try {
      const { bytes } = await this.#repository.fetchManifest(descriptor.digest);
      this.#verifySize(descriptor, bytes);
      return bytes;
    } catch (error) {
      if (isRegistryError(error, 'not-found')) {
        return undefined;
      }
      throw error;
    }
  }

  async readConfig(descriptor: Descriptor): Promise<Buffer> {
    if (descriptor.size > configMaxBytes) {
      throw this.#fail('source-damaged', `the configuration ${descriptor.digest} is larger than ${configMaxBytes} bytes`, hints.writeAgain);
    }
    return await this.#repository.fetchBlob(descriptor, readWhole);
  }

  async hasBlob({ digest }: Descriptor): Promise<boolean> {
    return (await this.#repository.headBlob(digest, 'pull')) !== undefined;
  }

  /** A registry has verified it when it took the manifest; what it has lost since is told by the read itself, at no cost for all others. */
  async verifyBlobs(): Promise<void> {}

  #verifySize({ digest, size }: Descriptor, bytes: Buffer): void {
    if (bytes.length !== size) {
      throw this.#fail('source-damaged', `the manifest ${digest} of ${size} bytes has in truth ${bytes.length}`, hints.writeAgain);
    }
  }
}
