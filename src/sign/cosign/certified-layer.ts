import { createHash, X509Certificate } from 'node:crypto';
import * as v from 'valibot';
import { base64Bytes } from '../../lib/base64.ts';
import { type JsonValue, parseStrictJson } from '../../lib/strict-json.ts';
import type { TaggedLayer } from '../../model/signed-document.ts';
import { bundleError } from './bundle.ts';
import type { CertifiedSignature } from './certificate-verification.ts';

/** https://github.com/sigstore/cosign/blob/v3.1.3/specs/SIGNATURE_SPEC.md#properties and pkg/oci/static/signature.go */
export const certificateAnnotation = 'dev.sigstore.cosign/certificate';
export const chainAnnotation = 'dev.sigstore.cosign/chain';
export const logAnnotation = 'dev.sigstore.cosign/bundle';
export const timestampAnnotation = 'dev.sigstore.cosign/rfc3161timestamp';

const logShape = v.strictObject({
  SignedEntryTimestamp: base64Bytes,
  Payload: v.strictObject({
    body: base64Bytes,
    integratedTime: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
    logIndex: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
    logID: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  }),
});
const kindShape = v.object({ kind: v.string(), apiVersion: v.string() });
const timestampShape = v.strictObject({ SignedRFC3161Timestamp: base64Bytes });

/**
 * What a layer of cosign 2 is annotated with where it is by the key of a certificate, as the bundle of today that says the same; undefined where it names no
 * certificate. Throws a StepError with code `bundle`.
 */
export function readCertifiedLayer(
  { annotations }: Pick<TaggedLayer, 'annotations'>,
  { content, signature }: Pick<CertifiedSignature, 'content' | 'signature'>,
): Pick<CertifiedSignature, 'bundle' | 'certificate'> | undefined {
  const pem = annotations[certificateAnnotation];
  if (pem === undefined || pem === '') return undefined;
  const certificate = readCertificate(pem);
  const log = annotations[logAnnotation];
  const timestamp = annotations[timestampAnnotation];
  const digest = createHash('sha256').update(content).digest('base64');
  const bundle: JsonValue = {
    mediaType: 'application/vnd.dev.sigstore.bundle+json;version=0.1',
    verificationMaterial: {
      certificate: { rawBytes: certificate.toString('base64') },
      tlogEntries: log === undefined ? [] : [readLogEntry(log)],
      timestampVerificationData: { rfc3161Timestamps: timestamp === undefined ? [] : [readTimestamp(timestamp)] },
    },
    messageSignature: { messageDigest: { algorithm: 'SHA2_256', digest }, signature: Buffer.from(signature).toString('base64') },
  };
  return { bundle, certificate };
}

function readCertificate(pem: string): Buffer {
  try {
    return new X509Certificate(pem).raw;
  } catch {
    throw bundleError('layer', `its annotation ${certificateAnnotation} is no certificate`);
  }
}

function readLogEntry(text: string): JsonValue {
  const { SignedEntryTimestamp: promise, Payload: payload } = readAnnotation(logAnnotation, logShape, Buffer.from(text));
  const { kind, apiVersion } = readAnnotation(logAnnotation, kindShape, payload.body);
  return {
    logIndex: String(payload.logIndex),
    logId: { keyId: Buffer.from(payload.logID, 'hex').toString('base64') },
    kindVersion: { kind, version: apiVersion },
    integratedTime: String(payload.integratedTime),
    inclusionPromise: { signedEntryTimestamp: promise.toString('base64') },
    canonicalizedBody: payload.body.toString('base64'),
  };
}

function readTimestamp(text: string): JsonValue {
  const { SignedRFC3161Timestamp: token } = readAnnotation(timestampAnnotation, timestampShape, Buffer.from(text));
  return { signedTimestamp: token.toString('base64') };
}

function readAnnotation<Shape extends v.GenericSchema>(name: string, shape: Shape, bytes: Uint8Array): v.InferOutput<Shape> {
  try {
    return v.parse(shape, parseStrictJson(bytes, { maxBytes: 16 * 1024 * 1024 }));
  } catch {
    throw bundleError('layer', `its annotation ${name} is not of the form that cosign gives it`);
  }
}
