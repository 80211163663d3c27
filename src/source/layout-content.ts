import { createHash } from 'node:crypto';
import { toHex } from '../model/digest.ts';
import type { Descriptor } from '../model/image.ts';
import type { SourceLayer } from '../model/source.ts';
import type { ArchiveDocuments } from './archive.ts';
import { configMaxBytes, manifestMaxBytes } from './document.ts';
import type { OciContent } from './oci-content.ts';
import { hints, type SourceFailure } from './source-error.ts';

/** The name of a layer in its archive: layers of a kept manifest have their digest as key, those of docker save their name. */
export function toLayerPath({ key, descriptor }: SourceLayer): string {
  return descriptor === undefined ? key : toBlobPath(descriptor);
}

/** The name of a blob in a layout: https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md#blobs */
function toBlobPath({ digest }: Pick<Descriptor, 'digest'>): string {
  return `blobs/sha256/${toHex(digest)}`;
}

/** The content of an OCI layout, in a folder or an archive. */
export class LayoutContent implements OciContent {
  readonly #files: ArchiveDocuments;
  readonly #fail: SourceFailure;

  constructor(files: ArchiveDocuments, fail: SourceFailure) {
    this.#files = files;
    this.#fail = fail;
  }

  async findManifest(descriptor: Descriptor): Promise<Buffer | undefined> {
    const found = await this.#files.find(toBlobPath(descriptor));
    return found === undefined ? undefined : await this.#read(descriptor, manifestMaxBytes);
  }

  async readConfig(descriptor: Descriptor): Promise<Buffer> {
    return await this.#read(descriptor, configMaxBytes);
  }

  async hasBlob(descriptor: Descriptor): Promise<boolean> {
    return (await this.#files.find(toBlobPath(descriptor))) !== undefined;
  }

  async verifyBlobs(descriptors: readonly Descriptor[]): Promise<void> {
    const problems: string[] = [];
    for (const { digest, size } of descriptors) {
      const found = await this.#files.find(toBlobPath({ digest }));
      if (found?.sizeBytes !== size) {
        problems.push(
          found === undefined ? `the blob ${digest} is missing` : `the blob ${digest} has ${found.sizeBytes} of its ${size} bytes`,
        );
      }
    }
    const [first] = problems;
    if (first !== undefined) {
      const others =
        problems.length === 1 ? '' : `, and ${problems.length - 1} more ${problems.length === 2 ? 'is' : 'are'} missing or cut`;
      throw this.#fail('source-incomplete', `${first}${others}`, hints.writeAgain);
    }
  }

  async #read(descriptor: Descriptor, maxBytes: number): Promise<Buffer> {
    const bytes = await this.#files.read(toBlobPath(descriptor), maxBytes);
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    if (digest !== descriptor.digest || bytes.length !== descriptor.size) {
      throw this.#fail(
        'source-damaged',
        `the blob ${descriptor.digest} of ${descriptor.size} bytes has in truth ${bytes.length} bytes and the digest ${digest}`,
        hints.writeAgain,
      );
    }
    return bytes;
  }
}
