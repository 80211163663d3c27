import { HttpError } from '../lib/http-error.ts';
import type { CheckOutcome } from '../model/check.ts';

/** That a host's API does not answer never ends the step: where it does not answer a check, that is a warning. */
export async function orWarning(look: () => Promise<CheckOutcome>): Promise<CheckOutcome> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof HttpError) return { state: 'warning', text: error.message, hint: error.hint };
    throw error;
  }
}
