import type { Descriptor } from '../../model/image.ts';
import type { SignedDocument, TaggedLayer } from '../../model/signed-document.ts';
import { attestBundle, signatureAnnotation } from './attestation.ts';
import { signDer } from './key-signature.ts';
import { type CosignSigner, isWitnessed } from './witness.ts';

export interface CosignRequest {
  readonly signer: CosignSigner;
  /** The manifest or index that is signed. */
  readonly subject: Pick<Descriptor, 'digest'>;
  /** What `cosign verify -a` asks for; signed. */
  readonly metadata: ReadonlyMap<string, string>;
}

export const simpleSigningMediaType = 'application/vnd.dev.cosign.simplesigning.v1+json';
/** The statement that cosign 3 makes where it signs an image. */
export const signPredicateType = 'https://sigstore.dev/cosign/sign/v1';

/**
 * Signs a manifest as cosign 3 does: a Sigstore bundle with a statement about it, in an envelope of DSSE. Rejects with a StepError of origin `signature` where the
 * signer's answer does not verify, or with what the signer rejects with.
 */
export function signBundle({ signer, subject, metadata }: CosignRequest, now: () => Date): Promise<SignedDocument> {
  const statement = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ digest: { sha256: subject.digest.slice('sha256:'.length) }, annotations: Object.fromEntries(metadata) }],
    predicateType: signPredicateType,
    predicate: {},
  };
  return attestBundle({ signer, statement: Buffer.from(JSON.stringify(statement)), predicateType: signPredicateType }, now);
}

/**
 * Signs a manifest as cosign 2 does: a simple signing document, to be put beside others at the tag `sha256-HEX.sig`. `repository` is where it is published
 * (`registry/repository`); cosign shows it and does not compare it.
 */
export async function signLayer(request: CosignRequest, repository: string): Promise<TaggedLayer> {
  const { signer } = request;
  const certificates = isWitnessed(signer) ? await signer.witness.certify() : [];
  const bytes = toSimpleSigning(request, repository);
  const signature = await signDer(signer, bytes);
  const annotations = { [signatureAnnotation]: signature.toString('base64') };
  if (!isWitnessed(signer)) return { mediaType: simpleSigningMediaType, bytes, annotations };
  const [certificate = new Uint8Array()] = certificates;
  const testimony = await signer.witness.testify({ certificate, message: bytes, signature });
  const { toCertifiedAnnotations } = await import('./certified-signature.ts');
  const certified = await toCertifiedAnnotations(signer, certificates, testimony, { message: bytes, signature, content: bytes });
  return { mediaType: simpleSigningMediaType, bytes, annotations: { ...annotations, ...certified } };
}

/** What `signLayer` signs: always the same. https://github.com/sigstore/cosign/blob/v3.1.3/specs/SIGNATURE_SPEC.md */
export function toSimpleSigning({ subject, metadata }: Omit<CosignRequest, 'signer'>, repository: string): Buffer {
  const payload = {
    critical: {
      identity: { 'docker-reference': repository },
      image: { 'docker-manifest-digest': subject.digest },
      type: 'cosign container image signature',
    },
    optional: metadata.size === 0 ? null : Object.fromEntries(metadata),
  };
  return Buffer.from(JSON.stringify(payload));
}
