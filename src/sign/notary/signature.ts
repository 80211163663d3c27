import { createHash, X509Certificate } from 'node:crypto';
import { isSignature, signatureAlgorithmOf } from '../../lib/signature-algorithm.ts';
import type { StepError } from '../../lib/step-error.ts';
import type { KeySigner } from '../../model/signer.ts';
import { type SignatureErrorCode, signatureError } from '../signature-error.ts';
import { checkCertificateChain } from './certificate-chain.ts';
import { envelopeMediaType, type SignedSubject, toEnvelope, toSigningInput, toTimeText } from './envelope.ts';
import { verifyNotary } from './verification.ts';

export interface NotarySignatureRequest {
  readonly signer: KeySigner;
  /** The manifest or index that is signed. */
  readonly subject: SignedSubject;
  readonly now: () => Date;
  /** Names this program, `image-custody/1.2.3`; not signed. */
  readonly agent: string;
  /** From when on the signature no longer counts; after `now`. */
  readonly expiry?: Date;
}

/** A signature as it is attached to its subject: one layer of `bytes` in a manifest with this artifact type and these annotations. */
export interface NotarySignature {
  readonly artifactType: typeof notaryArtifactType;
  readonly mediaType: typeof envelopeMediaType;
  readonly bytes: Uint8Array;
  readonly annotations: Readonly<Record<string, string>>;
}

/** https://github.com/notaryproject/specifications/blob/v1.1.0/specs/signature-specification.md#oci-signatures */
export const notaryArtifactType = 'application/vnd.cncf.notary.signature';
export const thumbprintAnnotation = 'io.cncf.notary.x509chain.thumbprint#S256';

/**
 * Signs `subject` for the Notary Project: checks the certificate chain, has the key sign once, and verifies the result before it is given
 * back. Rejects with a StepError of origin `signature`, or with what the signer rejects with.
 */
export async function signNotary(request: NotarySignatureRequest): Promise<NotarySignature> {
  const { signer, subject, now } = request;
  const signingTime = new Date(Math.floor(now().getTime() / 1000) * 1000);
  checkCertificateChain(signer, signingTime);
  const leaf = readLeaf(signer);
  const signingInput = toSigningInput(signer.algorithm, subject, signingTime, request.expiry);
  const message = Buffer.from(signingInput, 'latin1');
  const signature = await signer.sign(message);
  if (!isSignature(signer.algorithm, leaf.publicKey, message, signature)) throw wrongSignature(signer);
  const bytes = toEnvelope(signingInput, signature, signer.certificateChain, request.agent);
  verifyNotary(bytes, subject, { now: () => signingTime, trusted: [leaf.raw] });
  return {
    artifactType: notaryArtifactType,
    mediaType: envelopeMediaType,
    bytes,
    annotations: {
      [thumbprintAnnotation]: JSON.stringify(signer.certificateChain.map(toThumbprint)),
      'org.opencontainers.image.created': toTimeText(signingTime),
    },
  };
}

/** The error where a signer's answer does not verify. */
export function wrongSignature(signer: Pick<KeySigner, 'description' | 'algorithm'>): StepError<SignatureErrorCode> {
  return signatureError(
    'wrong-signature',
    `Cannot sign with ${signer.description}: what it returned is no ${signer.algorithm} signature by the certificate's key`,
    'Nothing was attached. See whether key and certificate belong together, and whether something between the step and the key changes answers.',
  );
}

function readLeaf(signer: KeySigner): X509Certificate {
  const leaf = new X509Certificate(signer.certificateChain[0] ?? new Uint8Array());
  const algorithm = signatureAlgorithmOf(leaf.publicKey);
  if (algorithm === signer.algorithm) return leaf;
  throw signatureError(
    'key-mismatch',
    `Cannot sign with ${signer.description}: it signs with ${signer.algorithm}, and its certificate asks for ${algorithm}`,
    'Give the certificate that belongs to the key.',
  );
}

/** SHA-256 of a DER certificate in hexadecimal digits. */
export function toThumbprint(der: Uint8Array): string {
  return createHash('sha256').update(der).digest('hex');
}
