import { readInTotoStatement } from '../lib/in-toto-statement.ts';
import { toHex } from '../model/digest.ts';
import type { InTotoStatement, NamedDigest } from '../model/statement.ts';
import { evidenceError } from './evidence-error.ts';
import { toWellFormedJson } from './sbom.ts';

/** https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md */
const statementType = 'https://in-toto.io/Statement/v1';

/** A statement about one manifest. */
export function toStatement({ name, digest }: NamedDigest, predicateType: string, predicate: object): InTotoStatement {
  return { _type: statementType, subject: [{ name, digest: { sha256: toHex(digest) } }], predicateType, predicate };
}

/** The bytes that are signed. Equal statements give equal bytes. */
export function toStatementBytes(statement: InTotoStatement): Buffer {
  return Buffer.from(toWellFormedJson(statement));
}

/** A scan report of some ten thousand findings. */
export const maxStatementBytes = 64 * 1024 * 1024;

/** Reads a statement strictly; whoever signed it, and whether it is about the image, is for the caller to see. Throws a StepError with code `evidence-unreadable`. */
export function parseStatement(bytes: Uint8Array): InTotoStatement {
  try {
    const { subject, predicateType, predicate } = readInTotoStatement(bytes, maxStatementBytes);
    if (typeof predicate === 'string') throw new Error('its predicate is text');
    return {
      _type: statementType,
      subject: subject.map(({ name, digest }) => ({ ...(name == null ? {} : { name }), digest })),
      predicateType,
      predicate,
    };
  } catch (error) {
    throw evidenceError('the statement', error instanceof Error ? error.message : String(error));
  }
}
