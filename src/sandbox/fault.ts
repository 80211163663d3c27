import type { ReceivedRequest } from './exchange.ts';

/**
 * One disturbance of a stand-in. Of `status`, `reset` and `drop` at most one is meant; with none of them the request is only delayed.
 * The first fault of a plan that fits a request is taken.
 */
export interface Fault {
  /** Which requests it fits; all where absent. */
  readonly match?: (request: ReceivedRequest) => boolean;
  /** How many requests it is good for; default 1, `Infinity` for always. */
  readonly times?: number;
  /** `before`: the request has no effect. `after`: it has, and only its answer is lost or changed. Default `before`. */
  readonly when?: 'before' | 'after';
  readonly delayMs?: number;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON unless it is text or bytes. */
  readonly body?: unknown;
  /** The connection is reset (RST). */
  readonly reset?: boolean;
  /** No answer comes; the connection stays open until the stand-in closes. */
  readonly drop?: boolean;
}

/** The faults that are still to happen. Each stand-in has its own; more may be added while it runs. */
export class FaultPlan {
  readonly #waiting: { readonly fault: Fault; left: number }[] = [];

  constructor(faults: readonly Fault[] = []) {
    this.add(...faults);
  }

  add(...faults: readonly Fault[]): void {
    for (const fault of faults) {
      this.#waiting.push({ fault, left: fault.times ?? 1 });
    }
  }

  clear(): void {
    this.#waiting.length = 0;
  }

  /** Takes the fault for `request` out of the plan, once. */
  take(request: ReceivedRequest): Fault | undefined {
    const entry = this.#waiting.find(({ fault, left }) => left > 0 && (fault.match?.(request) ?? true));
    if (entry === undefined) {
      return undefined;
    }
    entry.left -= 1;
    return entry.fault;
  }
}
