import type { StepError } from '../lib/step-error.ts';
import type { Verdict } from '../model/verdict.ts';
import type { Receipt } from './publish.ts';

/** 0 passed · 1 denied by policy · 2 bad input · 3 could not decide or could not finish. */
export type ExitCode = 0 | 1 | 2 | 3;

/** The only way to 0: a verdict that passes and, where something was to be published, the receipt of it. */
export function toExitCode(verdict: Verdict, toPublish: boolean, receipt: Receipt | undefined): ExitCode {
  if (verdict.kind === 'deny') return 1;
  if (verdict.kind === 'undecided') return 3;
  return toPublish && receipt === undefined ? 3 : 0;
}

export function exitCodeOf(error: StepError): ExitCode {
  return error.origin === 'input' || error.origin === 'policy' ? 2 : 3;
}
