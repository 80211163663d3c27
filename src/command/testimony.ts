import { firstFew } from '../lib/first-few.ts';
import { mapParallel } from '../lib/parallel.ts';
import { StepError } from '../lib/step-error.ts';
import type { Confirmation, Failure } from '../model/verification.ts';
import { isRegistryError } from '../registry/registry-error.ts';

/** What those who are trusted by one policy say of an image, and why others are not believed. */
export interface Testimony {
  /** Name of the policy, or of the input. */
  readonly policy: string;
  readonly confirmations: readonly Confirmation[];
  readonly warnings: readonly string[];
  /** Why what was looked at does not count. */
  readonly refusals: readonly StepError[];
  /** How many signatures were not looked at, for they are too many. */
  readonly left: number;
}

/** Most signatures of one image that are looked into, as many as notation does. */
const signaturesLimit = 100;
const atOnce = 8;

/** What one signature says; undefined where it says nothing, for it is not there or damaged. */
export type Hear<T> = (item: T) => Promise<Omit<Confirmation, 'policy'> | StepError | undefined>;

/** Looks into signatures in their order, some at once, until one of somebody who is trusted holds: then the others do not matter. */
export async function hearInOrder<T>(policy: string, items: readonly T[], hear: Hear<T>): Promise<Testimony> {
  const refusals: StepError[] = [];
  const heard = items.slice(0, signaturesLimit);
  for (let at = 0; at < heard.length; at += atOnce) {
    const answers = await mapParallel(heard.slice(at, at + atOnce), atOnce, hear);
    const confirmations: Confirmation[] = [];
    for (const answer of answers) {
      if (answer instanceof StepError) refusals.push(answer);
      else if (answer !== undefined) confirmations.push({ ...answer, policy });
    }
    if (confirmations.length > 0) return { policy, confirmations, warnings: [], refusals: [], left: 0 };
  }
  return { policy, confirmations: [], warnings: [], refusals, left: items.length - heard.length };
}

/** That nobody who is trusted has signed the image, and what is wrong with the signatures that there are. */
export function toUnsigned(image: string, testimonies: readonly Testimony[]): Failure {
  const refusals = testimonies.flatMap((testimony) => testimony.refusals);
  const left = testimonies.reduce((sum, testimony) => sum + testimony.left, 0);
  const reasons = [...new Set(refusals.map(({ message }) => message))];
  const policy = [...new Set(testimonies.map((testimony) => testimony.policy))].join(', ');
  const [first] = refusals;
  const isSame = refusals.every(({ code }) => code === first?.code);
  const rest = left === 0 ? '' : `; ${left} more signatures were not looked at, for they are too many`;
  return {
    kind: left === 0 ? 'deny' : 'undecided',
    policy,
    code: first === undefined ? 'unsigned' : isSame ? first.code : 'untrusted',
    message:
      first === undefined && left === 0
        ? `${image} has no signature`
        : `${image} has no signature by anybody who is trusted: ${firstFew(reasons, 3)}${rest}`,
    hint: first?.hint ?? 'Sign it (secure with signing-key), or do not deploy it.',
  };
}

/** What could not be found out: a registry that does not answer, a file that cannot be read. Anything else than a StepError goes on as it is. */
export function toUndecided(policy: string, error: unknown): Failure {
  if (!(error instanceof StepError)) throw error;
  const isAbsent = isRegistryError(error, 'not-found');
  return { kind: 'undecided', policy, code: isAbsent ? 'image-absent' : error.code, message: error.message, hint: error.hint };
}
