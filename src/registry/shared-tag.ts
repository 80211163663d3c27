import { digestOf } from './artifact.ts';
import { maxManifestBytes } from './manifest.ts';
import { headManifest } from './manifest-exchange.ts';
import { isRegistryError, RegistryError } from './registry-error.ts';
import type { Session } from './session.ts';
import { fetchAtTag, type TaggedManifest, type TagRead } from './tagged-manifest.ts';

/** What several writers keep at one tag: how it is read, and how it is changed. */
export interface TagContent<Change> {
  readonly read: TagRead;
  /** Verb and object for errors of a write. */
  readonly verb: string;
  /** For errors: what would be too large. */
  readonly what: string;
  /** Which of the changes are not made yet. */
  toMissing(found: TaggedManifest | undefined, changes: readonly Change[]): readonly Change[];
  /** The manifest with changes made to it, whose blobs are pushed. It has to be another than what was found. */
  toNext(found: TaggedManifest | undefined, changes: readonly Change[]): Promise<TagManifest>;
}

export interface TagManifest {
  readonly mediaType: string;
  readonly object: object;
}

/** From the beginning of a read to the end of the write that is based on it, where what is written is small. */
const windowMs = 2_000;
/** What a large one gets in addition. */
const slowestBytesPerMs = 250;
/** For a registry that goes on with a write after its writer has left. */
const graceMs = 1_000;
/** How long it has to stand still where nobody else was seen to write: so many times as long as the slowest exchange took, and no less than that. */
const quietExchanges = 5;
const leastQuietMs = 250;
/** The longest window, for a registry that needs more. */
const maxWindowMs = 60_000;
/** How long others may keep it from standing still. */
const giveUpMs = 180_000;
const maxFailures = 4;
/** At what was written, each after twice as long as the one before, the last one at the end: what is taken away is seen soon, and few are needed. */
const looks = 6;

/**
 * A tag that others write at the same time, in a registry that has no conditional write. A write is sent once, and only within a window from the beginning of
 * the read that it is based on. Who has written is done only when the tag has named one and the same manifest, with his changes, for longer than that: who has
 * read an earlier one has written by then, and who reads later reads what is to stay. Who sees nobody else looks for a shorter time.
 * docs/decisions/0021-writers-of-one-tag.md
 */
export class SharedTag<Change> {
  readonly #session: Session;
  readonly #content: TagContent<Change>;
  #changes: Change[] = [];
  #work: Promise<void> | undefined;

  constructor(session: Session, content: TagContent<Change>) {
    this.#session = session;
    this.#content = content;
  }

  /** Makes changes, and ends when they are there to stay. What comes in while others are made is made with them, by one writer. Rejects for all of them. */
  change(changes: readonly Change[]): Promise<void> {
    this.#changes.push(...changes);
    this.#work ??= this.#writeAll();
    return this.#work;
  }

  async #writeAll(): Promise<void> {
    const writer = new TagWriter(this.#session, this.#content);
    try {
      // What came in after the last look is not known to be there. Between the last look at it and its end nothing can come in.
      while (!(await writer.advance(this.#changes)) || writer.known < this.#changes.length);
    } finally {
      this.#changes = [];
      this.#work = undefined;
    }
  }
}

/** What a tag names. */
type TagState = Pick<TaggedManifest, 'digest' | 'sizeBytes'>;

class TagWriter<Change> {
  readonly #session: Session;
  readonly #content: TagContent<Change>;
  readonly #startMs: number;
  #windowMs = windowMs;
  /** Of the slowest read with the write based on it. */
  #exchangeMs = 5;
  /** Something was seen that only another writer, or a registry that does not answer in time, does. */
  #isContended = false;
  #writes = 0;
  #failures = 0;
  /** Since when every read has found all changes made. */
  #madeMs: number | undefined;
  /** How many of the changes the last read was held against. */
  known = 0;

  constructor(session: Session, content: TagContent<Change>) {
    this.#session = session;
    this.#content = content;
    this.#startMs = session.now();
  }

  /** One read, and what follows of it; true where all changes are made, and stay so. */
  async advance(changes: readonly Change[]): Promise<boolean> {
    const session = this.#session;
    const readMs = session.now();
    const found = await fetchAtTag(session, this.#content.read);
    const foundMs = session.now();
    this.known = changes.length;
    const missing = this.#content.toMissing(found, changes);
    const isLate = readMs - this.#startMs > giveUpMs;
    if (missing.length > 0) {
      if (isLate) throw this.#lost();
      if (this.#writes > 0 && found === undefined) await this.#checkTag();
      // It was there, or should have been.
      if (this.#writes > 0) this.#isContended = true;
      this.#madeMs = undefined;
      const written = await this.#write(found, missing, readMs);
      if (written !== undefined) return this.#isKept(written);
      await this.#rest();
      return false;
    }
    this.#madeMs ??= foundMs;
    // Only who has written has to fear that an earlier reader writes over it.
    if (this.#writes === 0 || found === undefined) return true;
    // Others have not left off, and it has stayed.
    if (isLate && foundMs - this.#madeMs > this.#settleMs(found)) return true;
    return this.#isKept(found);
  }

  /** Rejects where the registry takes the tag for the digest that it is made of: then nothing can be kept there. */
  async #checkTag(): Promise<void> {
    const session = this.#session;
    const { verb, read } = this.#content;
    if (read.subject === undefined || (await headManifest(session, read.tag)) !== read.subject) return;
    throw new RegistryError({
      code: 'referrers-unavailable',
      message: `cannot ${verb}: ${session.registry.name} has no referrers API, and takes the tag ${read.tag} for the image itself`,
      hint: 'Use a registry with the referrers API. Signatures of cosign find a place there with cosign-format: legacy.',
    });
  }

  /** Sent once: before it is sent again, it is read what has become of it. Undefined where it is not known to be there. */
  async #write(found: TaggedManifest | undefined, missing: readonly Change[], readMs: number): Promise<TagState | undefined> {
    const session = this.#session;
    const { verb, what, read } = this.#content;
    const { mediaType, object } = await this.#content.toNext(found, missing);
    const body = Buffer.from(JSON.stringify(object));
    if (body.length > maxManifestBytes) throw session.unusable(verb, `${what} would be larger than ${maxManifestBytes} bytes`);
    const condition = found === undefined ? { 'if-none-match': '*' } : found.etag === undefined ? {} : { 'if-match': found.etag };
    const endMs = readMs + this.#windowFor(body.length);
    const request = {
      verb,
      method: 'PUT',
      url: `manifests/${read.tag}`,
      access: 'push',
      headers: { 'content-type': mediaType, ...condition },
      body,
      attempts: 1,
      endMs,
    } as const;
    this.#writes += 1;
    try {
      const answer = await session.send(request, (code) => code === 412 || (code >= 200 && code < 300));
      this.#failures = 0;
      this.#isContended ||= answer.status === 412;
      if (answer.status === 412) return undefined;
      const digest = digestOf(body);
      session.verifyDigest(verb, answer, digest);
      this.#exchangeMs = Math.max(this.#exchangeMs, session.now() - readMs);
      // The others find it as slow.
      this.#windowMs = Math.min(maxWindowMs, Math.max(this.#windowMs, 2 * this.#exchangeMs));
      return { digest, sizeBytes: body.length };
    } catch (error) {
      this.#isContended = true;
      await this.#recover(error, session.now() >= endMs);
      return undefined;
    }
  }

  /** Waits before it is read again, where what failed may pass. */
  async #recover(error: unknown, isLate: boolean): Promise<void> {
    if (!isRegistryError(error, 'unreachable', 'throttled', 'server-error')) throw error;
    const isSlow = isLate && this.#windowMs < maxWindowMs;
    if (isSlow) this.#windowMs = Math.min(maxWindowMs, 2 * this.#windowMs);
    else this.#failures += 1;
    if (this.#failures > maxFailures) throw error;
    await this.#session.pause(Math.max(1, this.#failures), error);
  }

  /** Whether the tag names what it names now as long as anybody may need who has read before; the last look begins after that. */
  async #isKept(state: TagState): Promise<boolean> {
    const session = this.#session;
    const startMs = session.now();
    const settleMs = this.#settleMs(state);
    for (let look = 1; look <= looks; look += 1) {
      await session.sleep(Math.max(1, Math.ceil(startMs + settleMs / 2 ** (looks - look) - session.now())));
      if ((await headManifest(session, this.#content.read.tag)) === state.digest) continue;
      this.#isContended = true;
      await this.#rest();
      return false;
    }
    return true;
  }

  /** At random, so that writers who meet once do not meet again. */
  async #rest(): Promise<void> {
    const longestMs = Math.min(this.#exchangeMs * 2 ** Math.min(this.#writes, 7), windowMs);
    await this.#session.sleep(Math.max(1, this.#session.random() * longestMs));
  }

  #settleMs({ sizeBytes }: TagState): number {
    const safeMs = this.#windowFor(sizeBytes) + graceMs;
    return this.#isContended ? safeMs : Math.min(safeMs, Math.max(leastQuietMs, quietExchanges * this.#exchangeMs));
  }

  #windowFor(sizeBytes: number): number {
    return this.#windowMs + sizeBytes / slowestBytesPerMs;
  }

  #lost(): RegistryError {
    const { verb, read } = this.#content;
    return new RegistryError({
      code: 'referrers-unavailable',
      message: `cannot ${verb}: others kept writing over it at the tag ${this.#session.name}:${read.tag}`,
      hint: 'Run the step again when fewer writers attach to this image at once, or use a registry with the referrers API.',
    });
  }
}
