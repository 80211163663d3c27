import { constants, createHash, type KeyObject, verify } from 'node:crypto';
import { hashOf } from '../../lib/signature-algorithm.ts';
import type { SignatureAlgorithm } from '../../model/signer.ts';
import { type HashName, hashNames, signatureKinds } from '../hash-algorithm.ts';
import { type Certificate, parseCertificate } from '../notary/certificate.ts';
import { findAuthorityChain, isValidAt, parseAuthorityCertificates, validityText } from './authority-chain.ts';
import { timestampError } from './timestamp-error.ts';
import { parseTimestampToken, type TimestampToken } from './token.ts';

export interface TimestampTrust {
  /** DER, self-signed: the roots of authorities. */
  readonly trusted: readonly Uint8Array[];
}

export interface VerifiedTimestamp {
  readonly time: Date;
  /** `time` is right within so many milliseconds; rounded up. */
  readonly accuracyMs: number;
  /** The authority's, DER, leaf first, root last; it was valid at `time`. Whether it was revoked is another question. */
  readonly certificateChain: readonly Uint8Array[];
}

/**
 * Verifies an RFC 3161 token over `signature` (ECDSA as r || s), as tspclient-go and notation-core-go do, and stricter where they are lax: one
 * signature, by the certificate that SigningCertificateV2 and the signer's identifier both name, hashes no weaker than that of `algorithm`.
 * Throws a StepError of origin `signature`: `timestamp-format`, `-imprint`, `-certificate`, `-signature`, `-untrusted` or `-validity`.
 */
export function verifyTimestamp(
  token: Uint8Array,
  signature: Uint8Array,
  algorithm: SignatureAlgorithm,
  { trusted }: TimestampTrust,
): VerifiedTimestamp {
  const parsed = parseTimestampToken(token);
  verifyImprint(parsed, signature, algorithm);
  const certificates = parseAuthorityCertificates(parsed.certificates);
  const leaf = signingCertificateOf(parsed, certificates);
  verifySigner(parsed, leaf);
  const { time, accuracyMs } = parsed.info;
  const chain = findAuthorityChain(leaf, certificates, parseAuthorityCertificates(trusted), { time, accuracyMs });
  const { signingTime } = parsed.signer;
  const outside = signingTime && chain.find((certificate) => !isValidAt(certificate, { time: signingTime, accuracyMs: 0 }));
  if (outside)
    throw timestampError(
      'timestamp-validity',
      `Cannot trust the timestamp: at its signing time ${validityText(outside, { time: signingTime, accuracyMs: 0 })}`,
    );
  return { time, accuracyMs, certificateChain: chain.map(({ x509 }) => x509.raw) };
}

/**
 * Throws a StepError `timestamp-validity` where one of the certificates that signed was, or may have been, not valid at the time of the timestamp.
 * https://github.com/notaryproject/specifications/blob/v1.1.0/specs/trust-store-trust-policy.md#steps
 */
export function verifySignedInTime(
  certificateChain: readonly Uint8Array[],
  timestamp: Pick<VerifiedTimestamp, 'time' | 'accuracyMs'>,
): void {
  const outside = certificateChain.map((der) => parseCertificate(der)).find((certificate) => !isValidAt(certificate, timestamp));
  if (outside)
    throw timestampError('timestamp-validity', `Cannot verify the signature by its timestamp: ${validityText(outside, timestamp)}`);
}

function verifyImprint({ info }: TimestampToken, signature: Uint8Array, algorithm: SignatureAlgorithm): void {
  const hash = hashNames[info.imprintAlgorithm];
  if (hash === undefined || bitsOf(hash) < bitsOf(hashOf(algorithm)))
    throw timestampError(
      'timestamp-imprint',
      `Cannot verify the timestamp: it is over a hash by ${hash ?? info.imprintAlgorithm}, which is weaker than that of ${algorithm}`,
    );
  if (!createHash(hash).update(signature).digest().equals(info.imprint))
    throw timestampError('timestamp-imprint', 'Cannot verify the timestamp: it is over something else than the signature');
}

function bitsOf(hash: HashName): number {
  return Number(hash.slice('sha'.length));
}

/** RFC 5816 and RFC 5035: the one in the token that was signed for, by issuer and serial number and by its hash. */
function signingCertificateOf({ signer }: TimestampToken, certificates: readonly Certificate[]): Certificate {
  const { hashAlgorithm, hash, issuerSerial } = signer.signingCertificate;
  const name = hashNames[hashAlgorithm];
  if (name === undefined)
    throw timestampError('timestamp-certificate', `Cannot verify the timestamp: it names its certificate by a hash of ${hashAlgorithm}`);
  const found = certificates.find((certificate) => isNamed(certificate, signer) && (!issuerSerial || isNamed(certificate, issuerSerial)));
  if (found === undefined)
    throw timestampError('timestamp-certificate', 'Cannot verify the timestamp: the certificate that it names as its signer is not in it');
  if (!createHash(name).update(found.x509.raw).digest().equals(hash))
    throw timestampError(
      'timestamp-certificate',
      `Cannot verify the timestamp: its certificate "${found.subject}" has another hash than SigningCertificateV2 says`,
    );
  return found;
}

function isNamed({ x509, issuerBytes }: Certificate, names: { readonly issuer: Buffer; readonly serialNumber: bigint }): boolean {
  return (
    issuerBytes.equals(names.issuer) && /^[0-9A-F]+$/.test(x509.serialNumber) && BigInt(`0x${x509.serialNumber}`) === names.serialNumber
  );
}

/** RFC 5652, 5.4 and 5.6. */
function verifySigner({ signer, content }: TimestampToken, leaf: Certificate): void {
  const hash = hashNames[signer.digestAlgorithm];
  const form = hash && signatureFormOf(signer.signatureAlgorithm, hash, leaf.publicKey);
  if (hash === undefined || form === undefined)
    throw timestampError(
      'timestamp-signature',
      `Cannot verify the timestamp: it is signed by ${signer.signatureAlgorithm} with the hash ${hash ?? signer.digestAlgorithm}, which its certificate's key does not do or nobody should`,
    );
  if (signer.contentType !== timestampInfoId || !createHash(hash).update(content).digest().equals(signer.messageDigest))
    throw timestampError('timestamp-signature', 'Cannot verify the timestamp: its signature is over other content');
  if (!verify(form.hash, signer.signedBytes, { key: leaf.publicKey, ...form.options }, signer.signature))
    throw timestampError('timestamp-signature', "Cannot verify the timestamp: its signature is not one by its certificate's key");
}

/** How node:crypto is told of a signature; undefined where algorithm and key are not for one another. */
function signatureFormOf(algorithm: string, digest: HashName, key: KeyObject) {
  const known = tokenKinds[algorithm];
  if (known === undefined || known.key !== key.asymmetricKeyType) return undefined;
  // There are authorities that sign with another hash than they take of the content.
  const hash = known.hash ?? digest;
  if (known.key === 'ec') return { hash, options: { dsaEncoding: 'der' as const } };
  return known.isPss
    ? { hash, options: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST } }
    : { hash, options: { padding: constants.RSA_PKCS1_PADDING } };
}

interface SignatureKind {
  readonly key: 'rsa' | 'ec';
  /** Undefined: the digest algorithm says it. */
  readonly hash?: HashName;
  readonly isPss?: boolean;
}

/** The algorithms that tspclient-go takes. */
const tokenKinds: Readonly<Record<string, SignatureKind>> = {
  ...signatureKinds,
  '1.2.840.113549.1.1.1': { key: 'rsa' },
  '1.2.840.113549.1.1.10': { key: 'rsa', isPss: true },
};

/** RFC 3161, 2.4.2. */
const timestampInfoId = '1.2.840.113549.1.9.16.1.4';
