import type { Digest } from '../model/digest.ts';
import type { Descriptor } from '../model/image.ts';
import { createdAt, newestFirst } from './attached-document.ts';

/** Most signatures of one image that are looked into, as many as notation does. */
export const signaturesLimit = 100;

/** Most documents of one kind that are looked into, or whose signatures are. */
export const documentsLimit = 20;

/**
 * What is to be looked into of a list, however long: what a receipt names, then what says to be by somebody who is trusted, then the rest; of each the newest, and no
 * more than `limit`. What would not be looked into is not kept, not even for a while: of a flood that would be memory.
 */
export class HearingList {
  readonly #receipts: ReadonlySet<Digest>;
  readonly #isLikely: (descriptor: Descriptor) => boolean;
  readonly #limit: number;
  readonly #ranks: [Descriptor[], Descriptor[], Descriptor[]] = [[], [], []];
  /** The time of the oldest that is kept, once there are enough. */
  readonly #oldest: [string | undefined, string | undefined, string | undefined] = [undefined, undefined, undefined];
  #dropped = 0;

  constructor(receipts: ReadonlySet<Digest>, isLikely: (descriptor: Descriptor) => boolean, limit: number = signaturesLimit) {
    this.#receipts = receipts;
    this.#isLikely = isLikely;
    this.#limit = limit;
  }

  /** Takes one in while a list is read. */
  offer(descriptor: Descriptor): void {
    const rank = this.#receipts.has(descriptor.digest) ? 0 : this.#isLikely(descriptor) ? 1 : 2;
    const oldest = this.#oldest[rank];
    if (oldest !== undefined && createdAt(descriptor) <= oldest) {
      this.#dropped += 1;
      return;
    }
    this.#ranks[rank].push(descriptor);
    // Now and then, for sorting takes longer than keeping a few too many.
    if (this.#ranks[rank].length >= 2 * this.#limit) this.#cut(rank);
  }

  /** In the order in which they are looked into, each once. */
  toOrder(): readonly Descriptor[] {
    const all = this.#ranks.flatMap(newestFirst);
    return [...new Map(all.map((descriptor) => [JSON.stringify([descriptor.digest, descriptor.annotations]), descriptor])).values()];
  }

  /** How many were offered and are not in the order. */
  get dropped(): number {
    return this.#dropped;
  }

  #cut(rank: 0 | 1 | 2): void {
    const kept = newestFirst(this.#ranks[rank]).slice(0, this.#limit);
    this.#oldest[rank] = createdAt(kept[this.#limit - 1]);
    this.#dropped += this.#ranks[rank].length - kept.length;
    this.#ranks[rank] = kept;
  }
}
