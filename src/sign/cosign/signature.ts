import { createHash } from 'node:crypto';
import { toDerSignature } from '../../lib/ecdsa-signature.ts';
import { isSignature, toPublicKey } from '../../lib/signature-algorithm.ts';
import { toTimeText } from '../../lib/time-text.ts';
import type { Descriptor } from '../../model/image.ts';
import type { SignedDocument, TaggedLayer } from '../../model/signed-document.ts';
import type { KeyAlgorithm, KeySigner } from '../../model/signer.ts';
import { wrongSignature } from '../wrong-signature.ts';
import { statementMediaType, toPreAuthentication } from './dsse.ts';

export interface CosignRequest {
  readonly signer: KeySigner;
  /** The manifest or index that is signed. */
  readonly subject: Pick<Descriptor, 'digest'>;
  /** What `cosign verify -a` asks for; signed. */
  readonly metadata: ReadonlyMap<string, string>;
}

/** https://github.com/sigstore/cosign/blob/v3.1.3/specs/BUNDLE_SPEC.md and sigstore_bundle.proto of protobuf-specs. */
export const bundleMediaType = 'application/vnd.dev.sigstore.bundle.v0.3+json';
export const simpleSigningMediaType = 'application/vnd.dev.cosign.simplesigning.v1+json';
export const signatureAnnotation = 'dev.cosignproject.cosign/signature';
/** The statement that cosign 3 makes where it signs an image. */
export const signPredicateType = 'https://sigstore.dev/cosign/sign/v1';

/**
 * Signs a manifest as cosign 3 does: a Sigstore bundle with a statement about it, in an envelope of DSSE. Rejects with a StepError of origin `signature` where the
 * signer's answer does not verify, or with what the signer rejects with.
 */
export async function signBundle({ signer, subject, metadata }: CosignRequest, now: () => Date): Promise<SignedDocument> {
  const statement = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ digest: { sha256: subject.digest.slice('sha256:'.length) }, annotations: Object.fromEntries(metadata) }],
    predicateType: signPredicateType,
    predicate: {},
  };
  const payload = Buffer.from(JSON.stringify(statement));
  const signature = await signDer(signer, toPreAuthentication(statementMediaType, payload));
  const bundle = {
    mediaType: bundleMediaType,
    verificationMaterial: { publicKey: { hint: toHint(signer) } },
    dsseEnvelope: {
      payload: payload.toString('base64'),
      payloadType: statementMediaType,
      signatures: [{ sig: signature.toString('base64') }],
    },
  };
  return {
    artifactType: bundleMediaType,
    mediaType: bundleMediaType,
    bytes: Buffer.from(JSON.stringify(bundle)),
    annotations: {
      'dev.sigstore.bundle.content': 'dsse-envelope',
      'dev.sigstore.bundle.predicateType': signPredicateType,
      'org.opencontainers.image.created': toTimeText(now()),
    },
  };
}

/**
 * Signs a manifest as cosign 2 does: a simple signing document that names it, to be put beside others at the tag `sha256-HEX.sig`. `repository` is where it is
 * published (`registry/repository`); cosign shows it and does not compare it.
 * https://github.com/sigstore/cosign/blob/v3.1.3/specs/SIGNATURE_SPEC.md
 */
export async function signLayer({ signer, subject, metadata }: CosignRequest, repository: string): Promise<TaggedLayer> {
  const payload = {
    critical: {
      identity: { 'docker-reference': repository },
      image: { 'docker-manifest-digest': subject.digest },
      type: 'cosign container image signature',
    },
    optional: metadata.size === 0 ? null : Object.fromEntries(metadata),
  };
  const bytes = Buffer.from(JSON.stringify(payload));
  const signature = await signDer(signer, bytes);
  return { mediaType: simpleSigningMediaType, bytes, annotations: { [signatureAnnotation]: signature.toString('base64') } };
}

/** The form of signature that cosign verifies by a key of this kind: of RSA PKCS#1 v1.5 with SHA-256 alone. */
export function cosignAlgorithmOf({ algorithm }: Pick<KeySigner, 'algorithm'>): KeyAlgorithm {
  return algorithm.startsWith('PS') ? 'RS256' : algorithm;
}

async function signDer(signer: KeySigner, message: Uint8Array): Promise<Buffer> {
  const algorithm = cosignAlgorithmOf(signer);
  const signature = await signer.sign(message, algorithm);
  if (!isSignature(algorithm, toPublicKey(signer.publicKey), message, signature)) throw wrongSignature(signer, algorithm);
  return Buffer.from(algorithm.startsWith('ES') ? toDerSignature(signature) : signature);
}

/** How cosign names a key in a bundle: SHA-256 of its SubjectPublicKeyInfo. */
export function toHint({ publicKey }: KeySigner): string {
  return createHash('sha256').update(publicKey).digest('base64');
}
