import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { base64Bytes } from '../../lib/base64.ts';
import type { JsonValue } from '../../lib/strict-json.ts';
import type { Digest } from '../../model/digest.ts';
import type { TaggedLayer } from '../../model/signed-document.ts';
import { signatureError } from '../signature-error.ts';
import { envelopeMediaType, signatureAnnotation } from './attestation.ts';
import { type BundleContent, bundleError, type MessageSignature, notOurs, parseBundle, parseEnvelope } from './bundle.ts';
import type { CertifiedSignature } from './certificate-verification.ts';
import { readCertifiedLayer } from './certified-layer.ts';
import { statementMediaType, toPreAuthentication } from './dsse.ts';
import { toHint } from './key-signature.ts';
import { signPredicateType, simpleSigningMediaType } from './signature.ts';
import { otherSubject, parseDocumentAbout, parseStatementAbout, type Statement, type StatementForm } from './statement.ts';
import { type CosignTrust, isCosignSignature } from './trust.ts';

/** What somebody who is trusted said of a manifest. A mere signature is a statement of the type `https://sigstore.dev/cosign/sign/v1`. */
export interface VerifiedStatement extends Statement {
  /** Whose word it is: the key by its name, or `SUBJECT (ISSUER)`. */
  readonly signedBy: string;
  /** When it was signed, where a log or an authority of time vouches for it. */
  readonly time?: Date;
}

/** The manifest that is asked about. */
export interface CosignSubject {
  readonly digest: Digest;
  /** Of the manifest; a bundle that signs it without a statement needs them. */
  readonly bytes?: Uint8Array;
}

/**
 * Verifies a Sigstore bundle about a manifest: form, signature by somebody who is trusted, subject. Rejects with a StepError that says which of them failed. What logs
 * and authorities say of a signature by a trusted key is not looked at: the key is enough.
 */
export async function verifyCosignBundle(bytes: Uint8Array, subject: CosignSubject, trust: CosignTrust): Promise<VerifiedStatement> {
  const { content, signer, json } = parseBundle(bytes);
  const message = toMessage(content, subject);
  const { signature } = content;
  const made =
    signer.kind === 'key'
      ? verifyByKey(message, signature, trust, signer.hint)
      : await verifyByCertificate(
          { bundle: json, certificate: signer.der, message, signature, content: content.kind === 'dsse' ? content.payload : message },
          trust,
        );
  return { ...toStatement(content, subject, 'bundle'), ...made };
}

/** The same of a layer at the tag `sha256-HEX.sig` or `sha256-HEX.att`. */
export async function verifyCosignLayer(layer: TaggedLayer, subject: CosignSubject, trust: CosignTrust): Promise<VerifiedStatement> {
  if (layer.mediaType === envelopeMediaType) {
    const envelope = parseEnvelope(layer.bytes);
    const made = await verifyLayer(
      layer,
      { message: toMessage(envelope, subject), signature: envelope.signature, content: envelope.payload, stamped: layer.bytes },
      trust,
    );
    return { ...toStatement(envelope, subject, 'layer'), ...made };
  }
  if (layer.mediaType !== simpleSigningMediaType) throw bundleError('layer', `it is of type ${JSON.stringify(layer.mediaType)}`);
  const made = await verifyLayer(layer, { message: layer.bytes, signature: readSignature(layer), content: layer.bytes }, trust);
  const annotations = parseDocumentAbout(subject.digest, layer.bytes);
  return { predicateType: signPredicateType, predicate: {}, annotations, ...made };
}

type Made = Pick<VerifiedStatement, 'signedBy' | 'time'>;
type SignedLayer = Pick<CertifiedSignature, 'message' | 'signature' | 'content' | 'stamped'>;

async function verifyLayer(layer: TaggedLayer, signed: SignedLayer, trust: CosignTrust): Promise<Made> {
  const certified = readCertifiedLayer(layer, signed);
  const signer = trust.keys.find(({ key }) => isCosignSignature(key, signed.message, signed.signature));
  // A certificate for a key that is trusted takes nothing from it.
  if (certified === undefined || signer !== undefined) return verifyByKey(signed.message, signed.signature, trust);
  return verifyByCertificate({ ...certified, ...signed }, trust);
}

async function verifyByCertificate(certified: CertifiedSignature, { identities, openRoot }: CosignTrust): Promise<Made> {
  if (identities.length === 0) throw untrusted('it is by the key of a certificate, and no identity is trusted');
  const { verifyCertified } = await import('./certificate-verification.ts');
  const { signedBy, time } = verifyCertified(certified, identities, await openRoot());
  return { signedBy, time };
}

/** The bytes that the signature is over. */
function toMessage(content: BundleContent, { digest, bytes }: CosignSubject): Uint8Array {
  if (content.kind === 'dsse') {
    if (content.payloadType !== statementMediaType)
      throw bundleError('envelope', `its content is of type ${JSON.stringify(content.payloadType)}`);
    return toPreAuthentication(content.payloadType, content.payload);
  }
  return toArtifact(content, digest, bytes);
}

function toArtifact({ digest: signed, algorithm }: MessageSignature, digest: Digest, bytes: Uint8Array | undefined): Uint8Array {
  // Says what is meant to be signed and is itself not: the signature is verified over the manifest.
  if (digest !== `${algorithm}:${signed.toString('hex')}`) throw otherSubject(digest, `${algorithm}:${signed.toString('hex')}`);
  if (bytes === undefined || digest !== `sha256:${createHash('sha256').update(bytes).digest('hex')}`)
    throw bundleError('bundle', 'it signs the manifest without a statement, and the manifest is not at hand');
  return bytes;
}

function toStatement(content: BundleContent, { digest }: CosignSubject, form: StatementForm): Statement {
  if (content.kind === 'dsse') return parseStatementAbout(digest, content.payload, form);
  return { predicateType: signPredicateType, predicate: {}, annotations: new Map<string, JsonValue>() };
}

function readSignature({ annotations }: TaggedLayer): Buffer {
  // `cosign attach signature` takes over what `base64` writes: lines.
  const result = v.safeParse(base64Bytes, annotations[signatureAnnotation]?.replaceAll(/\r?\n/g, ''));
  if (!result.success || result.output.length === 0)
    throw bundleError('layer', `its annotation ${signatureAnnotation} is no signature in base64`);
  return result.output;
}

function verifyByKey(message: Uint8Array, signature: Uint8Array, { keys }: CosignTrust, hint?: string): Made {
  const signer = keys.find(({ key }) => isCosignSignature(key, message, signature));
  if (signer !== undefined) return { signedBy: signer.name };
  const named = keys.find(({ key }) => toHint({ publicKey: key.export({ format: 'der', type: 'spki' }) }) === hint);
  if (named === undefined) throw untrusted('none of the trusted keys made it');
  throw signatureError('wrong-signature', `Cannot verify the signature: it is not one by ${named.name} over its content`, notOurs);
}

function untrusted(reason: string) {
  return signatureError('untrusted', `Cannot verify the signature: ${reason}`, notOurs);
}
