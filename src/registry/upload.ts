import type { Digest } from '../model/digest.ts';
import type { HeldUpload } from '../model/upload.ts';
import { isRegistryError } from './registry-error.ts';
import type { Session } from './session.ts';
import { commit, giveUp } from './upload-commit.ts';
import { refusedPieces, sendPiece, type UploadPlace } from './upload-piece.ts';
import { startUpload } from './upload-start.ts';

/** Enough for the parts of S3 (5 MiB at least), which many registries store to; two of these are held for each upload. */
const defaultPieceBytes = 5 * 1024 * 1024;
/** Largest requests that a registry takes, where it is known to take less. */
const pieceBytesByHost: Readonly<Record<string, number>> = { 'ghcr.io': 4 * 1024 * 1024 };
const greatestPieceBytes = 64 * 1024 * 1024;

/**
 * Begins an upload: the registry makes a session for it, and nothing else. Rejects with code `pieces-refused`, and asks nothing, where the
 * registry is known to take none.
 */
export async function beginUpload(session: Session): Promise<Upload> {
  if (!session.takesPieces) throw refusedPieces(session, undefined);
  const verb = `push to ${session.name}`;
  const { location, leastBytes = 0 } = await startUpload(session, verb);
  const pieceBytes = Math.max(pieceBytesByHost[session.registry.name] ?? defaultPieceBytes, leastBytes);
  if (pieceBytes > greatestPieceBytes) throw session.unusable(verb, `it wants ${leastBytes} bytes in one request`);
  return new Upload(session, { location, offset: 0, pieceBytes, lostMs: 0 });
}

/** Begins an upload and gives it up; false where the registry does not let it go. */
export async function probeUpload(session: Session): Promise<boolean> {
  const { location } = await startUpload(session, `push to ${session.name}`);
  return giveUp(session, location);
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
    this.#sending.catch((error: unknown) => {
      if (isRegistryError(error, 'pieces-refused')) this.#session.takesPieces = false;
    });
  }

  #verifyState(needed: 'open' | 'held', verb: string): void {
    if (this.#state !== needed) throw new Error(`an upload that is ${this.#state} cannot ${verb}`);
  }
}
