import * as v from 'valibot';
import { isJsonObject, type JsonValue, parseStrictJson } from '../lib/strict-json.ts';
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

/**
 * Reads a statement strictly; whoever signed it, and whether it is about the image, is for the caller to see. Throws a StepError with code
 * `evidence-unreadable`.
 */
export function parseStatement(bytes: Uint8Array): InTotoStatement {
  let value: unknown;
  try {
    // A predicate has maps with keys of its author's choosing anywhere: none of them is read without regard to case.
    value = parseStrictJson(bytes, { maxBytes: maxStatementBytes, maxDepth: 64 });
  } catch (error) {
    throw evidenceError(
      'the statement',
      `it is no JSON that reads in one way only (${error instanceof Error ? error.message : 'unreadable'})`,
    );
  }
  const result = v.safeParse(statementShape, value);
  if (!result.success) throw evidenceError('the statement', result.issues[0]);
  return result.output;
}

const statementShape = v.looseObject({
  // Version 0.1 has the same fields, and is what cosign 2 writes.
  _type: v.pipe(
    v.picklist([statementType, 'https://in-toto.io/Statement/v0.1']),
    v.transform((): typeof statementType => statementType),
  ),
  subject: v.pipe(
    v.array(v.looseObject({ name: v.exactOptional(v.string()), digest: v.record(v.string(), v.string()) })),
    v.minLength(1),
    v.maxLength(1_000),
  ),
  predicateType: v.pipe(v.string(), v.nonEmpty(), v.maxLength(1_000)),
  // "Unset is treated the same as set-but-empty."
  predicate: v.optional(
    v.custom<object>((value) => isJsonObject(value as JsonValue)),
    {},
  ),
});
