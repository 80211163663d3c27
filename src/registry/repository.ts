import type { HttpClient } from '../lib/http.ts';
import type { Digest } from '../model/digest.ts';
import type { Descriptor } from '../model/image.ts';
import { type Artifact, type ArtifactLayer, digestOf } from './artifact.ts';
import { attachReferrers, type ChangeIndex, deleteReferrers, putMissing, type ReferrersMode, verifyReferrersApi } from './attachment.ts';
import { headBlob } from './blob.ts';
import { type BlobCheck, fetchBlob } from './blob-download.ts';
import type { BlobProducer } from './body-source.ts';
import type { RegistryCredential } from './credential.ts';
import { type FetchedManifest, fetchManifest, headManifest, putManifest, putTag } from './manifest-exchange.ts';
import { mountBlob } from './mount.ts';
import { pushBlob } from './push-blob.ts';
import { type Reference, toRegistryAddress } from './reference.ts';
import { findReferrers, hasReferrersApi, type ReferrerFilter } from './referrers.ts';
import { type ReferrerChange, toReferrersContent, toReferrersTag } from './referrers-tag.ts';
import { Session } from './session.ts';
import { SharedTag } from './shared-tag.ts';
import { type LayerChange, listTaggedLayers, toLayersContent } from './tagged-layers.ts';
import { listTags } from './tags.ts';
import { beginUpload, probeUpload, type Upload } from './upload.ts';

export interface RepositoryOptions {
  readonly http: HttpClient;
  readonly credential: RegistryCredential;
  readonly now: () => Date;
  /** 0 up to 1. */
  readonly random: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  /** Registries (host and port) that may be spoken to over http; this machine always may. */
  readonly insecureRegistries?: readonly string[];
  /** Hosts besides the known ones that issue the registry's tokens. */
  readonly tokenHosts?: readonly string[];
  /** Where what is attached is to be found. Default `auto`. */
  readonly referrers?: ReferrersMode;
  /** For who only reads: where the credential is refused, or cannot be had, it is tried without; told why, where that is what works. */
  readonly onAnonymous?: (reason: string) => void;
  readonly signal?: AbortSignal;
}

/** One repository of a registry. Every method rejects with a RegistryError. */
export interface Repository {
  /** `registry/repository`. */
  readonly name: string;
  /** Host and port, as in references. */
  readonly registry: string;
  /** Without the registry. */
  readonly path: string;
  /** The same for look-ups that nothing depends on: each is tried once, and given up with `signal`. */
  spare(signal: AbortSignal): Repository;
  /** Bytes of content that were sent so far, again where they were repeated. */
  readonly sentBytes: number;
  /**
   * Begins an upload and gives it up: rejects with `unauthorized` or `forbidden` and the missing grant before any expensive work is done. False where the
   * registry does not let an upload be given up, and forgets it by itself one day.
   */
  checkPush(): Promise<boolean>;
  /** Size in bytes, undefined where the repository does not have the blob. */
  headBlob(digest: Digest, access?: 'pull' | 'push'): Promise<number | undefined>;
  beginUpload(): Promise<Upload>;
  /** Takes a blob over from another repository of the registry, by its path; false where the registry does not do that. */
  mountBlob(digest: Digest, from: string): Promise<boolean>;
  /** Pushes a blob of which digest and size are known: `produce` writes all of it, anew for each try. */
  pushBlob(blob: Pick<Descriptor, 'digest' | 'size'>, produce: BlobProducer): Promise<void>;
  /** Pushes a blob that is in memory, unless it is there. */
  putBlob(digest: Digest, bytes: Uint8Array): Promise<void>;
  /**
   * Gives a blob to `consume`, which is called once: a download that breaks off is continued. Who reads to the end has read the bytes of the
   * descriptor, else the iteration rejects before it ends; with `check: 'size'`, for who hashes them himself, only as many.
   */
  fetchBlob<T>(
    descriptor: Pick<Descriptor, 'digest' | 'size'>,
    consume: (content: AsyncIterable<Buffer>) => Promise<T>,
    check?: BlobCheck,
  ): Promise<T>;
  /** The digest and the media type's agreement are verified. */
  fetchManifest(tagOrDigest: string): Promise<FetchedManifest>;
  /** Digest that a tag has now, or a digest itself; undefined where it is not there. */
  headManifest(tagOrDigest: string): Promise<Digest | undefined>;
  /** Puts bytes at their digest, and reads back that they are there. */
  putManifest(mediaType: string, bytes: Uint8Array): Promise<Descriptor>;
  /**
   * Moves a tag to bytes that are already there by digest, and reads back that it is. With `expected` (a digest, or `absent`) it rejects with
   * `tag-moved` where someone else has moved it since.
   */
  putTag(tag: string, mediaType: string, bytes: Uint8Array, expected?: Digest | 'absent'): Promise<void>;
  /** Pushes an artifact that refers to its subject, by API or tag schema. Attaching the same again changes nothing. */
  attachReferrer(artifact: Artifact): Promise<Descriptor>;
  /** The same for many, in their order: an index at a referrers tag is written once for all of a subject. */
  attachReferrers(artifacts: readonly Artifact[]): Promise<readonly Descriptor[]>;
  /** Everything that refers to a digest. A list that cannot be had in full is an error. */
  listReferrers(subject: Digest, artifactType?: string): Promise<readonly Descriptor[]>;
  /** What refers to a digest and is wanted, each once; what is not is not kept, so that a flood of it costs no memory. A list that cannot be had in full is an error. */
  findReferrers(subject: Digest, filter: ReferrerFilter): Promise<readonly Descriptor[]>;
  /**
   * Deletes something that refers to a subject, and its entry at the referrers tag; what is gone already is no error. Rejects with `referrer-foreign` where it refers
   * to something else: then nothing is deleted.
   */
  deleteReferrer(subject: Digest, referrer: Digest): Promise<void>;
  /** The same for many of one subject. */
  deleteReferrers(subject: Digest, referrers: readonly Digest[]): Promise<void>;
  /** Whether the registry lists what refers to a digest by itself; else that is kept at a tag. */
  hasReferrersApi(subject: Digest): Promise<boolean>;
  /** Rejects with `referrers-api-missing` where that is wanted in the way of the API alone, and a manifest of the repository shows that there is none. */
  checkReferrers(subject: Digest): Promise<void>;
  /** Adds a layer, whose bytes are pushed where they are not there, to the image at a tag of signatures, and makes it where there is none. Adding the same again changes nothing. */
  upsertTaggedLayer(tag: string, layer: ArtifactLayer): Promise<void>;
  /** The same for many: the tag is written once. */
  upsertTaggedLayers(tag: string, layers: readonly ArtifactLayer[]): Promise<void>;
  /** Takes layers out of the image at such a tag; their bytes are the registry's to forget. What is not there is no error. */
  removeTaggedLayers(tag: string, digests: readonly Digest[]): Promise<void>;
  /** The layers of the image at such a tag; none where it is not there. */
  listTaggedLayers(tag: string): Promise<readonly Descriptor[]>;
  /** At least the first of the repository's tags, in the registry's order; empty where there is no such repository. */
  listTags(): Promise<readonly string[]>;
}

/** Opens a repository; nothing is sent yet. Throws where the credential must not go to that registry. */
export function openRepository(reference: Pick<Reference, 'registry' | 'repository'>, options: RepositoryOptions): Repository {
  const { http, credential, now, random, sleep, insecureRegistries, tokenHosts, onAnonymous, signal, referrers } = options;
  const session = new Session({
    registry: toRegistryAddress(reference.registry, insecureRegistries),
    repository: reference.repository,
    http,
    credential,
    retry: { now, random, sleep },
    ...(tokenHosts === undefined ? {} : { tokenHosts }),
    ...(onAnonymous === undefined ? {} : { onAnonymous }),
    ...(signal === undefined ? {} : { signal }),
  });
  return new RemoteRepository(session, referrers ?? 'auto');
}

class RemoteRepository implements Repository {
  readonly #session: Session;
  readonly #referrers: ReferrersMode;
  /** By tag, for who changes one tag twice at once would write over himself. */
  readonly #indexes = new Map<string, SharedTag<ReferrerChange>>();
  readonly #images = new Map<string, SharedTag<LayerChange>>();

  constructor(session: Session, referrers: ReferrersMode) {
    this.#session = session;
    this.#referrers = referrers;
  }

  get name(): string {
    return this.#session.name;
  }

  get registry(): string {
    return this.#session.registry.name;
  }

  get path(): string {
    return this.#session.repository;
  }

  spare(signal: AbortSignal): Repository {
    return new RemoteRepository(this.#session.spare(signal), this.#referrers);
  }

  get sentBytes(): number {
    return this.#session.sentBytes;
  }

  checkPush(): Promise<boolean> {
    return probeUpload(this.#session);
  }

  headBlob(digest: Digest, access?: 'pull' | 'push'): Promise<number | undefined> {
    return headBlob(this.#session, digest, access);
  }

  beginUpload(): Promise<Upload> {
    return beginUpload(this.#session);
  }

  pushBlob(blob: Pick<Descriptor, 'digest' | 'size'>, produce: BlobProducer): Promise<void> {
    return pushBlob(this.#session, blob, produce);
  }

  mountBlob(digest: Digest, from: string): Promise<boolean> {
    return mountBlob(this.#session, digest, from);
  }

  putBlob(digest: Digest, bytes: Uint8Array): Promise<void> {
    return putMissing(this.#session, digest, bytes);
  }

  fetchBlob<T>(
    descriptor: Pick<Descriptor, 'digest' | 'size'>,
    consume: (content: AsyncIterable<Buffer>) => Promise<T>,
    check?: BlobCheck,
  ): Promise<T> {
    return fetchBlob(this.#session, descriptor, consume, check);
  }

  fetchManifest(tagOrDigest: string): Promise<FetchedManifest> {
    return fetchManifest(this.#session, tagOrDigest);
  }

  headManifest(tagOrDigest: string): Promise<Digest | undefined> {
    return headManifest(this.#session, tagOrDigest);
  }

  async putManifest(mediaType: string, bytes: Uint8Array): Promise<Descriptor> {
    const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length };
    await putManifest(this.#session, descriptor.digest, mediaType, bytes);
    return descriptor;
  }

  putTag(tag: string, mediaType: string, bytes: Uint8Array, expected?: Digest | 'absent'): Promise<void> {
    return putTag(this.#session, tag, mediaType, bytes, expected);
  }

  async attachReferrer(artifact: Artifact): Promise<Descriptor> {
    const [descriptor] = await this.attachReferrers([artifact]);
    return descriptor as Descriptor;
  }

  attachReferrers(artifacts: readonly Artifact[]): Promise<readonly Descriptor[]> {
    return attachReferrers(this.#session, artifacts, this.#referrers, this.#changeIndex);
  }

  listReferrers(subject: Digest, artifactType?: string): Promise<readonly Descriptor[]> {
    return findReferrers(this.#session, subject, artifactType === undefined ? {} : { artifactType });
  }

  findReferrers(subject: Digest, filter: ReferrerFilter): Promise<readonly Descriptor[]> {
    return findReferrers(this.#session, subject, filter);
  }

  deleteReferrer(subject: Digest, referrer: Digest): Promise<void> {
    return this.deleteReferrers(subject, [referrer]);
  }

  deleteReferrers(subject: Digest, referrers: readonly Digest[]): Promise<void> {
    return deleteReferrers(this.#session, subject, referrers, this.#changeIndex);
  }

  hasReferrersApi(subject: Digest): Promise<boolean> {
    return hasReferrersApi(this.#session, subject);
  }

  async checkReferrers(subject: Digest): Promise<void> {
    if (this.#referrers === 'api') await verifyReferrersApi(this.#session, subject);
  }

  upsertTaggedLayer(tag: string, layer: ArtifactLayer): Promise<void> {
    return this.upsertTaggedLayers(tag, [layer]);
  }

  async upsertTaggedLayers(tag: string, layers: readonly ArtifactLayer[]): Promise<void> {
    for (const { bytes } of layers) await this.putBlob(digestOf(bytes), bytes);
    await this.#changeImage(
      tag,
      layers.map((layer) => ({ kind: 'add', layer })),
    );
  }

  removeTaggedLayers(tag: string, digests: readonly Digest[]): Promise<void> {
    return this.#changeImage(
      tag,
      digests.map((digest) => ({ kind: 'remove', digest })),
    );
  }

  listTaggedLayers(tag: string): Promise<readonly Descriptor[]> {
    return listTaggedLayers(this.#session, tag);
  }

  listTags(): Promise<readonly string[]> {
    return listTags(this.#session);
  }

  #changeImage(tag: string, changes: readonly LayerChange[]): Promise<void> {
    return memoized(this.#images, tag, () => new SharedTag(this.#session, toLayersContent(this.#session, tag))).change(changes);
  }

  readonly #changeIndex: ChangeIndex = (subject, changes) => {
    const make = () => new SharedTag(this.#session, toReferrersContent(this.#session, subject));
    return memoized(this.#indexes, toReferrersTag(subject), make).change(changes);
  };
}

function memoized<Value>(values: Map<string, Value>, key: string, make: () => Value): Value {
  const value = values.get(key) ?? make();
  values.set(key, value);
  return value;
}
