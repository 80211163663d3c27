import { createHash } from 'node:crypto';
import {
  type BerElement,
  BerFields,
  berTags,
  onlyChild,
  readBer,
  readChildren,
  readInteger,
  readOctetString,
  readOid,
  toTagged,
} from '../../lib/ber.ts';
import { type Certificate, parseCertificate } from '../notary/certificate.ts';
import { type AuthorityStatement, isSignedBy, takeStatement } from './authority-signature.ts';
import { readExtensions, readInvalidityDate, readTime, refuseCritical, toRevoked, type Verdict, verifyFreshness } from './extensions.ts';
import { type RevocableCertificate, withoutZeros } from './revocable-certificate.ts';

/**
 * A request for one certificate (RFC 6960, 4.1.1), its issuer named by SHA-1, which is the one that all responders know. Without a nonce, as most
 * responders answer from what they have signed before: how old an answer may be its nextUpdate says.
 */
export function toOcspRequest({ serialNumber }: RevocableCertificate, issuer: RevocableCertificate): Buffer {
  const certId = sequence(
    sequence(toTagged(berTags.oid, Buffer.from('2b0e03021a', 'hex')), Buffer.of(5, 0)),
    toTagged(berTags.octetString, hashWith('sha1', issuer.subjectBytes)),
    toTagged(berTags.octetString, hashWith('sha1', issuer.keyBits)),
    toTagged(berTags.integer, (serialNumber[0] ?? 0) < 0x80 ? serialNumber : Buffer.concat([Buffer.of(0), serialNumber])),
  );
  return sequence(sequence(sequence(sequence(certId))));
}

export interface OcspQuestion {
  readonly certificate: RevocableCertificate;
  readonly issuer: RevocableCertificate;
  readonly now: Date;
  /** Where an authority has vouched for it. */
  readonly signingTime: Date | undefined;
}

/**
 * What an answer says of the certificate: by its issuer, or by a responder that the issuer has itself made one, and fresh. `unknown`: the responder does not
 * know it. Throws an Error that says why an answer does not count.
 */
export function readOcspAnswer(bytes: Uint8Array, question: OcspQuestion): Verdict | { readonly kind: 'unknown' } {
  const basic = new BerFields(readBer(unwrapAnswer(bytes)));
  const statement = takeStatement(basic);
  const certificates = basic.takeOptional(0xa0);
  basic.end();
  const fields = new BerFields(statement.content);
  const version = fields.takeOptional(0xa0);
  if (version !== undefined && readInteger(onlyChild(version)) !== 0n) throw new Error('it is of a version that is not known');
  const responder = fields.takeAny();
  readTime(fields.take(berTags.generalizedTime));
  const answers = readChildren(fields.take(berTags.sequence));
  const extensions = fields.takeOptional(0xa1);
  fields.end();
  refuseCritical(readExtensions(extensions && onlyChild(extensions)), []);
  verifyResponder(statement, responder, certificates && onlyChild(certificates), question);
  const ours = answers.filter((answer) => isAbout(answer, question));
  if (ours.length === 0) throw new Error('it is about another certificate');
  const verdicts = ours.map((answer) => readSingle(answer, question));
  return verdicts.find(({ kind }) => kind === 'revoked') ?? verdicts.find(({ kind }) => kind === 'unknown') ?? { kind: 'good' };
}

/** RFC 6960, 4.2.1: the BasicOCSPResponse of an answer that is one. */
function unwrapAnswer(bytes: Uint8Array): Buffer {
  const answer = new BerFields(readBer(bytes));
  const status = answer.take(berTags.enumerated).content[0] ?? 0;
  if (status !== 0) throw new Error(`the responder refuses: ${refusals[status] ?? status}`);
  const wrapped = new BerFields(onlyChild(answer.take(0xa0)));
  if (readOid(wrapped.take(berTags.oid)) !== '1.3.6.1.5.5.7.48.1.1') throw new Error('it is of a form that is not known');
  return readOctetString(wrapped.take(berTags.octetString));
}

/** Responders send their own certificate, and sometimes those above it. */
const maxCertificates = 8;

/** RFC 6960, 4.2.2.2: the issuer itself, or whom it has given a certificate with OCSPSigning. */
function verifyResponder(
  statement: AuthorityStatement,
  responder: BerElement,
  sent: BerElement | undefined,
  { issuer, now }: OcspQuestion,
): void {
  const certificates = sent === undefined ? [] : readChildren(sent);
  if (certificates.length > maxCertificates) throw new Error(`it has more than ${maxCertificates} certificates`);
  if (isNamed(issuer, issuer.keyBits, responder) && isSignedBy(issuer.publicKey, statement)) return;
  for (const { raw } of certificates) {
    const delegate = readDelegate(raw, responder);
    if (delegate === undefined || !isSignedBy(delegate.publicKey, statement)) continue;
    verifyDelegate(delegate, issuer, now);
    return;
  }
  throw new Error('it is not signed by the responder that it names');
}

function readDelegate(der: Buffer, responder: BerElement): Certificate | undefined {
  const fields = new BerFields(new BerFields(readBer(der)).take(berTags.sequence));
  fields.takeOptional(0xa0);
  // Serial number, algorithm, issuer, validity, subject.
  for (let skipped = 0; skipped < 5; skipped += 1) fields.takeAny();
  const key = new BerFields(fields.take(berTags.sequence));
  key.take(berTags.sequence);
  const certificate = parseCertificate(der);
  return isNamed(certificate, key.take(berTags.bitString).content.subarray(1), responder) ? certificate : undefined;
}

function isNamed({ subjectBytes }: Certificate, keyBits: Buffer, responder: BerElement): boolean {
  if (responder.tag === 0xa1) return onlyChild(responder).raw.equals(subjectBytes);
  return responder.tag === 0xa2 && readOctetString(onlyChild(responder)).equals(hashWith('sha1', keyBits));
}

function verifyDelegate(delegate: Certificate, issuer: Certificate, now: Date): void {
  const { subject, extendedKeyUsage, keyUsage, notBefore, notAfter, signatureHash } = delegate;
  const isIssued = delegate.issuerBytes.equals(issuer.subjectBytes) && delegate.x509.verify(issuer.publicKey);
  if (!isIssued || signatureHash === undefined) throw new Error(`its responder "${subject}" is not one of the certificate's issuer`);
  if (!extendedKeyUsage.includes('1.3.6.1.5.5.7.3.9')) throw new Error(`its responder "${subject}" may not answer (no OCSPSigning)`);
  if (keyUsage !== undefined && !keyUsage.usages.includes('digitalSignature')) throw new Error(`its responder "${subject}" may not sign`);
  if (now < notBefore || now > notAfter) throw new Error(`the certificate of its responder "${subject}" is not valid now`);
}

function isAbout(answer: BerElement, { certificate, issuer }: OcspQuestion): boolean {
  const id = new BerFields(new BerFields(answer).take(berTags.sequence));
  const hash = hashNames[readOid(new BerFields(id.take(berTags.sequence)).take(berTags.oid))];
  const [name, key] = [id.take(berTags.octetString).content, id.take(berTags.octetString).content];
  if (hash === undefined || !withoutZeros(id.take(berTags.integer).content).equals(certificate.serialNumber)) return false;
  return name?.equals(hashWith(hash, issuer.subjectBytes)) === true && key?.equals(hashWith(hash, issuer.keyBits)) === true;
}

function readSingle(answer: BerElement, { now, signingTime }: OcspQuestion): Verdict | { readonly kind: 'unknown' } {
  const fields = new BerFields(answer);
  fields.takeAny();
  const status = fields.takeAny();
  const thisUpdate = readTime(fields.take(berTags.generalizedTime));
  const nextUpdate = fields.takeOptional(0xa0);
  const extensions = fields.takeOptional(0xa1);
  fields.end();
  verifyFreshness(thisUpdate, nextUpdate && readTime(onlyChild(nextUpdate)), now);
  const known = readExtensions(extensions && onlyChild(extensions));
  refuseCritical(known, []);
  if (status.tag === 0x80) return { kind: 'good' };
  if (status.tag === 0x82) return { kind: 'unknown' };
  if (status.tag !== 0xa1) throw new Error('it has a status that is not known');
  const invalidFrom = readInvalidityDate(known);
  if (signingTime !== undefined && invalidFrom !== undefined && signingTime < invalidFrom) return { kind: 'good' };
  const [time, reason] = readChildren(status);
  if (time === undefined) throw new Error('it does not say since when the certificate is revoked');
  return toRevoked(readTime(time), reason && onlyChild(reason).content[0]);
}

function hashWith(name: 'sha1' | 'sha256', bytes: Buffer): Buffer {
  return createHash(name).update(bytes).digest();
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return toTagged(berTags.sequence, Buffer.concat(parts));
}

const hashNames: Readonly<Record<string, 'sha1' | 'sha256'>> = { '1.3.14.3.2.26': 'sha1', '2.16.840.1.101.3.4.2.1': 'sha256' };

/** RFC 6960, 4.2.1. */
const refusals: Readonly<Record<number, string>> = {
  1: 'malformed request',
  2: 'internal error',
  3: 'try later',
  5: 'a signed request is wanted',
  6: 'unauthorized',
};
