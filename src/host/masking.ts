import { isMaskable, shortestMask, toSecretForms } from '../lib/secret-forms.ts';

/**
 * The texts to register for a secret, for both runners match line by line: a secret of several lines is never seen whole, and GitHub's would also
 * register every line of it by itself, the `}` of a JSON credential among them. GitHub's derives most of the encoded forms again from what it is
 * given, but for base64 with what stands at its end; Azure's knows none of base64.
 */
export function toMasks(secret: string): readonly string[] {
  return isMaskable(secret) ? toSecretForms(secret) : [];
}

export const unmaskedNotice = `A secret of fewer than ${shortestMask} characters on each line is not masked, for that would blot out the log. Choose a longer one.`;
