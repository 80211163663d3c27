import { verify } from 'node:crypto';
import * as v from 'valibot';
import { hashOf, toPublicKey } from '../../lib/signature-algorithm.ts';
import { parseStrictJson } from '../../lib/strict-json.ts';
import type { KeySigner } from '../../model/signer.ts';
import { isSameMetadata } from '../metadata.ts';
import { bundleMediaType } from './attestation.ts';
import { base64Bytes } from './base64.ts';
import { maxEnvelopeBytes as maxBytes } from './bundle.ts';
import { statementMediaType, toPreAuthentication } from './dsse.ts';
import { cosignAlgorithmOf, toHint } from './key-signature.ts';
import { type CosignRequest, signPredicateType } from './signature.ts';

const envelopeShape = v.object({
  payload: base64Bytes,
  payloadType: v.literal(statementMediaType),
  signatures: v.tuple([v.object({ sig: base64Bytes })]),
});
const bundleShape = v.object({
  mediaType: v.literal(bundleMediaType),
  verificationMaterial: v.object({ publicKey: v.object({ hint: v.string() }) }),
  dsseEnvelope: envelopeShape,
});
const texts = v.record(v.string(), v.string());
const statementShape = v.object({
  subject: v.tuple([v.object({ digest: v.strictObject({ sha256: v.string() }), annotations: v.optional(texts, {}) })]),
  predicateType: v.literal(signPredicateType),
});

/** Whether a bundle is a signature as `signBundle` makes it: by the same key, of the same manifest, with the same metadata. */
export function isOwnBundle(bytes: Uint8Array, { signer, subject, metadata }: CosignRequest): boolean {
  const content = openOwnBundle(bytes, signer);
  const statement = content && readJson(statementShape, content);
  if (statement === undefined) return false;
  const [{ digest, annotations }] = statement.subject;
  return `sha256:${digest.sha256}` === subject.digest && isSameMetadata(new Map(Object.entries(annotations)), metadata);
}

/** The statement in a bundle that `attestBundle` made with the same key; undefined where it is another's, or damaged. */
export function openOwnBundle(bytes: Uint8Array, signer: KeySigner): Buffer | undefined {
  const bundle = readJson(bundleShape, bytes);
  return bundle?.verificationMaterial.publicKey.hint === toHint(signer) ? openEnvelope(bundle.dsseEnvelope, signer) : undefined;
}

/** The same of a layer of `attestLayer`. */
export function openOwnEnvelope(bytes: Uint8Array, signer: KeySigner): Buffer | undefined {
  const envelope = readJson(envelopeShape, bytes);
  return envelope && openEnvelope(envelope, signer);
}

function openEnvelope({ payload, payloadType, signatures }: v.InferOutput<typeof envelopeShape>, signer: KeySigner): Buffer | undefined {
  return isBySigner(signer, toPreAuthentication(payloadType, payload), signatures[0].sig) ? payload : undefined;
}

function readJson<Shape extends v.GenericSchema>(shape: Shape, bytes: Uint8Array): v.InferOutput<Shape> | undefined {
  try {
    const result = v.safeParse(shape, parseStrictJson(bytes, { maxBytes }));
    return result.success ? result.output : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a signature is by the key, in the form that cosign has: in DER where it is ECDSA, and PKCS#1 v1.5 where it is RSA. */
export function isBySigner(signer: KeySigner, message: Uint8Array, signature: Uint8Array): boolean {
  // node:crypto's own defaults.
  return verify(hashOf(cosignAlgorithmOf(signer)), message, toPublicKey(signer.publicKey), signature);
}
