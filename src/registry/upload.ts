import { retryableStatuses } from '../lib/retry.ts';
import type { Digest } from '../model/digest.ts';
import type { HeldUpload } from '../model/upload.ts';
import { errorCodes } from './registry-answer.ts';
import { isRegistryError, RegistryError } from './registry-error.ts';
import { anyAnswer, type Session } from './session.ts';
import { droppedUpload, isUnknownUpload, sendPiece, type UploadPlace } from './upload-piece.ts';

/** Enough for the parts of S3 (5 MiB at least), which many registries store to; two of these are held for each upload. */
const defaultPieceBytes = 5 * 1024 * 1024;
/** Largest requests that a registry takes, where it is known to take less. */
const pieceBytesByHost: Readonly<Record<string, number>> = { 'ghcr.io': 4 * 1024 * 1024 };
const greatestPieceBytes = 64 * 1024 * 1024;

/** Begins an upload: the registry makes a session for it, and nothing else. */
export async function beginUpload(session: Session): Promise<Upload> {
  const verb = `push to ${session.name}`;
  const response = await session.send({ verb, method: 'POST', url: 'blobs/uploads/', access: 'push' }, (status) => status === 202);
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
    const request = { verb: 'give up an upload', method: 'DELETE', url: this.#place.location, access: 'push', attempts: 3 } as const;
    await this.#session.send(request, anyAnswer).catch(() => undefined);
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

/**
 * Makes uploaded bytes a blob with PUT, also with the last (or all) bytes in `body`. Where the answer is lost, a HEAD decides: the registry
 * may have committed.
 */
export async function commit(session: Session, location: URL, digest: Digest, body?: Uint8Array): Promise<void> {
  const verb = `commit a blob to ${session.name}`;
  const url = new URL(location);
  url.searchParams.append('digest', digest);
  const headers = { 'content-type': 'application/octet-stream' };
  // A registry may hash gigabytes before it answers.
  const request = { verb, method: 'PUT', url, access: 'push', headers, attempts: 1, deadlineMs: 600_000, idleTimeoutMs: 600_000 } as const;
  for (let count = 1; ; count += 1) {
    const outcome = await session.send(body === undefined ? request : { ...request, body }, anyAnswer).catch((error: unknown) => {
      if (isRegistryError(error, 'unreachable')) return error;
      throw error;
    });
    if (!(outcome instanceof RegistryError) && outcome.status >= 200 && outcome.status < 300)
      return session.verifyDigest(verb, outcome, digest);
    if (count > 1 || outcome instanceof RegistryError || retryableStatuses.has(outcome.status)) {
      if ((await headBlob(session, digest)) !== undefined) return;
    }
    if (outcome instanceof RegistryError) {
      if (count === 4) throw outcome;
    } else if (!retryableStatuses.has(outcome.status) || count === 4) {
      throw refusal(session, verb, outcome);
    }
    await session.pause(count);
  }
}

function refusal(session: Session, verb: string, { status, body }: { readonly status: number; readonly body: Buffer }): RegistryError {
  if (isUnknownUpload(status, body)) return droppedUpload(session, `${status} to PUT`);
  if (!errorCodes(body).includes('DIGEST_INVALID')) return session.refusal(verb, { status, body });
  return new RegistryError({
    code: 'digest-mismatch',
    status,
    message: `cannot ${verb}: what arrived at ${session.registry.name} is not what was sent`,
    hint: 'Run the step again; where it happens again, look at proxies between this machine and the registry.',
  });
}

/** Size in bytes of a blob, undefined where the repository does not have it. */
export async function headBlob(session: Session, digest: Digest): Promise<number | undefined> {
  const verb = `ask ${session.name} for a blob`;
  const isExpected = (status: number): boolean => status === 200 || status === 404;
  const { status, headers } = await session.send({ verb, method: 'HEAD', url: `blobs/${digest}`, access: 'push' }, isExpected);
  return status === 404 ? undefined : Number(headers['content-length'] ?? 0);
}

/** Pushes a blob that is in memory, in one request after that which begins the upload. */
export async function putBlob(session: Session, digest: Digest, bytes: Uint8Array): Promise<void> {
  const verb = `push a blob to ${session.name}`;
  const { headers } = await session.send({ verb, method: 'POST', url: 'blobs/uploads/', access: 'push' }, (status) => status === 202);
  if (headers.location === undefined) throw session.unusable(verb, 'it gave no Location for the upload');
  await commit(session, session.locate(session.registry.origin, headers.location), digest, bytes);
}
