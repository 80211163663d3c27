import { createHash, generateKeyPairSync } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** Text from `alphabet` that looks random and is the same in every run. None of it was ever a secret. */
export function made(label: string, length: number, alphabet: string): string {
  let text = '';
  for (let round = 0; text.length < length; round++) {
    for (const byte of createHash('sha512').update(`${label} ${round}`).digest())
      if (byte < 256 - (256 % alphabet.length)) text += alphabet[byte % alphabet.length];
  }
  return text.slice(0, length);
}

const alphanumeric = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

export const awsId = `AKIA${made('id', 16, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567')}`;
export const awsSecret = made('secret', 40, `${alphanumeric}+/`);
export const azureKey = createHash('sha512').update('azure').digest('base64');
export const sharedAccessKey = createHash('sha256').update('bus').digest('base64');

/** A token as GitHub makes them, with its checksum. */
export function githubToken(prefix: string, length = 30): string {
  const body = made(prefix, length, alphanumeric);
  const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
  let rest = BigInt(crc32(Buffer.from(body)));
  let digits = '';
  for (let index = 0; index < 6; index++, rest /= 62n) digits = base62.charAt(Number(rest % 62n)) + digits;
  return `${prefix}${body}${digits}`;
}

export const fineGrainedToken = `github_pat_${made('pat1', 22, alphanumeric)}_${made('pat2', 59, alphanumeric)}`;

export const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
export const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
export const ed25519 = generateKeyPairSync('ed25519');
export const rsaPkcs8 = rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
