import * as v from 'valibot';
import { base64Bytes } from '../../lib/base64.ts';
import { type JsonValue, parseStrictJson, type StrictJsonLimits } from '../../lib/strict-json.ts';
import { signatureError } from '../signature-error.ts';

/** A Sigstore bundle whose form is right; nothing in it is verified. https://github.com/sigstore/protobuf-specs/blob/v0.5.1/protos/sigstore_bundle.proto */
export interface Bundle {
  readonly content: BundleContent;
  readonly signer: BundleSigner;
  /** The whole of it, as it was read. */
  readonly json: JsonValue;
}

export type BundleContent = DsseEnvelope | MessageSignature;

export interface DsseEnvelope {
  readonly kind: 'dsse';
  readonly payloadType: string;
  readonly payload: Buffer;
  readonly signature: Buffer;
}

export interface MessageSignature {
  readonly kind: 'message';
  readonly algorithm: 'sha256';
  readonly digest: Buffer;
  readonly signature: Buffer;
}

/** By what its signature can be verified. */
export type BundleSigner = { readonly kind: 'key'; readonly hint: string } | { readonly kind: 'certificate'; readonly der: Buffer };

/** Of a bundle and of an envelope: a statement may hold a bill of materials of 100,000 packages. */
export const maxEnvelopeBytes = 256 * 1024 * 1024;

/** Of a bundle and of an envelope, whose signature is not verified yet: all that they may hold is less than half of it. */
const maxValues = 10_000;

const envelopeShape = v.pipe(
  v.strictObject({
    payload: base64Bytes,
    payloadType: v.string(),
    signatures: v.strictTuple([v.strictObject({ sig: base64Bytes, keyid: v.nullish(v.string()) })]),
  }),
  v.transform(({ payload, payloadType, signatures: [{ sig }] }): DsseEnvelope => ({ kind: 'dsse', payloadType, payload, signature: sig })),
);
const messageShape = v.pipe(
  v.strictObject({
    messageDigest: v.strictObject({ algorithm: v.literal('SHA2_256'), digest: base64Bytes }),
    signature: base64Bytes,
  }),
  v.transform(
    ({ messageDigest: { digest }, signature }): MessageSignature => ({ kind: 'message', algorithm: 'sha256', digest, signature }),
  ),
);

const number = v.pipe(v.string(), v.regex(/^(?:0|[1-9][0-9]{0,18})$/));
const certificateShape = v.strictObject({ rawBytes: base64Bytes });
/** A TransparencyLogEntry of sigstore_rekor.proto. Numbers are not written where they are 0; older writers have null where there is nothing. */
export const logEntryShape = v.strictObject({
  logIndex: v.nullish(number),
  logId: v.strictObject({ keyId: base64Bytes }),
  kindVersion: v.strictObject({ kind: v.string(), version: v.string() }),
  integratedTime: v.nullish(number),
  inclusionPromise: v.nullish(v.strictObject({ signedEntryTimestamp: base64Bytes })),
  inclusionProof: v.nullish(
    v.strictObject({
      logIndex: v.nullish(number),
      rootHash: base64Bytes,
      treeSize: number,
      hashes: v.nullish(v.pipe(v.array(base64Bytes), v.maxLength(64))),
      checkpoint: v.nullish(v.strictObject({ envelope: v.pipe(v.string(), v.maxLength(65_536)) })),
    }),
  ),
  canonicalizedBody: base64Bytes,
});
const materialShape = v.strictObject({
  publicKey: v.nullish(v.strictObject({ hint: v.nullish(v.string(), '') })),
  certificate: v.nullish(certificateShape),
  x509CertificateChain: v.nullish(v.strictObject({ certificates: v.pipe(v.array(certificateShape), v.minLength(1), v.maxLength(16)) })),
  tlogEntries: v.nullish(v.pipe(v.array(logEntryShape), v.maxLength(32)), []),
  timestampVerificationData: v.nullish(
    v.strictObject({
      rfc3161Timestamps: v.nullish(v.pipe(v.array(v.strictObject({ signedTimestamp: base64Bytes })), v.maxLength(32))),
    }),
  ),
});

/** Versions before 0.3 are what cosign 2 and GitHub's attestations had. */
const mediaTypes = [
  'application/vnd.dev.sigstore.bundle.v0.3+json',
  'application/vnd.dev.sigstore.bundle+json;version=0.3',
  'application/vnd.dev.sigstore.bundle+json;version=0.2',
  'application/vnd.dev.sigstore.bundle+json;version=0.1',
] as const;

const bundleShape = v.strictObject({
  mediaType: v.picklist(mediaTypes),
  verificationMaterial: materialShape,
  dsseEnvelope: v.nullish(envelopeShape),
  messageSignature: v.nullish(messageShape),
});

/** Throws a StepError with code `bundle`: where anything is there twice, missing, or unknown, which another reader might read otherwise. */
export function parseBundle(bytes: Uint8Array): Bundle {
  const json = readJson(bytes, 'bundle', { maxValues });
  const { mediaType, verificationMaterial, dsseEnvelope, messageSignature } = matchShape(bundleShape, json, 'bundle');
  const contents = [dsseEnvelope, messageSignature].filter((content) => content != null);
  const [content] = contents;
  if (content === undefined || contents.length > 1) throw bundleError('bundle', 'it has to have one of dsseEnvelope and messageSignature');
  const { publicKey, certificate, x509CertificateChain, tlogEntries } = verificationMaterial;
  if (x509CertificateChain && mediaType.includes('0.3'))
    throw bundleError('bundle', 'it has a certificate chain, which version 0.3 has not');
  const proof = mediaType.endsWith('0.1') ? 'inclusionPromise' : 'inclusionProof';
  if (tlogEntries.length > 0 && !tlogEntries.some((entry) => entry[proof] != null))
    throw bundleError('bundle', `its log entries have no ${proof}, which its version asks for`);
  const signers: (BundleSigner | null | undefined)[] = [
    publicKey && { kind: 'key', hint: publicKey.hint },
    certificate && { kind: 'certificate', der: certificate.rawBytes },
    x509CertificateChain?.certificates[0] && { kind: 'certificate', der: x509CertificateChain.certificates[0].rawBytes },
  ];
  const named = signers.filter((signer) => signer != null);
  const [signer] = named;
  if (signer === undefined || named.length > 1) throw bundleError('bundle', 'it has to name one key or certificate');
  return { content, signer, json };
}

/** An envelope of DSSE with one signature: https://github.com/secure-systems-lab/dsse/blob/v1.0.2/envelope.md. Throws as `parseBundle` does. */
export function parseEnvelope(bytes: Uint8Array): DsseEnvelope {
  return matchShape(envelopeShape, readJson(bytes, 'envelope', { maxValues }), 'envelope');
}

/** JSON of the size of an envelope, read strictly. Throws a StepError with code `bundle`. */
export function readJson(bytes: Uint8Array, what: string, limits: StrictJsonLimits = {}): JsonValue {
  try {
    return parseStrictJson(bytes, { maxBytes: maxEnvelopeBytes, ...limits });
  } catch (error) {
    throw bundleError(what, `it is no JSON that reads in one way only: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function matchShape<Shape extends v.GenericSchema>(shape: Shape, value: JsonValue, what: string): v.InferOutput<Shape> {
  const result = v.safeParse(shape, value, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw bundleError(what, `what stands at ${v.getDotPath(issue) ?? 'its top'} is wrong`);
}

/** What is no signature of cosign at all. */
export function bundleError(what: string, reason: string) {
  return signatureError('bundle', `Cannot read the ${what}: ${reason}`, notOurs);
}

export const notOurs =
  'Do not trust the image on the strength of this signature; see who wrote it to the registry, and sign the image again.';
