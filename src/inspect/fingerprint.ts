import { createHash } from 'node:crypto';

/** The stable identity of a finding: 16 hexadecimal digits over what makes it this finding and no other. */
export function toFingerprint(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}
