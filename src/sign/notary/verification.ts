import { X509Certificate } from 'node:crypto';
import { isSignature, signatureAlgorithmOf } from '../../lib/signature-algorithm.ts';
import { toTimeText } from '../../lib/time-text.ts';
import type { SignatureAlgorithm } from '../../model/signer.ts';
import { signatureError } from '../signature-error.ts';
import { chainError } from './certificate-chain.ts';
import { brokenCertificateRules } from './certificate-rules.ts';
import { type Envelope, parseEnvelope, type SignedSubject } from './envelope.ts';
import { notOurs, type PolicyTrust, type TrustWarning, verifyAnchor, verifyByPolicy, verifyExpiry } from './trust-verification.ts';

/** Trust in certificates alone, which have to be valid when the signature was made, as the signer says, and now. */
export interface CertificateTrust {
  readonly now: () => Date;
  /** DER certificates, one of which must be in the chain: the signer's own leaf after signing, the authority's root elsewhere. */
  readonly trusted: readonly Uint8Array[];
}

/** An envelope, and the media type that its layer names. */
export interface NotaryEnvelope {
  readonly bytes: Uint8Array;
  readonly mediaType: string;
}

export interface VerifiedSignature {
  readonly algorithm: SignatureAlgorithm;
  /** As the signer claims, or under `notary.x509.signingAuthority` as the authority does. */
  readonly signingTime: Date;
  readonly expiry: Date | undefined;
  /** DER, leaf first. */
  readonly certificateChain: readonly Uint8Array[];
  readonly agent: string | undefined;
  readonly metadata: ReadonlyMap<string, string>;
  /** What a policy only logs. */
  readonly warnings: readonly TrustWarning[];
}

/**
 * Verifies a Notary Project signature (JWS or COSE) over exactly `subject`: form, critical headers, algorithm by the leaf's key, signature and
 * certificate rules; then trust: by a policy as `verifyByPolicy` says, by certificates (scheme `notary.x509` alone, timestamps and revocation are not
 * looked at) with their time, and expiry. Rejects with a StepError that says which of them failed.
 */
export async function verifyNotary(
  { bytes, mediaType }: NotaryEnvelope,
  subject: SignedSubject,
  trust: CertificateTrust | PolicyTrust,
): Promise<VerifiedSignature> {
  const envelope = parseEnvelope(bytes, mediaType);
  const algorithm = verifySignature(envelope);
  let warnings: readonly TrustWarning[] = [];
  if ('statement' in trust) {
    verifyRules(envelope);
    warnings = await verifyByPolicy(envelope, trust);
  } else verifyByCertificates(envelope, trust);
  verifySubject(envelope.subject, subject);
  const { signingTime, expiry, certificateChain, agent, metadata } = envelope;
  return { algorithm, signingTime, expiry, certificateChain, agent, metadata, warnings };
}

function verifyByCertificates(envelope: Envelope, { now, trusted }: CertificateTrust): void {
  if (envelope.scheme !== 'notary.x509')
    throw signatureError('envelope', `Cannot verify the signature: its scheme is ${envelope.scheme}, not notary.x509`, notOurs);
  for (const time of [envelope.signingTime, now()]) verifyRules(envelope, time);
  verifyAnchor(envelope, trusted);
  verifyExpiry(envelope, now());
}

function verifySignature(envelope: Envelope): SignatureAlgorithm {
  const key = readLeafKey(envelope);
  const algorithm = signatureAlgorithmOf(key);
  if (algorithm === undefined || algorithm !== envelope.algorithm) {
    throw signatureError(
      'envelope',
      `Cannot verify the signature: it is by ${JSON.stringify(envelope.algorithm)}, and its certificate's key signs with ${algorithm ?? 'no allowed algorithm'}`,
      notOurs,
    );
  }
  if (!isSignature(algorithm, key, envelope.signingInput, envelope.signature)) {
    throw signatureError(
      'wrong-signature',
      "Cannot verify the signature: it is not one by its certificate's key over its content",
      notOurs,
    );
  }
  return algorithm;
}

function readLeafKey(envelope: Envelope) {
  try {
    return new X509Certificate(envelope.certificateChain[0] ?? new Uint8Array()).publicKey;
  } catch {
    throw signatureError('envelope', 'Cannot verify the signature: its first certificate cannot be read', notOurs);
  }
}

function verifyRules({ certificateChain }: Envelope, time?: Date): void {
  const broken = brokenCertificateRules(certificateChain, time);
  if (broken.length === 0) return;
  throw chainError(
    `Cannot verify the signature${time ? ` at ${toTimeText(time)}` : ''}`,
    broken,
    'Sign the image again with a certificate that keeps the rules.',
  );
}

function verifySubject(signed: SignedSubject, subject: SignedSubject): void {
  for (const field of ['digest', 'size', 'mediaType'] as const) {
    if (signed[field] === subject[field]) continue;
    throw signatureError(
      'other-subject',
      `Cannot verify the signature of ${subject.digest}: it is over another ${field}, ${JSON.stringify(signed[field])} instead of ${JSON.stringify(subject[field])}`,
      notOurs,
    );
  }
}
