import { createHash, X509Certificate } from 'node:crypto';
import { isSignature, signatureAlgorithmOf } from '../../lib/signature-algorithm.ts';
import { toTimeText } from '../../lib/time-text.ts';
import { createdAnnotation } from '../../model/image.ts';
import type { SignedDocument } from '../../model/signed-document.ts';
import type { KeySigner, SignatureAlgorithm } from '../../model/signer.ts';
import { signatureError } from '../signature-error.ts';
import { wrongSignature } from '../wrong-signature.ts';
import { checkCertificateChain } from './certificate-chain.ts';
import { draftEnvelope, type EnvelopeFormat, type EnvelopeMediaType, envelopeMediaTypes, parseEnvelope } from './envelope.ts';
import type { SignedAttribute, SignedContent, SignedSubject } from './envelope-content.ts';

export interface NotarySignatureRequest {
  readonly signer: KeySigner;
  /** The manifest or index that is signed. */
  readonly subject: SignedSubject;
  readonly now: () => Date;
  /** Names this program, `image-custody/1.2.3`; not signed. */
  readonly agent: string;
  /** Default `jws`. */
  readonly format?: EnvelopeFormat;
  /** How long from `now` on the signature counts; undefined: as long as its certificate. */
  readonly lifetimeMs?: number | undefined;
  /** User-defined, signed: `notation verify --user-metadata` asks for it. */
  readonly metadata?: ReadonlyMap<string, string>;
  /** Extended attributes, signed; their names must be none of the specification's. */
  readonly attributes?: readonly SignedAttribute[];
  /** Has a signature (r || s for ECDSA) countersigned by a time stamping authority: gives the RFC 3161 token, DER, which it has verified. */
  readonly timestamp?: ((signature: Uint8Array, algorithm: SignatureAlgorithm) => Promise<Uint8Array>) | undefined;
}

/** https://github.com/notaryproject/specifications/blob/v1.1.0/specs/signature-specification.md#oci-signatures */
export const notaryArtifactType = 'application/vnd.cncf.notary.signature';
export const thumbprintAnnotation = 'io.cncf.notary.x509chain.thumbprint#S256';

/** By what a signature is found in a list: annotations that say whose it is, and of when. Anybody may write them. */
export type NotaryLabel = Readonly<Record<typeof thumbprintAnnotation | typeof createdAnnotation, string>>;

/** A signature as it is attached to its subject. */
export interface NotarySignature extends SignedDocument {
  readonly artifactType: typeof notaryArtifactType;
  readonly mediaType: EnvelopeMediaType;
}

/**
 * Signs `subject` for the Notary Project: checks the certificate chain, reads what is to be signed as a verifier will, has the key sign once, and verifies the
 * signature by the certificate's key before anything is made of it. Rejects with a StepError of origin `signature`, or with what the signer
 * or the time stamping authority rejects with.
 */
export async function signNotary(request: NotarySignatureRequest): Promise<NotarySignature> {
  const { signer, format = 'jws' } = request;
  const content = toContent(request);
  checkCertificateChain(signer, content.signingTime);
  const leaf = readLeaf(signer);
  const { signingInput, complete } = draftEnvelope(format, content);
  const unsigned = { certificateChain: signer.certificateChain, agent: request.agent };
  // What a field of the request would make unreadable is never signed.
  parseEnvelope(complete(Buffer.of(0), { ...unsigned, timestamp: undefined }), envelopeMediaTypes[format]);
  const signature = await signer.sign(signingInput);
  if (!isSignature(signer.algorithm, leaf.publicKey, signingInput, signature)) throw wrongSignature(signer, signer.algorithm);
  const timestamp = await request.timestamp?.(signature, signer.algorithm);
  return {
    artifactType: notaryArtifactType,
    mediaType: envelopeMediaTypes[format],
    bytes: complete(signature, { ...unsigned, timestamp }),
    annotations: { ...toNotaryLabel(signer, content.signingTime) },
  };
}

/** The annotations of what a signer signs at a time. */
export function toNotaryLabel({ certificateChain }: Pick<KeySigner, 'certificateChain'>, time: Date): NotaryLabel {
  return {
    [thumbprintAnnotation]: JSON.stringify(certificateChain.map(toThumbprint)),
    [createdAnnotation]: toTimeText(time),
  };
}

/** Headers of the Notary Project and of JWS (RFC 7515, 4.1; RFC 7797); of COSE every numbered label has a meaning. */
const standardNames = /^(?:io\.cncf\.notary.*|alg|b64|crit|cty|jku|jwk|kid|typ|x5c|x5t|x5t#S256|x5u)$/;

/** Both forms have whole seconds. */
function toContent({ signer, subject, now, lifetimeMs, metadata = new Map(), attributes = [] }: NotarySignatureRequest): SignedContent {
  const taken = attributes.find(({ name }) => typeof name === 'number' || standardNames.test(name));
  if (taken !== undefined) {
    throw signatureError(
      'envelope',
      `Cannot sign the attribute ${JSON.stringify(taken.name)}: headers of that name have a meaning of their own`,
      'Name it by a domain of yours, e.g. com.example.run.',
    );
  }
  const signingTime = new Date(Math.floor(now().getTime() / 1000) * 1000);
  const expiry = lifetimeMs === undefined ? undefined : new Date(signingTime.getTime() + lifetimeMs);
  return { algorithm: signer.algorithm, subject, metadata, signingTime, expiry, attributes };
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
