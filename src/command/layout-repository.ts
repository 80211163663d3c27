import { type Digest, toHex } from '../model/digest.ts';
import { type Descriptor, mediaTypes } from '../model/image.ts';
import { digestOf } from '../registry/artifact.ts';
import { maxManifestBytes, readManifest } from '../registry/manifest.ts';
import type { FetchedManifest } from '../registry/manifest-exchange.ts';
import type { ReferrerFilter } from '../registry/referrers.ts';
import { toReferrersTag } from '../registry/referrers-tag.ts';
import { isRegistryError, RegistryError, type RegistryErrorCode } from '../registry/registry-error.ts';
import type { Archive } from '../source/archive.ts';
import { findLocation, readCompression } from '../source/find-source.ts';
import { LayoutFolder } from '../source/layout-folder.ts';
import { parseLayoutIndex } from '../source/oci-document.ts';
import { readLayoutRoot } from '../source/oci-layout.ts';
import { failureOf, type SourceFailure } from '../source/source-error.ts';
import { openTarFile } from '../source/tar-file.ts';
import type { ReadableRepository } from './attached-document.ts';

/** An image of an OCI layout, with what refers to it there. */
export interface LayoutImage {
  readonly repository: ReadableRepository;
  readonly digest: Digest;
  close(): Promise<void>;
}

/** An input may name a folder or an archive; a file of the deployment has to name a registry. */
export function isLayout(text: string): boolean {
  return /^oci(?:-archive)?:/.test(text);
}

/** Blobs are whole in memory: none that is asked for is larger. */
const maxBlobBytes = 256 * 1024 * 1024;

/**
 * Opens `oci:DIR[:TAG]` or `oci-archive:FILE[:TAG]`, with what `oras copy --recursive` and `cosign save` put beside an image: manifests whose subject it is, and tags after its digest. Rejects with a
 * StepError where there is no such layout or image.
 */
export async function openLayoutImage(text: string, workspace: string): Promise<LayoutImage> {
  const fail = failureOf(text);
  const { path, tag } = await findLocation(text.slice(text.indexOf(':') + 1), workspace, fail);
  const files = text.startsWith('oci:') ? new LayoutFolder(path, fail) : await openArchive(path, fail);
  try {
    const root = await readLayoutRoot(files, tag, fail);
    const listed = parseLayoutIndex(await files.read('index.json', maxManifestBytes), fail);
    return { repository: new LayoutRepository(text, files, listed), digest: root.digest, close: () => files.close() };
  } catch (error) {
    await files.close();
    throw error;
  }
}

/** What belongs to an image lies anywhere in an archive, which is read at several places: it cannot be compressed as a whole. */
async function openArchive(path: string, fail: SourceFailure): Promise<Archive> {
  const compression = await readCompression(path, fail);
  if (compression === 'none') return await openTarFile(path, fail);
  throw fail('source-unsupported', `it is compressed with ${compression}`, 'Decompress it first.');
}

/** What `cosign save` says of an entry in its annotation `kind`. */
const cosignKind = 'dev.cosignproject.cosign/';

class LayoutRepository implements ReadableRepository {
  readonly name: string;
  readonly #files: Archive;
  readonly #listed: readonly Descriptor[];

  constructor(name: string, files: Archive, listed: readonly Descriptor[]) {
    this.name = name;
    this.#files = files;
    this.#listed = listed;
  }

  async fetchManifest(digest: string): Promise<FetchedManifest> {
    const bytes = await this.#read(digest as Digest, maxManifestBytes);
    const mediaType = this.#listed.find((descriptor) => descriptor.digest === digest)?.mediaType;
    const manifest = readManifest(bytes, `${digest} of ${this.name}`, mediaType);
    return { manifest, bytes, descriptor: { mediaType: manifest.mediaType, digest: digest as Digest, size: bytes.length } };
  }

  async fetchBlob<T>(
    { digest, size }: Pick<Descriptor, 'digest' | 'size'>,
    consume: (content: AsyncIterable<Buffer>) => Promise<T>,
  ): Promise<T> {
    const bytes = await this.#read(digest, Math.min(size, maxBlobBytes));
    if (bytes.length !== size) throw this.#fail('digest-mismatch', digest, `it has ${bytes.length} bytes and is named with ${size}`);
    return await consume(one(bytes));
  }

  async findReferrers(subject: Digest, { artifactType, isWanted = () => true }: ReferrerFilter): Promise<readonly Descriptor[]> {
    const found = new Map<Digest, Descriptor>();
    for (const descriptor of [...this.#listed, ...(await this.#listTagged(subject)), ...(await this.#listUnnamed())]) {
      if (descriptor.mediaType !== mediaTypes.ociManifest) continue;
      const { manifest, descriptor: own } = await this.fetchManifest(descriptor.digest);
      if (manifest.kind !== 'image' || manifest.subject?.digest !== subject) continue;
      const { artifactType: type = manifest.config.mediaType, annotations } = manifest;
      const referrer = { ...own, artifactType: type, annotations };
      if ((artifactType === undefined || type === artifactType) && isWanted(referrer)) found.set(own.digest, referrer);
    }
    return [...found.values()];
  }

  async listTaggedLayers(tag: string): Promise<readonly Descriptor[]> {
    const descriptor = this.#findTag(tag) ?? this.#findKind(tag.endsWith('.sig') ? 'sigs' : 'atts');
    if (descriptor === undefined) return [];
    const { manifest } = await this.fetchManifest(descriptor.digest);
    return manifest.kind === 'image' ? manifest.layers : [];
  }

  /** The index at the tag of the referrers tag schema. */
  async #listTagged(subject: Digest): Promise<readonly Descriptor[]> {
    const descriptor = this.#findTag(toReferrersTag(subject));
    if (descriptor === undefined) return [];
    const { manifest } = await this.fetchManifest(descriptor.digest);
    return manifest.kind === 'index' ? manifest.manifests : [];
  }

  /** `cosign save` of cosign 3 names the image alone, and leaves what refers to it among the blobs. */
  async #listUnnamed(): Promise<readonly Descriptor[]> {
    if (!this.#listed.some(({ annotations }) => annotations?.kind?.startsWith(cosignKind))) return [];
    const found: Descriptor[] = [];
    for (const name of await this.#files.list('blobs/sha256')) {
      const file = await this.#files.find(`blobs/sha256/${name}`);
      if (!/^[0-9a-f]{64}$/.test(name) || file === undefined || file.sizeBytes > maxManifestBytes) continue;
      const digest: Digest = `sha256:${name}`;
      if (await this.#isManifest(digest)) found.push({ mediaType: mediaTypes.ociManifest, digest, size: file.sizeBytes });
    }
    return found;
  }

  async #isManifest(digest: Digest): Promise<boolean> {
    try {
      return (await this.fetchManifest(digest)).manifest.kind === 'image';
    } catch (error) {
      if (isRegistryError(error, 'manifest-invalid', 'digest-mismatch')) return false;
      throw error;
    }
  }

  #findKind(kind: string): Descriptor | undefined {
    return this.#listed.find(({ annotations }) => annotations?.kind === `${cosignKind}${kind}`);
  }

  #findTag(tag: string): Descriptor | undefined {
    return this.#listed.find(({ annotations }) => {
      const name = annotations?.['org.opencontainers.image.ref.name'];
      return name === tag || name?.endsWith(`:${tag}`) === true;
    });
  }

  async #read(digest: Digest, maxBytes: number): Promise<Buffer> {
    const path = `blobs/sha256/${toHex(digest)}`;
    if ((await this.#files.find(path)) === undefined) throw this.#fail('not-found', digest, 'the layout does not have it');
    const bytes = await this.#files.read(path, maxBytes);
    if (digestOf(bytes) !== digest) throw this.#fail('digest-mismatch', digest, 'its bytes are others');
    return bytes;
  }

  #fail(code: RegistryErrorCode, digest: Digest, reason: string): RegistryError {
    const message = `cannot read ${digest} of ${this.name}: ${reason}`;
    return new RegistryError({ code, message, hint: 'Copy the image and what refers to it again (oras copy --recursive, cosign save).' });
  }
}

async function* one(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}
