import * as v from 'valibot';
import { isJsonObject, type JsonObject, type JsonValue } from '../../lib/strict-json.ts';
import type { Digest } from '../../model/digest.ts';
import { signatureError } from '../signature-error.ts';
import { bundleError, notOurs, readJson } from './bundle.ts';

/** What was signed, as far as it is about one manifest. */
export interface Statement {
  readonly predicateType: string;
  /** What the type says. Tools of old write text here. */
  readonly predicate: JsonValue;
  /** What `cosign sign -a` signs along; names are of its author's choosing. */
  readonly annotations: ReadonlyMap<string, JsonValue>;
}

/** As many as sigstore-go reads. */
const maxSubjects = 1024;

const jsonObject = v.custom<object>((value) => isJsonObject(value as JsonValue));

const statementShape = v.object({
  // Version 0.1 has the same fields, and is what `cosign attest` writes.
  _type: v.picklist(['https://in-toto.io/Statement/v1', 'https://in-toto.io/Statement/v0.1']),
  subject: v.pipe(
    v.array(
      v.object({
        digest: v.record(v.string(), v.string()),
        annotations: v.optional(jsonObject, {}),
      }),
    ),
    v.minLength(1),
    v.maxLength(maxSubjects),
  ),
  predicateType: v.pipe(v.string(), v.nonEmpty(), v.maxLength(1_000)),
  predicate: v.optional(v.unknown(), {}),
});

/**
 * Reads a statement of in-toto whose signature holds, and sees that one of its subjects is `digest`. Throws a StepError with code `bundle` or `other-subject`.
 * https://github.com/in-toto/attestation/blob/v1.1.0/spec/v1/statement.md
 */
export function parseStatementAbout(digest: Digest, bytes: Uint8Array): Statement {
  // What is within a predicate is read by the spelling of its keys, which may be names of variables and the like.
  const value = readSigned(bytes, 'statement', ['predicate', 'annotations']);
  const result = v.safeParse(statementShape, value);
  if (!result.success) throw bundleError('statement', `what stands at ${v.getDotPath(result.issues[0]) ?? 'its top'} is wrong`);
  const { subject, predicateType, predicate } = result.output;
  const own = subject.find(({ digest: { sha256 } }) => `sha256:${sha256}` === digest);
  if (own === undefined) throw otherSubject(digest, subject[0]?.digest.sha256 ?? 'nothing with a SHA-256');
  return { predicateType, predicate: predicate as JsonValue, annotations: toMap(own.annotations) };
}

const documentShape = v.object({
  critical: v.object({
    image: v.object({ 'docker-manifest-digest': v.string() }),
    type: v.literal('cosign container image signature'),
  }),
  optional: v.nullish(jsonObject),
});

/**
 * The same of a simple signing document: what `cosign sign -a` signed along. Throws as `parseStatementAbout` does.
 * https://github.com/sigstore/cosign/blob/v3.1.3/specs/SIGNATURE_SPEC.md#payloads
 */
export function parseDocumentAbout(digest: Digest, bytes: Uint8Array): ReadonlyMap<string, JsonValue> {
  const result = v.safeParse(documentShape, readSigned(bytes, 'signed document', ['optional']));
  if (!result.success) throw bundleError('signed document', `what stands at ${v.getDotPath(result.issues[0]) ?? 'its top'} is wrong`);
  const signed = result.output.critical.image['docker-manifest-digest'];
  if (signed !== digest) throw otherSubject(digest, signed);
  return toMap(result.output.optional);
}

function readSigned(bytes: Uint8Array, what: string, mapsWithin: readonly string[]): JsonValue {
  return readJson(bytes, what, { maxDepth: 64, mapsWithin });
}

function toMap(value: object | null | undefined): ReadonlyMap<string, JsonValue> {
  return new Map(Object.entries((value ?? {}) as JsonObject));
}

export function otherSubject(digest: Digest, signed: string) {
  return signatureError(
    'other-subject',
    `Cannot verify the signature of ${digest}: it is over ${JSON.stringify(signed.slice(0, 200))}`,
    notOurs,
  );
}
