/** Which side failed: what was read, where it goes, who was asked, or this program. */
export type ErrorOrigin = 'input' | 'source' | 'registry' | 'vault' | 'identity' | 'advisories' | 'policy' | 'signature' | 'host' | 'us';

export interface StepErrorFields<Code extends string> {
  readonly code: Code;
  readonly origin: ErrorOrigin;
  /** Verb, object, reason, on one line. May quote the image or a server (escaped by whoever prints it); never a secret. */
  readonly message: string;
  /** What the user should do next. */
  readonly hint: string;
  readonly cause?: unknown;
}

/** An error that the step reports to its user. Each folder closes its own set of codes. Causes are kept for debugging and never printed. */
export class StepError<Code extends string = string> extends Error {
  readonly code: Code;
  readonly origin: ErrorOrigin;
  readonly hint: string;

  constructor(fields: StepErrorFields<Code>) {
    super(fields.message, fields.cause === undefined ? undefined : { cause: fields.cause });
    this.name = 'StepError';
    this.code = fields.code;
    this.origin = fields.origin;
    this.hint = fields.hint;
  }
}
