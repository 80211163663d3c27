import { windowOverlapBytes } from './inspector.ts';

/** Takes one window; see LayerInspection.window. */
type TakeWindow = (window: Buffer, offset: number, last: boolean) => void;

/**
 * Turns the parts of a file into windows that overlap by `windowOverlapBytes`, so that whatever is not longer than that lies whole in some
 * window. A large part is a window as it is; only where two parts meet are bytes copied. Every window but the last is longer than the
 * overlap, so a window at offset 0 is the first, and all others begin with exactly `windowOverlapBytes` that were seen before. After the last
 * part of a file the next one may begin.
 */
export class Windows {
  readonly #take: TakeWindow;
  /** The last bytes before the next part: an overlap that was seen, and what is too short for a window. */
  #tail = noBytes;
  #tailOffset = 0;

  constructor(take: TakeWindow) {
    this.#take = take;
  }

  write(part: Buffer, last: boolean): void {
    if (this.#tail.length === 0) {
      this.#give(part, 0, last);
      return;
    }
    const whole = part.length <= joinedWholeBytes;
    const joined = Buffer.concat([this.#tail, whole ? part : part.subarray(0, 2 * windowOverlapBytes)]);
    const partOffset = this.#tailOffset + this.#tail.length;
    this.#give(joined, this.#tailOffset, last && whole);
    if (!whole) this.#give(part.subarray(windowOverlapBytes), partOffset + windowOverlapBytes, last);
  }

  #give(window: Buffer, offset: number, last: boolean): void {
    const taken = last || window.length > 2 * windowOverlapBytes;
    if (taken) this.#take(window, offset, last);
    if (last) {
      this.#tail = noBytes;
      return;
    }
    const kept = taken ? windowOverlapBytes : window.length;
    this.#tail = Buffer.from(window.subarray(window.length - kept));
    this.#tailOffset = offset + window.length - kept;
  }
}

/** A part up to here is copied behind the tail; above, a window of its own costs less. */
const joinedWholeBytes = 32 * 1024;

const noBytes = Buffer.alloc(0);
