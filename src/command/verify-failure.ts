import { firstFew } from '../lib/first-few.ts';
import { StepError } from '../lib/step-error.ts';
import type { Failure } from '../model/verification.ts';
import { isRegistryError } from '../registry/registry-error.ts';
import type { Testimony } from './testimony.ts';

/** That nobody who is trusted has signed the image, and what is wrong with the signatures that there are. */
export function toUnsigned(image: string, testimonies: readonly Testimony[]): Failure {
  const refusals = testimonies.flatMap((testimony) => testimony.refusals);
  const left = testimonies.reduce((sum, testimony) => sum + testimony.left, 0);
  const reasons = [...new Set(refusals.map(({ message }) => message))];
  const [first] = refusals;
  const isSame = refusals.every(({ code }) => code === first?.code);
  const rest = left === 0 ? '' : `; ${left} more signatures were not looked at, for they are too many`;
  return {
    kind: left === 0 ? 'deny' : 'undecided',
    policy: [...new Set(testimonies.map(({ policy }) => policy))].join(', '),
    code: first === undefined ? 'unsigned' : isSame ? first.code : 'untrusted',
    message:
      first === undefined && left === 0
        ? `${image} has no signature`
        : `${image} has no signature by anybody who is trusted: ${firstFew(reasons, 3, '; ')}${rest}`,
    hint: first?.hint ?? 'Sign it (secure with signing-key), or do not deploy it.',
  };
}

/** What could not be found out: a registry that does not answer, a file that cannot be read. Anything else than a StepError goes on as it is. */
export function toUndecided(policy: string, error: unknown): Failure {
  if (!(error instanceof StepError)) throw error;
  const isAbsent = isRegistryError(error, 'not-found');
  return { kind: 'undecided', policy, code: isAbsent ? 'image-absent' : error.code, message: error.message, hint: error.hint };
}
