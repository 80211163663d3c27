import { HttpError } from '../../lib/http-error.ts';
import { StepError } from '../../lib/step-error.ts';
import type { Check, CheckResult } from '../../model/check.ts';
import { type ExitCode, exitCodeOf } from '../exit-code.ts';

/** A result, and the exit code that it asks for. */
export interface Examined {
  readonly result: CheckResult;
  readonly exitCode: ExitCode;
}

/**
 * Runs every check as soon as those that it needs are through, and gives the results in the order of the list. What needs one that failed is skipped.
 * Rejects with what no check should reject with.
 */
export async function* examine(checks: readonly Check[]): AsyncGenerator<Examined> {
  const started = new Map<string, Promise<Examined>>();
  for (const check of checks) {
    const examined = runWhenReady(check, started);
    // Told when it is its turn.
    examined.catch(() => undefined);
    started.set(check.name, examined);
  }
  for (const { name } of checks) yield (await started.get(name)) as Examined;
}

async function runWhenReady(check: Check, started: ReadonlyMap<string, Promise<Examined>>): Promise<Examined> {
  const { name, needs } = check;
  const needed = await Promise.all(needs.map((need) => started.get(need)));
  const failed = needed.flatMap((examined) => (examined?.result.state === 'wrong' || examined?.result.state === 'skipped' ? examined : []));
  const [first] = failed;
  if (first !== undefined) {
    const word = first.result.state === 'wrong' ? 'is wrong' : 'was skipped';
    return { result: { name, state: 'skipped', text: `not looked at, for "${first.result.name}" ${word}` }, exitCode: 3 };
  }
  try {
    const outcome = await check.run();
    return { result: { name, ...outcome }, exitCode: outcome.state === 'wrong' ? 3 : 0 };
  } catch (error) {
    return { result: { name, ...toFailure(error) }, exitCode: error instanceof StepError ? exitCodeOf(error) : 3 };
  }
}

/** As `main` tells the same error where it ends a run. */
function toFailure(error: unknown): Omit<CheckResult, 'name'> {
  if (error instanceof StepError) return { state: 'wrong', text: error.message, hint: error.hint, code: error.code };
  if (error instanceof HttpError) return { state: 'wrong', text: error.message, hint: error.hint, code: 'no-answer' };
  throw error;
}
