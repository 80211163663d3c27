/** `wrong`: a run of `secure` would end because of it. `warning`: it would go on without, or will end one day. */
export type CheckState = 'right' | 'warning' | 'wrong' | 'skipped';

/** What a check found. */
export interface CheckOutcome {
  readonly state: Exclude<CheckState, 'skipped'>;
  /** One line: the facts, or what is wrong. May quote a server (escaped by whoever prints it); never a secret. */
  readonly text: string;
  /** What repairs it; not where it is right. */
  readonly hint?: string;
  /** That of the error which `secure` would end with. */
  readonly code?: string;
}

/** One thing that a run needs, looked at by itself. Nothing that it does leaves anything behind. */
export interface Check {
  /** What is looked at, e.g. `push registry.example/team/app`; each name is there once. */
  readonly name: string;
  /** Names of checks without which this one can say nothing; they stand before it. */
  readonly needs: readonly string[];
  /** Rejects with a StepError or HttpError where it is wrong. */
  run(): Promise<CheckOutcome>;
}

/** A check of what the host lets the job do. */
export interface HostCheck extends Check {
  /** The input without which nobody needs it. */
  readonly input?: 'annotations' | 'comment';
  /** It asks with the token of the input github-token, which may be a secret of the vault. */
  readonly readsToken?: true;
}

export interface CheckResult extends Omit<CheckOutcome, 'state'> {
  readonly name: string;
  readonly state: CheckState;
}

/** Everything that one run of `doctor` found out. */
export interface Examination {
  readonly results: readonly CheckResult[];
  /** Nothing is wrong, and nothing was skipped. */
  readonly isSound: boolean;
  readonly startedAt: string;
  readonly durationMs: number;
  readonly version: string;
}
