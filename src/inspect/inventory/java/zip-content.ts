import { inflateRawSync } from 'node:zlib';
import type { ZipEntry } from './zip-record.ts';

/** What may yet be read of one file of the image: what a bomb would take is not given. */
export interface InflationBudget {
  /** Bytes to inflate to. */
  remaining: number;
  entries: number;
}

/** The content of an entry is not looked at, for the reason that the message says. */
export class UnreadEntryError extends Error {
  readonly code: 'damaged' | 'too-large' | 'unsupported';

  constructor(code: UnreadEntryError['code'], reason: string) {
    super(reason);
    this.code = code;
  }
}

/** The content of an entry from its bytes in the archive, at most `limitBytes`. */
export function inflateEntry(entry: ZipEntry, bytes: Buffer, limitBytes: number, budget: InflationBudget): Buffer {
  budget.entries -= 1;
  if (budget.entries < 0) throw new UnreadEntryError('too-large', 'it has more entries than are read of an archive');
  if (entry.isEncrypted) throw new UnreadEntryError('unsupported', `${shown(entry.name)} is encrypted`);
  if (entry.method !== 0 && entry.method !== 8) {
    throw new UnreadEntryError('unsupported', `${shown(entry.name)} is compressed by method ${entry.method}`);
  }
  const maxOutputLength = Math.min(limitBytes, budget.remaining);
  if (maxOutputLength < 1 || (entry.method === 0 && bytes.length > maxOutputLength)) throw tooLarge(entry);
  try {
    const content = entry.method === 0 ? bytes : inflateRawSync(bytes, { maxOutputLength });
    budget.remaining -= content.length;
    return content;
  } catch (error) {
    if (error instanceof RangeError) {
      budget.remaining -= maxOutputLength;
      throw tooLarge(entry);
    }
    throw new UnreadEntryError('damaged', `${shown(entry.name)} cannot be inflated`);
  }
}

function tooLarge({ name }: ZipEntry): UnreadEntryError {
  return new UnreadEntryError('too-large', `${shown(name)} is larger than what is read of an archive`);
}

/** A name in an archive, for a message. */
export function shown(name: string): string {
  return JSON.stringify(name.length > 200 ? `${name.slice(0, 200)}…` : name);
}
