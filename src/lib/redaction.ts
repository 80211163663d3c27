import { toSecretForms } from './secret-forms.ts';

/** A text without the given secrets, in whatever form they stand in it; one that is too short to be masked is taken out as it is. */
export function redact(text: string, secrets: Iterable<string>): string {
  let redacted = text;
  for (const secret of secrets) {
    if (secret === '') continue;
    for (const form of [secret, ...toSecretForms(secret)]) redacted = redacted.replaceAll(form, '***');
  }
  return redacted;
}
