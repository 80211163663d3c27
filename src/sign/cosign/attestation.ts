import { toTimeText } from '../../lib/time-text.ts';
import { createdAnnotation } from '../../model/image.ts';
import type { SignedDocument, TaggedLayer } from '../../model/signed-document.ts';
import { statementMediaType, toPreAuthentication } from './dsse.ts';
import { signDer, toHint } from './key-signature.ts';
import { type CosignSigner, isWitnessed } from './witness.ts';

/** A statement of in-toto to be signed. */
export interface AttestationRequest {
  readonly signer: CosignSigner;
  /** The statement in JSON, signed as it is. Its subject is the manifest that it will be attached to. */
  readonly statement: Uint8Array;
  /** As the statement says; by it verifiers choose. */
  readonly predicateType: string;
}

/** https://github.com/sigstore/cosign/blob/v3.1.3/specs/BUNDLE_SPEC.md and sigstore_bundle.proto of protobuf-specs. */
export const bundleMediaType = 'application/vnd.dev.sigstore.bundle.v0.3+json';
/** Of a layer at the tag `sha256-HEX.att`: pkg/types/payload.go of cosign. */
export const envelopeMediaType = 'application/vnd.dsse.envelope.v1+json';
export const signatureAnnotation = 'dev.cosignproject.cosign/signature';
/** On a layer at the tag `sha256-HEX.att`. */
export const layerTypeAnnotation = 'predicateType';
/** As cosign annotates a bundle's manifest. */
export const predicateTypeAnnotation = 'dev.sigstore.bundle.predicateType';
/** Ours, on a bundle's manifest: the hint of the key, by which a bundle of one's own is found among those of others. Nothing is trusted for it. */
export const keyAnnotation = 'io.github.image-custody.key';

/**
 * Signs a statement as cosign 3 does: a Sigstore bundle with an envelope of DSSE, to be attached as a referrer. Rejects with a StepError of origin `signature` where
 * the signer's answer does not verify, or with what the signer rejects with.
 */
export async function attestBundle(request: AttestationRequest, now: () => Date): Promise<SignedDocument> {
  const { signer } = request;
  return {
    artifactType: bundleMediaType,
    mediaType: bundleMediaType,
    bytes: await toBundle(request),
    annotations: {
      'dev.sigstore.bundle.content': 'dsse-envelope',
      [predicateTypeAnnotation]: request.predicateType,
      [keyAnnotation]: toHint(signer),
      [createdAnnotation]: toTimeText(now()),
    },
  };
}

/** Signs a statement as cosign 2 does: the envelope alone, to be put beside others at the tag `sha256-HEX.att`. Rejects as `attestBundle` does. */
export async function attestLayer(request: AttestationRequest): Promise<TaggedLayer> {
  const { signer, predicateType } = request;
  const certificates = isWitnessed(signer) ? await signer.witness.certify() : [];
  const { envelope, ...signed } = await toEnvelope(request);
  const bytes = Buffer.from(JSON.stringify(envelope));
  // The signature is in the envelope; verifiers want the annotation nevertheless.
  const annotations = { [signatureAnnotation]: '', [layerTypeAnnotation]: predicateType };
  if (!isWitnessed(signer)) return { mediaType: envelopeMediaType, bytes, annotations };
  const [certificate = new Uint8Array()] = certificates;
  const testimony = await signer.witness.testify({ certificate, ...signed, envelope: bytes, stamped: bytes });
  const { toCertifiedAnnotations } = await import('./certified-signature.ts');
  const certified = await toCertifiedAnnotations(signer, certificates, testimony, { ...signed, stamped: bytes });
  return { mediaType: envelopeMediaType, bytes, annotations: { ...annotations, ...certified } };
}

async function toBundle(request: AttestationRequest): Promise<Buffer> {
  const { signer, statement } = request;
  if (isWitnessed(signer)) {
    const { toCertifiedBundle } = await import('./certified-signature.ts');
    return toCertifiedBundle(signer, statement);
  }
  const { envelope } = await toEnvelope(request);
  const verificationMaterial = { publicKey: { hint: toHint(signer) } };
  return Buffer.from(JSON.stringify({ mediaType: bundleMediaType, verificationMaterial, dsseEnvelope: envelope }));
}

async function toEnvelope({ signer, statement }: AttestationRequest) {
  const message = toPreAuthentication(statementMediaType, statement);
  const signature = await signDer(signer, message);
  const envelope = {
    payload: Buffer.from(statement).toString('base64'),
    payloadType: statementMediaType,
    signatures: [{ sig: signature.toString('base64') }],
  };
  return { envelope, message, signature, content: statement };
}
