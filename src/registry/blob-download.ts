import { createHash } from 'node:crypto';
import type { HttpAnswer } from '../lib/http.ts';
import { HttpError } from '../lib/http-error.ts';
import type { Descriptor } from '../model/image.ts';
import { otherBytes } from './blob.ts';
import type { Session } from './session.ts';

/** `size`: for who hashes the bytes himself. */
export type BlobCheck = 'digest' | 'size';

/** Connections that may break off one after the other, each before it brought as much as this. */
const breakLimit = 5;
const progressBytes = 1024 * 1024;

/**
 * Gives a blob to `consume`, which is called once: a download that breaks off is continued. Who reads to the end has read the bytes of the
 * descriptor, else the iteration rejects before it ends; with `check: 'size'` only as many.
 */
export async function fetchBlob<T>(
  session: Session,
  descriptor: Pick<Descriptor, 'digest' | 'size'>,
  consume: (content: AsyncIterable<Buffer>) => Promise<T>,
  check: BlobCheck = 'digest',
): Promise<T> {
  const content = new BlobDownload(session, descriptor, check).content();
  try {
    return await consume(content);
  } finally {
    await content.return(undefined);
  }
}

/**
 * One blob on its way from a registry. Where the connection breaks off, the rest is asked for with a Range
 * (https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-blobs, RFC 9110 section 14); a registry that does not serve
 * ranges sends the blob again, of which as much is passed over as has been given.
 */
class BlobDownload {
  readonly #session: Session;
  readonly #blob: Pick<Descriptor, 'digest' | 'size'>;
  readonly #verb: string;
  readonly #hash: ReturnType<typeof createHash> | undefined;
  #givenBytes = 0;
  #servesRanges = true;
  #breaks = 0;
  #givenAtBreak = 0;

  constructor(session: Session, blob: Pick<Descriptor, 'digest' | 'size'>, check: BlobCheck) {
    this.#session = session;
    this.#blob = blob;
    this.#verb = `read the blob ${blob.digest} of ${session.name}`;
    this.#hash = check === 'digest' ? createHash('sha256') : undefined;
  }

  /** To be iterated once. Rejects with a RegistryError before its end where the bytes are others than the descriptor says, or do not come. */
  async *content(): AsyncGenerator<Buffer, undefined> {
    const { digest, size } = this.#blob;
    do {
      try {
        yield* this.#answer();
        if (this.#givenBytes < size) await this.#afterBreak(otherBytes(this.#verb, this.#session));
      } catch (error) {
        if (!(error instanceof HttpError)) throw error;
        if (error.kind === 'too-large') throw otherBytes(this.#verb, this.#session);
        const failure = this.#session.toError(this.#verb, error);
        if (error.kind !== 'reset' && error.kind !== 'timeout') throw failure;
        await this.#afterBreak(failure);
      }
    } while (this.#givenBytes < size);
    if (this.#hash !== undefined && `sha256:${this.#hash.digest('hex')}` !== digest) throw otherBytes(this.#verb, this.#session);
  }

  /** What one answer brings of the bytes that are still wanted. */
  async *#answer(): AsyncGenerator<Buffer> {
    const { digest, size } = this.#blob;
    const isRest = this.#servesRanges && this.#givenBytes > 0;
    const request = {
      verb: this.#verb,
      method: 'GET',
      url: `blobs/${digest}`,
      access: 'pull',
      maxBodyBytes: size,
      headers: isRest ? { range: `bytes=${this.#givenBytes}-` } : {},
    } as const;
    const isExpected = (status: number): boolean => status === 200 || (isRest && (status === 206 || status === 416));
    const { answer, close } = await openAnswer(this.#session, request, isExpected);
    try {
      if (answer.status !== 200 && !this.#isRest(answer)) {
        this.#servesRanges = false;
        return;
      }
      // Whoever attached something may have lied about it; it does not get better by asking again.
      const stated = answer.headers['content-length'];
      if (answer.status === 200 && stated !== undefined && Number(stated) !== size) throw otherBytes(this.#verb, this.#session);
      let known = answer.status === 200 ? this.#givenBytes : 0;
      for await (const chunk of answer.body) {
        const fresh = known === 0 ? chunk : chunk.subarray(known);
        known -= chunk.length - fresh.length;
        if (fresh.length === 0) continue;
        this.#givenBytes += fresh.length;
        if (this.#givenBytes > size) throw otherBytes(this.#verb, this.#session);
        this.#hash?.update(fresh);
        yield fresh;
      }
    } finally {
      await close();
    }
  }

  /** Whether an answer begins where the bytes that were given end. */
  #isRest({ status, headers }: HttpAnswer): boolean {
    const [, start, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/i.exec(headers['content-range'] ?? '') ?? [];
    return status === 206 && Number(start) === this.#givenBytes && (total === '*' || Number(total) === this.#blob.size);
  }

  /** Waits before the next try; throws where there have been enough. */
  async #afterBreak(failure: unknown): Promise<void> {
    if (this.#givenBytes - this.#givenAtBreak >= progressBytes) this.#breaks = 0;
    this.#givenAtBreak = this.#givenBytes;
    this.#breaks += 1;
    if (this.#breaks > breakLimit) throw failure;
    await this.#session.pause(this.#breaks, failure);
  }
}

interface OpenAnswer {
  readonly answer: HttpAnswer;
  /** Gives the connection back, or closes it where there is more to come; never rejects. */
  close(): Promise<void>;
}

/** An answer that is read outside of a callback, so that several can be read one after the other. */
function openAnswer(
  session: Session,
  request: Parameters<Session['stream']>[0],
  isExpected: (status: number) => boolean,
): Promise<OpenAnswer> {
  return new Promise((resolve, reject) => {
    const exchange: Promise<void> = session
      .stream(request, isExpected, async (answer) => {
        await new Promise<void>((release) => {
          const close = (): Promise<void> => {
            release();
            return exchange;
          };
          resolve({ answer, close });
        });
      })
      .catch(reject);
  });
}
