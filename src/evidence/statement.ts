import { readInTotoStatement } from '../lib/in-toto-statement.ts';
import { toHex } from '../model/digest.ts';
import type { InTotoStatement, NamedDigest } from '../model/statement.ts';
import { evidenceError } from './evidence-error.ts';
import { toWellFormedJson } from './sbom.ts';

/** https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md */
const statementType = 'https://in-toto.io/Statement/v1';

/** What a statement says: an object, or the bytes of one in JSON as it is written already, which are taken over as they are. */
export type Predicate = object | Uint8Array;

/** The bytes of a statement about one manifest, which are signed. Equal statements give equal bytes. */
export function toStatementBytes({ name, digest }: NamedDigest, predicateType: string, predicate: Predicate): Buffer {
  const head = toWellFormedJson({ _type: statementType, subject: [{ name, digest: { sha256: toHex(digest) } }], predicateType });
  const body = predicate instanceof Uint8Array ? predicate : Buffer.from(toWellFormedJson(predicate));
  return Buffer.concat([Buffer.from(`${head.slice(0, -1)},"predicate":`), body, Buffer.from('}')]);
}

/** A bill of materials of 100,000 packages, as much as fits into the largest envelope that is read. */
export const maxStatementBytes = 192 * 1024 * 1024;

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
