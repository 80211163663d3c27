import { StepError } from '../lib/step-error.ts';

export type RegistryErrorCode =
  | 'reference-invalid'
  | 'docker-config-invalid'
  | 'helper-absent'
  | 'helper-failed'
  | 'helper-timeout'
  | 'helper-answer-invalid'
  | 'credential-withheld'
  | 'credential-refused'
  | 'audience-refused'
  | 'redirect-refused'
  | 'unreachable'
  | 'unauthorized'
  | 'forbidden'
  | 'registry-firewall'
  | 'not-found'
  | 'throttled'
  | 'server-error'
  | 'refused'
  | 'answer-invalid'
  | 'manifest-invalid'
  | 'digest-mismatch'
  | 'upload-dropped'
  | 'pieces-refused'
  | 'blob-unknown'
  | 'tag-moved'
  | 'referrers-unavailable'
  | 'referrer-foreign'
  | 'referrers-api-missing';

/** What a permission error lacks, whoever the caller is. */
export interface MissingGrant {
  readonly registry: string;
  readonly repository: string;
  /** Role or permission, e.g. `AcrPush`. */
  readonly grant: string;
}

export interface RegistryErrorFields {
  readonly code: RegistryErrorCode;
  readonly message: string;
  readonly hint: string;
  readonly cause?: unknown;
  /** Status of the answer, where there is one. */
  readonly status?: number;
  readonly missing?: MissingGrant;
  /** How long the registry asks to wait before the next try. */
  readonly retryAfterMs?: number;
}

/** What the user has given, or not. */
const inputCodes: ReadonlySet<RegistryErrorCode> = new Set([
  'reference-invalid',
  'docker-config-invalid',
  'helper-absent',
  'referrers-api-missing',
]);

/** An error of origin `registry`, but for codes of what the user has given. */
export class RegistryError extends StepError<RegistryErrorCode> {
  readonly status: number | undefined;
  readonly missing: MissingGrant | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(fields: RegistryErrorFields) {
    super({ origin: inputCodes.has(fields.code) ? 'input' : 'registry', ...fields });
    this.name = 'RegistryError';
    this.status = fields.status;
    this.missing = fields.missing;
    this.retryAfterMs = fields.retryAfterMs;
  }
}

export function isRegistryError(error: unknown, ...codes: readonly RegistryErrorCode[]): error is RegistryError {
  return error instanceof RegistryError && codes.includes(error.code);
}
