import { StepError } from '../lib/step-error.ts';

export type AdvisoryErrorCode =
  | 'no-directory'
  | 'no-ecosystem'
  | 'unreadable-archive'
  | 'damaged-archive'
  | 'damaged-snapshot'
  | 'snapshot-too-large'
  | 'feed-unreadable'
  | 'feed-damaged'
  | 'no-snapshot'
  | 'untrusted-snapshot'
  | 'service-unreachable'
  | 'service-refused'
  | 'unexpected-answer';

export function advisoryError(code: AdvisoryErrorCode, message: string, hint: string, cause?: unknown): StepError<AdvisoryErrorCode> {
  return new StepError({ code, origin: 'advisories', message, hint, ...(cause === undefined ? {} : { cause }) });
}
