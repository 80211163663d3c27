import { createHash, X509Certificate } from 'node:crypto';
import { bundleFromJSON, type SerializedBundle } from '@sigstore/bundle';
import { type SignedEntity, toSignedEntity, Verifier } from '@sigstore/verify';
import type { JsonValue } from '../../lib/strict-json.ts';
import { signatureError } from '../signature-error.ts';
import { readTime } from '../timestamp/token-info.ts';
import { notOurs } from './bundle.ts';
import { type CosignIdentity, isIdentity, readCertificateIdentity } from './identity.ts';
import { loggedCertificates } from './log-entry.ts';
import { isCosignSignature } from './trust.ts';
import type { TrustedRoot } from './trusted-root.ts';

/** A signature by the key of a certificate, with what vouches for it. */
export interface CertifiedSignature {
  /** A Sigstore bundle of any version, its form already held against the schema. */
  readonly bundle: JsonValue;
  /** DER. */
  readonly certificate: Uint8Array;
  /** What the signature is over. */
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
  /** Whose SHA-256 a log has: the statement in an envelope, or the message itself. */
  readonly content: Uint8Array;
}

type SignedTime = SignedEntity['timestamps'][number];

export interface Certified {
  /** `SUBJECT (ISSUER)`. */
  readonly signedBy: string;
  /** The earliest time that a log or an authority of time vouches for. */
  readonly time: Date;
}

/**
 * To be imported where it is needed alone, for it loads the verifier of Sigstore. Verifies by it: that a trusted authority certified the key for one of the identities, at a time that a trusted log or authority vouches for, that a log has
 * this signature by this certificate, and the signature. Throws a StepError of code `untrusted`, `wrong-signature` or `certified-signature`.
 * https://github.com/sigstore/cosign/blob/v3.1.3/specs/BUNDLE_SPEC.md
 */
export function verifyCertified(
  { bundle, certificate, message, signature, content }: CertifiedSignature,
  identities: readonly CosignIdentity[],
  { material, thresholds }: TrustedRoot,
): Certified {
  const identity = attempt(() => readCertificateIdentity(certificate));
  if (!identities.some((one) => isIdentity(one, identity)))
    throw untrusted(`it is by ${identityText(identity)}, who is none of the trusted identities`);
  if (
    !isCosignSignature(
      attempt(() => new X509Certificate(certificate).publicKey),
      message,
      signature,
    )
  )
    throw signatureError(
      'wrong-signature',
      "Cannot verify the signature: it is not one by its certificate's key over its content",
      notOurs,
    );
  return attempt(() => {
    const parsed = bundleFromJSON(bundle as unknown as SerializedBundle);
    for (const logged of loggedCertificates(parsed.verificationMaterial.tlogEntries))
      if (!logged.equals(certificate)) throw new Error('the log has this signature by another certificate');
    const digest = createHash('sha256').update(content).digest();
    const { timestamps, ...read } = toSignedEntity(parsed);
    const entity: SignedEntity = {
      ...read,
      timestamps: timestamps.map(withExactTime),
      signature: {
        signature: Buffer.from(signature),
        compareSignature: (other) => other.equals(signature),
        compareDigest: (other) => other.equals(digest),
        verifySignature: (key) => isCosignSignature(key, message, signature),
      },
    };
    new Verifier(material, thresholds).verify(entity);
    return { signedBy: identityText(identity), time: earliestTime(entity) };
  });
}

/** RFC 3161 (2.4.2) ends a fraction of a second with its last digit that is not zero; the reader of Sigstore knows those of three digits alone. */
function withExactTime(witness: SignedTime): SignedTime {
  if (witness.$case !== 'timestamp-authority') return witness;
  const { timestamp } = witness;
  const time = timestamp.tstInfo.root.subs[4]?.value.toString('latin1') ?? '';
  Object.defineProperty(timestamp, 'signingTime', { value: readTime(time) });
  return witness;
}

function earliestTime({ timestamps }: SignedEntity): Date {
  const times = timestamps.map((one) =>
    one.$case === 'timestamp-authority' ? one.timestamp.signingTime.getTime() : Number(one.tlogEntry.integratedTime) * 1000,
  );
  return new Date(Math.min(...times));
}

function identityText({ subjects, issuer }: { readonly subjects: readonly string[]; readonly issuer: string }): string {
  return `${subjects.join(', ')} (${issuer})`;
}

/** What others wrote makes readers of ASN.1 and JSON fail in any way. */
function attempt<Value>(read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    throw signatureError(
      'certified-signature',
      `Cannot verify the signature by its certificate: ${reasonOf(error)}`,
      'Do not trust the image on the strength of this signature. Where its signer uses a younger instance or key of Sigstore, give its trusted_root.json.',
    );
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'it cannot be read';
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}

function untrusted(reason: string) {
  return signatureError('untrusted', `Cannot verify the signature: ${reason}`, notOurs);
}
