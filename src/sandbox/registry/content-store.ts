import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ContentDigest } from './content-digest.ts';

/** A manifest as it was pushed. */
export interface StoredManifest {
  readonly digest: ContentDigest;
  readonly mediaType: string;
  readonly bytes: Buffer;
  /** Parsed once when it was pushed. */
  readonly subject: string | undefined;
  readonly artifactType: string | undefined;
  readonly annotations: Readonly<Record<string, string>> | undefined;
}

interface Repository {
  readonly manifests: Map<string, StoredManifest>;
  readonly tags: Map<string, string>;
  readonly blobs: Set<string>;
}

/** What the registry holds: blobs as files of `folder`, named by digest and shared by its repositories; manifests and tags in memory. */
export class ContentStore {
  readonly #folder: string;
  readonly #repositories = new Map<string, Repository>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Names of the repositories that hold anything, in ASCII order. */
  repositories(): readonly string[] {
    return [...this.#repositories]
      .filter(([, held]) => held.blobs.size + held.manifests.size > 0)
      .map(([name]) => name)
      .sort();
  }

  has(repository: string): boolean {
    return this.#repositories.has(repository);
  }

  /** Tags with the digests that they name, in ASCII order. */
  tags(repository: string): readonly (readonly [string, string])[] {
    return [...(this.#repositories.get(repository)?.tags ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  manifests(repository: string): readonly StoredManifest[] {
    return [...(this.#repositories.get(repository)?.manifests.values() ?? [])];
  }

  manifest(repository: string, digest: string): StoredManifest | undefined {
    return this.#repositories.get(repository)?.manifests.get(digest);
  }

  tagged(repository: string, tag: string): StoredManifest | undefined {
    const digest = this.#repositories.get(repository)?.tags.get(tag);
    return digest === undefined ? undefined : this.manifest(repository, digest);
  }

  putManifest(repository: string, manifest: StoredManifest, tags: readonly string[]): void {
    const held = this.#open(repository);
    held.manifests.set(manifest.digest.text, manifest);
    for (const tag of tags) {
      held.tags.set(tag, manifest.digest.text);
    }
  }

  /** Deletes a manifest and the tags that name it; false where there is none. */
  deleteManifest(repository: string, digest: string): boolean {
    const held = this.#repositories.get(repository);
    if (!held?.manifests.delete(digest)) {
      return false;
    }
    for (const [tag, named] of held.tags) {
      if (named === digest) {
        held.tags.delete(tag);
      }
    }
    return true;
  }

  deleteTag(repository: string, tag: string): boolean {
    return this.#repositories.get(repository)?.tags.delete(tag) ?? false;
  }

  hasBlob(repository: string, digest: ContentDigest): boolean {
    return this.#repositories.get(repository)?.blobs.has(digest.text) ?? false;
  }

  /** File and size of a blob that the repository has. */
  async blob(repository: string, digest: ContentDigest): Promise<{ readonly file: string; readonly sizeBytes: number } | undefined> {
    if (!this.hasBlob(repository, digest)) {
      return undefined;
    }
    const file = this.#blobFile(digest);
    return { file, sizeBytes: (await stat(file)).size };
  }

  /** Makes `file`, whose bytes have been held against `digest`, a blob of the repository. */
  async adoptBlob(repository: string, digest: ContentDigest, file: string): Promise<void> {
    const target = this.#blobFile(digest);
    await mkdir(dirname(target), { recursive: true });
    await rename(file, target);
    this.linkBlob(repository, digest);
  }

  linkBlob(repository: string, digest: ContentDigest): void {
    this.#open(repository).blobs.add(digest.text);
  }

  /** Takes a blob out of the repository, and its file away with the last one that has it; false where it is not there. */
  async deleteBlob(repository: string, digest: ContentDigest): Promise<boolean> {
    if (!this.#repositories.get(repository)?.blobs.delete(digest.text)) {
      return false;
    }
    if (![...this.#repositories.values()].some((held) => held.blobs.has(digest.text))) {
      await rm(this.#blobFile(digest), { force: true });
    }
    return true;
  }

  #open(repository: string): Repository {
    const held = this.#repositories.get(repository) ?? { manifests: new Map(), tags: new Map(), blobs: new Set() };
    this.#repositories.set(repository, held);
    return held;
  }

  #blobFile(digest: ContentDigest): string {
    return join(this.#folder, 'blobs', digest.algorithm, digest.hex);
  }
}
