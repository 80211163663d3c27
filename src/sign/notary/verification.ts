import { X509Certificate } from 'node:crypto';
import { isSignature, signatureAlgorithmOf } from '../../lib/signature-algorithm.ts';
import { toTimeText } from '../../lib/time-text.ts';
import type { SignatureAlgorithm } from '../../model/signer.ts';
import { signatureError } from '../signature-error.ts';
import { chainError } from './certificate-chain.ts';
import { brokenCertificateRules } from './certificate-rules.ts';
import { type Envelope, envelopeMediaTypes, parseEnvelope, type SignedSubject } from './envelope.ts';

export interface NotaryTrust {
  readonly now: () => Date;
  /** DER certificates, one of which must be in the chain: the signer's own leaf after signing, the authority's root elsewhere. */
  readonly trusted: readonly Uint8Array[];
}

export interface VerifiedSignature {
  readonly algorithm: SignatureAlgorithm;
  /** As the signer claims. */
  readonly signingTime: Date;
  readonly expiry: Date | undefined;
  /** DER, leaf first. */
  readonly certificateChain: readonly Uint8Array[];
  readonly agent: string | undefined;
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * Verifies a Notary Project signature (JWS or COSE, scheme `notary.x509`) over exactly `subject`: form, critical headers, algorithm by the leaf's
 * key, signature, certificate rules at the signing time and now, trust, expiry. Throws a StepError that says which of them failed.
 * Timestamps are not evaluated: an expired certificate is refused with one too.
 */
export function verifyNotary(bytes: Uint8Array, subject: SignedSubject, trust: NotaryTrust): VerifiedSignature {
  const envelope = parseEnvelope(bytes, bytes[0] === 0xd2 ? envelopeMediaTypes.cose : envelopeMediaTypes.jws);
  if (envelope.scheme !== 'notary.x509')
    throw signatureError('envelope', `Cannot verify the signature: its scheme is ${envelope.scheme}, not notary.x509`, notOurs);
  const algorithm = verifySignature(envelope);
  verifyCertificates(envelope, trust);
  verifyExpiry(envelope, trust.now());
  verifySubject(envelope.subject, subject);
  const { signingTime, expiry, certificateChain, agent, metadata } = envelope;
  return { algorithm, signingTime, expiry, certificateChain, agent, metadata };
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

function verifyCertificates(envelope: Envelope, trust: NotaryTrust): void {
  const chain = envelope.certificateChain;
  for (const time of [envelope.signingTime, trust.now()]) {
    const broken = brokenCertificateRules(chain, time);
    if (broken.length > 0)
      throw chainError(
        `Cannot verify the signature at ${toTimeText(time)}`,
        broken,
        'Sign the image again with a certificate that keeps the rules.',
      );
  }
  if (!trust.trusted.some((anchor) => chain.some((der) => Buffer.from(anchor).equals(der)))) {
    throw signatureError('untrusted', 'Cannot verify the signature: no certificate of its chain is trusted', notOurs);
  }
}

function verifyExpiry({ expiry }: Envelope, now: Date): void {
  if (expiry !== undefined && now >= expiry)
    throw signatureError('expired', `Cannot verify the signature: it expired at ${toTimeText(expiry)}`, 'Sign the image again.');
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

const notOurs = 'Do not trust the image on the strength of this signature; see who wrote it to the registry, and sign the image again.';
