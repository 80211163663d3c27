import { createHash, X509Certificate } from 'node:crypto';
import { bundleFromJSON, type SerializedBundle } from '@sigstore/bundle';
import { type SignedEntity, type TrustMaterial, toSignedEntity, Verifier } from '@sigstore/verify';
import type { JsonValue } from '../../lib/strict-json.ts';
import { signatureError } from '../signature-error.ts';
import { parseTimestampResponse } from '../timestamp/request.ts';
import { readTime } from '../timestamp/token-info.ts';
import { verifySigner } from './authority-rules.ts';
import { notOurs } from './bundle.ts';
import { type CosignIdentity, isIdentity, readCertificateIdentity } from './identity.ts';
import { readLogEntry, toLogOf } from './log-entry.ts';
import { isCosignSignature } from './trust.ts';
import type { TrustedInstance, TrustedRoot } from './trusted-root.ts';

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
  /** What timestamps may be over as well as the signature: cosign 2 and its verifier take the whole envelope of a layer, and cosign 3 does not when it signs. */
  readonly stamped?: Uint8Array;
}

type SignedTime = SignedEntity['timestamps'][number];
type LogEntry = SignedEntity['tlogEntries'][number];

export interface Certified {
  /** `SUBJECT (ISSUER)`. */
  readonly signedBy: string;
  /** The earliest time that a log or an authority of time vouches for. */
  readonly time: Date;
  /** How many log entries and timestamps come with it by whom the root does not name. */
  readonly passedOver: number;
}

/**
 * To be imported where it is needed alone, for it loads the verifier of Sigstore. Verifies by it: that a trusted authority certified the key for one of the identities, at a time that a trusted log or authority vouches for, that a log has
 * this signature by this certificate, and the signature. Throws a StepError of code `untrusted`, `wrong-signature` or `certified-signature`.
 * https://github.com/sigstore/cosign/blob/v3.1.3/specs/BUNDLE_SPEC.md
 */
export function verifyCertified(certified: CertifiedSignature, identities: readonly CosignIdentity[], root: TrustedRoot): Certified {
  const { bundle, certificate, message, signature } = certified;
  const identity = attempt(() => readCertificateIdentity(certificate));
  attempt(() => verifySigner(certificate));
  if (!identities.some((one) => isIdentity(one, identity)))
    throw untrusted(`it is by ${identityText(identity)}, who is none of the trusted identities`);
  const key = attempt(() => new X509Certificate(certificate).publicKey);
  if (!isCosignSignature(key, message, signature))
    throw signatureError(
      'wrong-signature',
      "Cannot verify the signature: it is not one by its certificate's key over its content",
      notOurs,
    );
  return attempt(() => {
    const parsed = bundleFromJSON(bundle as unknown as SerializedBundle);
    const { timestampVerificationData } = parsed.verificationMaterial;
    for (const { signedTimestamp } of timestampVerificationData?.rfc3161Timestamps ?? []) refuseOtherAnswers(signedTimestamp);
    const entity = toSignedEntity(parsed);
    const verified = firstOf(findInstances(entity, root), (instance) => verifyBy(instance, entity, certified));
    return { signedBy: identityText(identity), ...verified };
  });
}

/** What @sigstore/verify reads of an answer is the token in it, and that not to its end. */
function refuseOtherAnswers(answer: Uint8Array): void {
  try {
    parseTimestampResponse(answer, 'an authority');
  } catch (cause) {
    throw new Error('a timestamp is no answer of an authority that grants one (RFC 3161, 2.4.2)', { cause });
  }
}

/** Those that may have certified the key; where there are none, the first one says so. */
function findInstances({ key }: SignedEntity, root: TrustedRoot): TrustedRoot {
  const isIssuer = ({ material }: TrustedInstance) =>
    key.$case === 'certificate' &&
    material.certificateAuthorities.some(({ certChain }) => certChain.some(({ subject }) => subject.equals(key.certificate.issuer)));
  const found = root.filter(isIssuer);
  return found.length > 0 ? found : root.slice(0, 1);
}

function firstOf<Item, Result>(items: readonly Item[], attemptOne: (item: Item) => Result): Result {
  let refusal: unknown = new Error('no instance of Sigstore is trusted');
  for (const item of items) {
    try {
      return attemptOne(item);
    } catch (error) {
      refusal = error;
    }
  }
  throw refusal;
}

function verifyBy(
  { material, thresholds }: TrustedInstance,
  { tlogEntries, timestamps: times, ...read }: SignedEntity,
  certified: CertifiedSignature,
): Pick<Certified, 'time' | 'passedOver'> {
  const { message, signature, stamped = signature } = certified;
  const timestamps = times.filter(isPromised).map(withExactTime);
  const logged = tlogEntries.filter((entry) => material.tlogs.some((log) => isOfLog(entry, log)));
  const entity: SignedEntity = {
    ...read,
    tlogEntries: [],
    timestamps: keepKnown(timestamps, (witness) => isByWitness(witness, material)),
    signature: {
      // Of what the timestamps are.
      signature: Buffer.from(timestamps.every((witness) => isOver(witness, signature)) ? signature : stamped),
      compareSignature: (other) => other.equals(signature),
      // What has to be hashed depends on the kind of entry, and is compared below.
      compareDigest: () => true,
      verifySignature: (key) => isCosignSignature(key, message, signature),
    },
  };
  refuseDoubled(logged);
  for (const entry of logged) {
    verifyContent(entry, certified);
    const tlogs = material.tlogs.filter((log) => isOfLog(entry, log)).map((log) => toLogOf(entry, log));
    new Verifier({ ...material, tlogs }, thresholds).verify({ ...entity, tlogEntries: [entry] });
  }
  if (logged.length === 0) new Verifier(material, thresholds).verify(entity);
  const passedOver = tlogEntries.length + timestamps.length - logged.length - entity.timestamps.length;
  return { time: earliestTime(entity), passedOver };
}

/** That the log has this signature by this certificate, and no time that the certificate was not valid at. */
function verifyContent(entry: LogEntry, { certificate, message, content }: CertifiedSignature): void {
  const logged = readLogEntry(entry);
  if (!logged.certificate.equals(certificate)) throw new Error('the log has this signature by another certificate');
  const hashed = logged.of === 'message' ? message : content;
  if (!logged.digest.equals(createHash(logged.hash).update(hashed).digest())) throw new Error('the log has a signature of something else');
  const time = Number(entry.integratedTime) * 1000;
  const { validFrom, validTo } = new X509Certificate(certificate);
  if (time !== 0 && !(Date.parse(validFrom) <= time && time <= Date.parse(validTo)))
    throw new Error('certificate is not valid or expired at the time that stands beside the entry');
}

function refuseDoubled(entries: readonly LogEntry[]): void {
  const places = entries.map(({ logId, logIndex }) => `${logId.keyId.toString('hex')} ${logIndex}`);
  if (new Set(places).size < places.length) throw new Error('an entry of a log is there twice');
}

/**
 * Those that somebody vouches for whom the root names; all where there are none, so that it is said what is wrong with them. A signature may be in the logs of
 * several instances, and what is not known here neither helps nor harms.
 */
function keepKnown<Item>(items: readonly Item[], isKnown: (item: Item) => boolean): Item[] {
  const known = items.filter(isKnown);
  return known.length > 0 ? known : [...items];
}

function isOfLog({ logId }: LogEntry, { logID }: TrustMaterial['tlogs'][number]): boolean {
  return logID.equals(logId.keyId);
}

function isByWitness(witness: SignedTime, material: TrustMaterial): boolean {
  if (witness.$case === 'transparency-log') return material.tlogs.some((log) => isOfLog(witness.tlogEntry, log));
  const { signerIssuer: issuer, signerSerialNumber: serialNumber } = witness.timestamp;
  return material.timestampAuthorities.some(
    ({ certChain: [leaf] }) => leaf?.issuer.equals(issuer) && leaf.serialNumber.equals(serialNumber),
  );
}

function isOver(witness: SignedTime, bytes: Uint8Array): boolean {
  if (witness.$case === 'transparency-log') return true;
  try {
    witness.timestamp.tstInfo.verify(Buffer.from(bytes));
    return true;
  } catch {
    return false;
  }
}

/** The time that stands beside an entry is signed in the log's promise alone. */
function isPromised(witness: SignedTime): boolean {
  return witness.$case !== 'transparency-log' || witness.tlogEntry.inclusionPromise !== undefined;
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
