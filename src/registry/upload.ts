import type { Digest } from '../model/digest.ts';
import type { HeldUpload } from '../model/upload.ts';
import type { Session } from './session.ts';
import { commit, giveUp } from './upload-commit.ts';
import { sendPiece, type UploadPlace } from './upload-piece.ts';

/** Enough for the parts of S3 (5 MiB at least), which many registries store to; two of these are held for each upload. */
const defaultPieceBytes = 5 * 1024 * 1024;
/** Largest requests that a registry takes, where it is known to take less. */
const pieceBytesByHost: Readonly<Record<string, number>> = { 'ghcr.io': 4 * 1024 * 1024 };
const greatestPieceBytes = 64 * 1024 * 1024;

/** Begins an upload: the registry makes a session for it, and nothing else. */
export async function beginUpload(session: Session): Promise<Upload> {
  const verb = `push to ${session.name}`;
  const request = { verb, method: 'POST', url: 'blobs/uploads/', access: 'push', onCancel: 'finish' } as const;
  const response = await session.send(request, (status) => status === 202);
  const { location, 'oci-chunk-min-length': least } = response.headers;
  if (location === undefined) throw session.unusable(verb, 'it gave no Location for the upload');
  const wanted = pieceBytesByHost[session.registry.name] ?? defaultPieceBytes;
  const pieceBytes = typeof least === 'string' && /^\d{1,12}$/.test(least) ? Math.max(wanted, Number(least)) : wanted;
  if (pieceBytes > greatestPieceBytes) throw session.unusable(verb, `it wants ${least} bytes in one request`);
  return new Upload(session, { location: session.locate(session.registry.origin, location), offset: 0, pieceBytes });
}

/**
 * Bytes that a registry holds uncommitted. While one piece is on its way the next one is filled; a write waits only while both are full.
 * Disposing aborts what is not committed.
 */
export class Upload implements HeldUpload, AsyncDisposable {
  readonly #session: Session;
  #place: UploadPlace;
  #filling: Buffer | undefined;
  #spare: Buffer | undefined;
  #filledBytes = 0;
  #sending: Promise<void> = Promise.resolve();
  #state: 'open' | 'held' | 'committed' | 'aborted' = 'open';

  constructor(session: Session, place: UploadPlace) {
    this.#session = session;
    this.#place = place;
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#verifyState('open', 'write');
    for (let rest = chunk; rest.length > 0; ) {
      this.#filling ??= this.#spare ?? Buffer.allocUnsafeSlow(this.#place.pieceBytes);
      this.#spare = undefined;
      const taken = Math.min(rest.length, this.#filling.length - this.#filledBytes);
      this.#filling.set(rest.subarray(0, taken), this.#filledBytes);
      this.#filledBytes += taken;
      rest = rest.subarray(taken);
      if (this.#filledBytes === this.#filling.length) await this.#send();
    }
  }

  async hold(): Promise<void> {
    this.#verifyState('open', 'hold');
    await this.#send();
    await this.#sending;
    this.#spare = undefined;
    this.#state = 'held';
  }

  async commit(digest: Digest): Promise<void> {
    this.#verifyState('held', 'commit');
    await commit(this.#session, this.#place.location, digest);
    this.#state = 'committed';
  }

  async abort(): Promise<void> {
    if (this.#state === 'committed' || this.#state === 'aborted') return;
    this.#state = 'aborted';
    // A request that is cut off could still be written by the registry after it has deleted the upload.
    await this.#sending.catch(() => undefined);
    this.#filling = undefined;
    this.#spare = undefined;
    await giveUp(this.#session, this.#place.location);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.abort();
  }

  /** Waits for the piece before, whose error is then this one's, and sends what is filled. */
  async #send(): Promise<void> {
    await this.#sending;
    const buffer = this.#filling;
    if (buffer === undefined) return;
    const bytes = buffer.subarray(0, this.#filledBytes);
    this.#filling = undefined;
    this.#filledBytes = 0;
    this.#sending = sendPiece(this.#session, this.#place, bytes, () => this.#state === 'aborted').then((place) => {
      this.#place = place;
      this.#spare = buffer;
    });
    this.#sending.catch(() => undefined);
  }

  #verifyState(needed: 'open' | 'held', verb: string): void {
    if (this.#state !== needed) throw new Error(`an upload that is ${this.#state} cannot ${verb}`);
  }
}
