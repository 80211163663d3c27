import { toSecretForms } from './secret-forms.ts';

/** A part of a secret that is this long is as good as the rest of it: a server may have cut what it gives back. */
const partCharacters = 12;

/**
 * A text, such as a server's, without the given secrets, in whatever form they or a part of them stand in it; one that is too short to be masked is
 * taken out as it is.
 */
export function redact(text: string, secrets: Iterable<string>): string {
  let redacted = text;
  for (const secret of secrets) {
    if (secret === '') continue;
    const forms = [secret, ...toSecretForms(secret), ...toRareForms(secret)];
    for (const form of forms) redacted = redacted.replaceAll(form, '***');
    redacted = withoutParts(redacted, forms);
  }
  return redacted;
}

/** What no runner is told to hide, for it would be one mask more for each secret, but a server may write. */
function toRareForms(secret: string): readonly string[] {
  const hex = Buffer.from(secret, 'utf8').toString('hex');
  const html = secret.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
  const quoted = JSON.stringify(JSON.stringify(secret)).slice(3, -3);
  return [hex, hex.toUpperCase(), html, html.replaceAll("'", '&#39;'), html.replaceAll("'", '&#x27;'), quoted];
}

function withoutParts(text: string, forms: readonly string[]): string {
  if (text.length < partCharacters) return text;
  const parts = new Set(
    forms.flatMap((form) =>
      Array.from({ length: Math.max(0, form.length - partCharacters + 1) }, (_, at) => form.slice(at, at + partCharacters)),
    ),
  );
  let kept = '';
  let hiddenUntil = 0;
  for (let at = 0; at < text.length; at += 1) {
    const isPart = parts.has(text.slice(at, at + partCharacters));
    if (isPart && at >= hiddenUntil) kept += '***';
    if (isPart) hiddenUntil = at + partCharacters;
    if (at >= hiddenUntil) kept += text[at];
  }
  return kept;
}
