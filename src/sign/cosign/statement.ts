import * as v from 'valibot';
import { type ReadStatement, readInTotoStatement } from '../../lib/in-toto-statement.ts';
import { jsonObject } from '../../lib/json-object.ts';
import type { JsonObject, JsonValue } from '../../lib/strict-json.ts';
import type { Digest } from '../../model/digest.ts';
import { signatureError } from '../signature-error.ts';
import { bundleError, maxEnvelopeBytes, notOurs, readJson } from './bundle.ts';

/** What was signed, as far as it is about one manifest. */
export interface Statement {
  readonly predicateType: string;
  /** What the type says. Tools of old write text here. */
  readonly predicate: JsonValue;
  /** What `cosign sign -a` signs along; names are of its author's choosing. */
  readonly annotations: ReadonlyMap<string, JsonValue>;
}

/** What holds it. */
export type StatementForm = 'bundle' | 'layer';

/** As many as sigstore-go reads. */
const maxDigests = 32;

/**
 * Reads a statement of in-toto whose signature holds, and sees that one of its subjects is `digest`. Throws a StepError with code `bundle` or `other-subject`.
 * https://github.com/in-toto/attestation/blob/v1.1.0/spec/v1/statement.md
 */
export function parseStatementAbout(digest: Digest, bytes: Uint8Array, form: StatementForm): Statement {
  const { subject, predicateType, predicate } = readStatement(bytes, form);
  const own = subject.find(({ digest: { sha256 } }) => `sha256:${sha256}` === digest);
  if (own === undefined) throw otherSubject(digest, subject[0]?.digest.sha256 ?? 'nothing with a SHA-256');
  return { predicateType, predicate, annotations: toMap(own.annotations) };
}

function readStatement(bytes: Uint8Array, form: StatementForm): ReadStatement {
  let statement: ReadStatement;
  try {
    statement = readInTotoStatement(bytes, maxEnvelopeBytes);
  } catch (error) {
    throw bundleError('statement', error instanceof Error ? error.message : String(error));
  }
  if (form === 'bundle') checkInBundle(statement);
  return statement;
}

/** What cosign wants of a statement in a bundle, and not of one at the tag `sha256-HEX.att`. */
function checkInBundle({ subject, predicate }: ReadStatement): void {
  if (typeof predicate === 'string') throw bundleError('statement', 'its predicate is text');
  for (const digests of subject.map(({ digest }) => Object.values(digest))) {
    if (digests.length > maxDigests) throw bundleError('statement', `a subject has more than ${maxDigests} digests`);
    if (!digests.every((text) => /^(?:[0-9a-f]{2})*$/i.test(text)))
      throw bundleError('statement', 'a digest of a subject is not in hexadecimal digits');
  }
}

const documentShape = v.strictObject({
  critical: v.strictObject({
    identity: v.nullish(v.strictObject({ 'docker-reference': v.nullish(v.string()) })),
    image: v.strictObject({ 'docker-manifest-digest': v.string() }),
    type: v.literal('cosign container image signature'),
  }),
  optional: v.nullish(jsonObject),
});

/**
 * The same of a simple signing document: what `cosign sign -a` signed along. Throws as `parseStatementAbout` does.
 * https://github.com/sigstore/cosign/blob/v3.1.3/specs/SIGNATURE_SPEC.md#payloads
 */
export function parseDocumentAbout(digest: Digest, bytes: Uint8Array): ReadonlyMap<string, JsonValue> {
  const result = v.safeParse(documentShape, readJson(bytes, 'signed document', { maxDepth: 64, mapsWithin: ['optional'] }));
  if (!result.success) throw bundleError('signed document', `what stands at ${v.getDotPath(result.issues[0]) ?? 'its top'} is wrong`);
  const signed = result.output.critical.image['docker-manifest-digest'];
  if (signed !== digest) throw otherSubject(digest, signed);
  return toMap(result.output.optional);
}

function toMap(value: JsonObject | null | undefined): ReadonlyMap<string, JsonValue> {
  return new Map(Object.entries(value ?? {}));
}

export function otherSubject(digest: Digest, signed: string) {
  return signatureError(
    'other-subject',
    `Cannot verify the signature of ${digest}: it is over ${JSON.stringify(signed.slice(0, 200))}`,
    notOurs,
  );
}
