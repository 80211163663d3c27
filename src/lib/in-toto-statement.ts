import * as v from 'valibot';
import { base64Bytes } from './base64.ts';
import { jsonObject } from './json-object.ts';
import { type JsonObject, type JsonValue, parseStrictJson } from './strict-json.ts';

/** A statement of in-toto as it was read: of version 1, or of 0.1, which has the same fields and is what `cosign attest` writes. */
export interface ReadStatement {
  readonly subject: readonly ReadSubject[];
  readonly predicateType: string;
  /** What the type says. Tools of old write text here. */
  readonly predicate: JsonObject | string;
}

export interface ReadSubject {
  readonly name?: string | null | undefined;
  /** By algorithm. */
  readonly digest: Readonly<Record<string, string>>;
  /** Names are of the author's choosing. */
  readonly annotations: JsonObject;
}

/** As many as sigstore-go reads. */
const maxSubjects = 1024;
const maxDepth = 64;

const text = v.nullish(v.string());

const subjectShape = v.strictObject({
  name: text,
  uri: text,
  digest: v.record(v.string(), v.string()),
  content: v.nullish(base64Bytes),
  downloadLocation: text,
  mediaType: text,
  annotations: v.nullish(jsonObject, {}),
});

const statementShape = v.strictObject({
  _type: v.picklist(['https://in-toto.io/Statement/v1', 'https://in-toto.io/Statement/v0.1']),
  subject: v.pipe(v.array(subjectShape), v.minLength(1), v.maxLength(maxSubjects)),
  predicateType: v.pipe(v.string(), v.nonEmpty(), v.maxLength(1_000)),
  // "Unset is treated the same as set-but-empty."
  predicate: v.nullish(v.union([jsonObject, v.string()]), {}),
});

/**
 * Reads a statement strictly: a field that nobody knows is refused, as cosign refuses it. Whoever signed it, and what it is about, is for the caller to see. Throws an
 * Error whose message is the reason, and quotes no value. https://github.com/in-toto/attestation/blob/v1.1.0/spec/v1/statement.md
 */
export function readInTotoStatement(bytes: Uint8Array, maxBytes: number): ReadStatement {
  const result = v.safeParse(statementShape, readJson(bytes, maxBytes));
  if (result.success) return result.output;
  throw new Error(`what stands at ${v.getDotPath(result.issues[0]) ?? 'its top'} is wrong`);
}

function readJson(bytes: Uint8Array, maxBytes: number): JsonValue {
  try {
    // What is within a predicate is read by the spelling of its keys, which may be names of variables and the like.
    return parseStrictJson(bytes, { maxBytes, maxDepth, mapsWithin: ['predicate', 'annotations'] });
  } catch (error) {
    throw new Error(`it is no JSON that reads in one way only: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}
