import * as v from 'valibot';
import { StepError } from '../lib/step-error.ts';

export type EvidenceErrorCode = 'evidence-unreadable';

/** `what` is `the scan report`, say; `reason` is what is wrong with it, or where a value is that is. No value is quoted. */
export function evidenceError(what: string, reason: string | v.BaseIssue<unknown>): StepError<EvidenceErrorCode> {
  const text = typeof reason === 'string' ? reason : `a wrong value stands at ${v.getDotPath(reason) ?? 'its top'}`;
  return new StepError({
    code: 'evidence-unreadable',
    origin: 'signature',
    message: `Cannot read ${what}: ${text}`,
    hint: 'Let a run of secure attach it again. What another program or a later version wrote in other words counts as none.',
  });
}
