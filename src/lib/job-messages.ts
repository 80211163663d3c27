import { StepError, type StepErrorFields } from './step-error.ts';

/** What the main thread says to a thread that does jobs. */
export type ToThread<Job, Answer> =
  | { readonly kind: 'job'; readonly job: number; readonly what: Job }
  | { readonly kind: 'answer'; readonly question: number; readonly what: Answer }
  /** The question has no answer; the error stays where it is, and the thread knows its number. */
  | { readonly kind: 'refusal'; readonly question: number; readonly error: number }
  | { readonly kind: 'cancel' }
  | { readonly kind: 'stop' };

/** What the thread says: one `result` or `failure` for each job, before it any number of the others. */
export type FromThread<Result, Question, Note> =
  | { readonly kind: 'result'; readonly job: number; readonly what: Result }
  | { readonly kind: 'failure'; readonly job: number; readonly error: ThrownError }
  | { readonly kind: 'question'; readonly job: number; readonly question: number; readonly what: Question }
  | { readonly kind: 'note'; readonly job: number; readonly what: Note }
  | { readonly kind: 'stopped' };

/** An error on its way out of a thread: one that is told to the user, one of the main thread that comes back, or a defect. */
export type ThrownError =
  | { readonly kind: 'step'; readonly fields: StepErrorFields<string> }
  | { readonly kind: 'returned'; readonly error: number }
  | { readonly kind: 'defect'; readonly name: string; readonly stack: string };

/** In a thread: stands for an error of the main thread, which has it back where the job fails for it. */
export class RefusedQuestion extends StepError {
  readonly error: number;

  constructor(error: number) {
    super({ code: 'refused', origin: 'us', message: 'the main thread could not give an answer', hint: 'Its own error says why.' });
    this.error = error;
  }
}

export function toThrownError(error: unknown): ThrownError {
  if (error instanceof RefusedQuestion) return { kind: 'returned', error: error.error };
  if (error instanceof StepError) {
    const { code, origin, message, hint } = error;
    return { kind: 'step', fields: { code, origin, message, hint } };
  }
  return error instanceof Error
    ? { kind: 'defect', name: error.name, stack: error.stack ?? '' }
    : { kind: 'defect', name: typeof error, stack: '' };
}
