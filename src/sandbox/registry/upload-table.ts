import type { ContentDigest } from './content-digest.ts';
import type { ContentStore } from './content-store.ts';
import { RegistryError } from './registry-error.ts';
import { UploadSession } from './upload-session.ts';

/** Uploads that are under way. */
export class UploadTable {
  readonly #folder: string;
  readonly #newId: () => string;
  readonly #sessions = new Map<string, UploadSession>();

  constructor(folder: string, newId: () => string) {
    this.#folder = folder;
    this.#newId = newId;
  }

  get size(): number {
    return this.#sessions.size;
  }

  async begin(repository: string): Promise<UploadSession> {
    const session = await UploadSession.begin(this.#folder, this.#newId(), repository, this.#newId());
    this.#sessions.set(session.id, session);
    return session;
  }

  /** The session that a Location names, whole with its `_state`; throws BLOB_UPLOAD_UNKNOWN. */
  find(repository: string, id: string, query: URLSearchParams): UploadSession {
    const session = this.#sessions.get(id);
    if (session === undefined || session.repository !== repository) {
      throw new RegistryError(404, 'BLOB_UPLOAD_UNKNOWN', 'no such upload');
    }
    if (query.get('_state') !== session.state) {
      throw new RegistryError(400, 'BLOB_UPLOAD_INVALID', 'the parameters of the upload location were not kept');
    }
    return session;
  }

  async finish(session: UploadSession, digest: ContentDigest, store: ContentStore): Promise<void> {
    this.#sessions.delete(session.id);
    await session.finish(digest);
    await store.adoptBlob(session.repository, digest, session.file);
  }

  async cancel(session: UploadSession): Promise<void> {
    this.#sessions.delete(session.id);
    await session.cancel();
  }

  async cancelAll(): Promise<void> {
    await Promise.all([...this.#sessions.values()].map((session) => this.cancel(session)));
  }
}
