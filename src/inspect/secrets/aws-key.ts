import { entropyBits, isPlaceholder } from './placeholder.ts';
import { latin1, type Neighbourhood, type SecretMatch, type SecretRule } from './secret-rule.ts';

/** Access key ids: `AKIA` long-lived, `ASIA` temporary (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids). */
export const awsAccessKeyRule: SecretRule = {
  anchors: [['A', 'KS', 'I']],
  begins: (content, at) => content[at + 3] === 0x41 && isKeyCharacter(content[at + 19]) && isKeyCharacter(content[at + 4]),
  match: matchAccessKey,
};

function isKeyCharacter(byte: number | undefined): boolean {
  return byte !== undefined && ((byte >= 0x41 && byte <= 0x5a) || (byte >= 0x30 && byte <= 0x39));
}

/** An id is public by itself (it stands in every presigned URL): with its secret key it is a leak, alone a hint, in a URL nothing. */
function matchAccessKey({ text, at }: Neighbourhood): SecretMatch | undefined {
  const id = /^A[KS]IA[A-Z0-9]{16}(?![A-Za-z0-9_+/=-])/.exec(text.slice(at, at + 24))?.[0];
  if (id === undefined || isPlaceholder(id.slice(4)) || /[A-Za-z0-9+/_-]$/.test(unescaped(text.slice(Math.max(0, at - 3), at))))
    return undefined;
  const before = text.slice(Math.max(0, at - 40), at);
  if (/(?:AWSAccessKeyId|X-Amz-Credential|Credential)(?:=|%3D)$/i.test(before)) return undefined;
  const kind = id.startsWith('ASIA') ? 'temporary AWS access key' : 'AWS access key';
  const secret = secretKeyNear(text, at);
  if (secret !== undefined) {
    return { rule: 'aws-access-key', title: `${kind} with its secret`, severity: 'critical', secret: `${id}:${secret}`, start: at };
  }
  if (!/^A[KS]IA[A-Z2-7]{16}$/.test(id)) return undefined;
  return { rule: 'aws-access-key-id', title: `${kind} id without its secret`, severity: 'medium', secret: id, start: at };
}

/** The secret key that stands nearest to an id: 40 characters of base64, by themselves. */
function secretKeyNear(text: string, at: number): string | undefined {
  const from = Math.max(0, at - 400);
  const candidates = [...text.slice(from, at + 800).matchAll(secretKey)].filter(([value]) => isSecretKey(value));
  const distance = (index: number): number => Math.abs(from + index - at);
  return candidates.sort((a, b) => distance(a.index) - distance(b.index))[0]?.[0];
}

const secretKey = /(?<![A-Za-z0-9/+])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])/g;

/** Random base64 has letters of both cases and others, and is neither a digest in hexadecimal nor a path. */
function isSecretKey(value: string): boolean {
  if (!/[a-z]/.test(value) || !/[A-Z]/.test(value) || !/[\d+/]/.test(value)) return false;
  return !isPlaceholder(value) && entropyBits(value) >= 4.1;
}

/** `\n` and the like, as in a string literal, are no letters. */
function unescaped(text: string): string {
  return text.replace(/\\[nrt]$/, ' ');
}

/** A secret key by its name, where no id stands near: `aws_secret_access_key = …`, `"SecretAccessKey": "…"`. */
export const awsSecretKeyRule: SecretRule = {
  anchors: [],
  begins: (content, at) =>
    ((content[at + 1] ?? 0) | 0x20) === 0x6b &&
    ((content[at + 3] ?? 0) | 0x20) === 0x79 &&
    /secret[_-]?(?:access)?[_-]?$/i.test(latin1(content, at - 16, at + 1)),
  match({ text, at }) {
    const named = /^.[kK][eE][yY]["']?[ \t]{0,4}(?:=>|[=:])[ \t]{0,4}["']?([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])/.exec(
      text.slice(at, at + 80),
    );
    const secret = named?.[1];
    if (secret === undefined || !isSecretKey(secret) || !/aws|amazon|s3|SecretAccessKey/i.test(text.slice(Math.max(0, at - 120), at + 8)))
      return undefined;
    if (/(?<![A-Z0-9])A[KS]IA[A-Z0-9]{16}(?![A-Z0-9])/.test(text.slice(Math.max(0, at - 700), at + 420))) return undefined;
    return {
      rule: 'aws-access-key',
      title: 'AWS secret access key',
      severity: 'critical',
      secret,
      start: at + text.slice(at).indexOf(secret),
    };
  },
};
