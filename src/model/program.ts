/** A program of this machine that is asked for a credential: it reads one text and prints another. */
export interface ProgramRequest {
  /** Bare name, looked up in the absolute folders of `PATH`; letters, digits, `.`, `_` and `-`. */
  readonly name: string;
  readonly args: readonly string[];
  /** What it reads; its input ends after it. Default: nothing. */
  readonly input?: string;
  /** Names of variables that it gets, where they are set, besides `PATH`, `HOME` and what every program of Windows needs. */
  readonly variables?: readonly string[];
  /** Most bytes of output; more is `too-much`. Default 64 KiB. */
  readonly maxOutputBytes?: number;
  /** Default 30 000. */
  readonly timeoutMs?: number;
}

/** What came of it. Output may hold a secret. */
export type ProgramOutcome =
  /** `code` is undefined where a signal ended it. `errors` is what it wrote to stderr, its first 4 KiB. */
  | { readonly kind: 'ended'; readonly code: number | undefined; readonly output: Buffer; readonly errors: string }
  /** `PATH` has no such program. */
  | { readonly kind: 'absent' }
  /** The system would not start it; `reason` is its code, e.g. `EACCES`. */
  | { readonly kind: 'not-started'; readonly reason: string }
  /** It did not end in time, wrote more than it may, or the run was cancelled; it was killed, and so was what it had started. */
  | { readonly kind: 'timeout' | 'too-much' | 'cancelled' };

/** Runs a program with a bare environment: none of this run's variables but those that are named. Never rejects. */
export type RunProgram = (request: ProgramRequest) => Promise<ProgramOutcome>;
