const pieceBytes = 512 * 1024;

export interface BytePiece {
  readonly memory: ArrayBuffer;
  readonly sizeBytes: number;
}

/** Cuts a stream into pieces in memory of their own, which can be given away: zeroed at first, for what was there before could be a secret. Network reads come in far smaller ones than are worth a message. */
export class BytePieces {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);
  #last: Promise<unknown> = Promise.resolve();

  constructor(content: AsyncIterable<Uint8Array>) {
    this.#chunks = content[Symbol.asyncIterator]();
  }

  /** The next piece, in `spare` where it is given; undefined at the end. Several may be asked for at once, and come in order. */
  next(spare: ArrayBuffer | undefined): Promise<BytePiece | undefined> {
    const piece = this.#last.then(() => this.#fill(spare ?? new ArrayBuffer(pieceBytes)));
    this.#last = piece;
    piece.catch(() => undefined);
    return piece;
  }

  /** Nothing more is wanted. A read that is under way is not waited for. */
  close(): void {
    this.#chunks.return?.().catch(() => undefined);
  }

  async #fill(memory: ArrayBuffer): Promise<BytePiece | undefined> {
    const target = new Uint8Array(memory);
    let sizeBytes = 0;
    while (sizeBytes < target.length) {
      if (this.#rest.length === 0) {
        const next = await this.#chunks.next();
        if (next.done === true) break;
        this.#rest = next.value;
      }
      const taken = this.#rest.subarray(0, target.length - sizeBytes);
      target.set(taken, sizeBytes);
      sizeBytes += taken.length;
      this.#rest = this.#rest.subarray(taken.length);
    }
    return sizeBytes === 0 ? undefined : { memory, sizeBytes };
  }
}
