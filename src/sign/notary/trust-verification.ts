import { StepError } from '../../lib/step-error.ts';
import { toTimeText } from '../../lib/time-text.ts';
import type { CheckRevocation, RevocationStatus } from '../revocation/status.ts';
import { type SignatureErrorCode, signatureError } from '../signature-error.ts';
import { type Certificate, parseCertificate } from './certificate.ts';
import { brokenByTime } from './certificate-rules.ts';
import type { Envelope } from './envelope.ts';
import { isSubset, readSubject } from './trust-identity.ts';
import type { StoreType, TrustCheck, VerifyingStatement } from './trust-policy.ts';
import type { TrustStores } from './trust-store.ts';

/** Trust as a policy of the Notary Project says it. */
export interface PolicyTrust {
  readonly now: () => Date;
  readonly statement: VerifyingStatement;
  readonly stores: TrustStores;
  readonly checkRevocation: CheckRevocation;
}

/** What does not hold, in a check that the policy only logs. */
export interface TrustWarning {
  readonly check: TrustCheck;
  readonly error: StepError;
}

/**
 * Holds a signature whose integrity is verified against a statement, in notation's order: stores, identity, expiry, time, revocation. Rejects with the
 * StepError of the first check that fails and is enforced; gives those that fail and are logged.
 * https://github.com/notaryproject/specifications/blob/v1.1.0/specs/trust-store-trust-policy.md#steps
 */
export async function verifyByPolicy(envelope: Envelope, trust: PolicyTrust): Promise<readonly TrustWarning[]> {
  const { statement, now } = trust;
  const time = now();
  const chain = envelope.certificateChain.map(parseCertificate);
  const verifyAnchors = () => verifyStores(envelope, trust);
  const checks: readonly (readonly [TrustCheck, () => void | Promise<void>])[] = [
    ['authenticity', verifyAnchors],
    ['authenticity', () => verifyIdentity(chain, statement)],
    ['expiry', () => verifyExpiry(envelope, time)],
    ['authenticTimestamp', () => verifyTime(envelope, chain, time, trust)],
    ['revocation', () => verifyRevocation(envelope, trust, isAnchored)],
  ];
  const warnings: TrustWarning[] = [];
  let isAnchored = true;
  for (const [check, verify] of checks) {
    const action = statement.actions[check];
    if (action === 'skip') continue;
    try {
      await verify();
    } catch (error) {
      if (!(error instanceof StepError) || action === 'enforce') throw error;
      warnings.push({ check, error });
      if (verify === verifyAnchors) isAnchored = false;
    }
  }
  return warnings;
}

/** Throws where the signature has expired by itself. */
export function verifyExpiry({ expiry }: Envelope, now: Date): void {
  if (expiry !== undefined && now >= expiry)
    throw signatureError('expired', `Cannot verify the signature: it expired at ${toTimeText(expiry)}`, 'Sign the image again.');
}

/** Throws where none of the certificates is in the chain. */
export function verifyAnchor({ certificateChain }: Envelope, trusted: readonly Uint8Array[]): void {
  if (trusted.some((anchor) => certificateChain.some((der) => Buffer.from(anchor).equals(der)))) return;
  throw refused('untrusted', 'no certificate of its chain is trusted');
}

/** The scheme says which kind of store counts. */
async function verifyStores(envelope: Envelope, { statement, stores }: PolicyTrust): Promise<void> {
  const type = envelope.scheme === 'notary.x509' ? 'ca' : 'signingAuthority';
  verifyAnchor(envelope, await readStores(type, statement, stores));
}

async function readStores(type: StoreType, { trustStores }: VerifyingStatement, stores: TrustStores): Promise<readonly Uint8Array[]> {
  const certificates: Uint8Array[] = [];
  for (const store of trustStores) if (store.type === type) certificates.push(...(await stores.read(type, store.name)));
  return certificates;
}

function verifyIdentity([leaf]: readonly Certificate[], { trustedIdentities, name }: VerifyingStatement): void {
  if (trustedIdentities === 'any') return;
  const subject = leaf && readIdentity(leaf);
  if (subject !== undefined && trustedIdentities.some((identity) => isSubset(identity, subject))) return;
  throw refused(
    'untrusted-identity',
    `its signer "${leaf?.subject}" is none of the trusted identities of the statement ${JSON.stringify(name)}`,
  );
}

function readIdentity({ subject, subjectBytes }: Certificate) {
  try {
    return readSubject(subjectBytes);
  } catch (error) {
    throw refused('untrusted-identity', `its signer "${subject}" cannot be compared with trusted identities: ${(error as Error).message}`);
  }
}

/** A policy without a store of timestamp authorities wants none: the certificates have to be valid now. */
async function verifyTime(envelope: Envelope, chain: readonly Certificate[], now: Date, trust: PolicyTrust): Promise<void> {
  if (envelope.scheme === 'notary.x509.signingAuthority') return verifyValidity(chain, envelope.signingTime);
  const { trustStores, timestamps } = trust.statement;
  const isExpired = chain.some(({ notAfter }) => now > notAfter);
  if (!trustStores.some(({ type }) => type === 'tsa') || (timestamps === 'afterCertExpiry' && !isExpired))
    return verifyValidity(chain, now);
  const { timestamp, signature, algorithm, certificateChain } = envelope;
  if (timestamp === undefined) throw refused('no-timestamp', 'the trust policy wants a timestamp, and it has none');
  const { verifyTimestamp, verifySignedInTime } = await import('../timestamp/verification.ts');
  const trusted = await readStores('tsa', trust.statement, trust.stores);
  const verified = verifyTimestamp(timestamp, signature, algorithm, { trusted });
  verifySignedInTime(certificateChain, verified);
  verifyStatuses(await trust.checkRevocation(verified.certificateChain));
}

function verifyValidity(chain: readonly Certificate[], time: Date): void {
  const [broken] = chain.flatMap((certificate) => brokenByTime(certificate, time));
  if (broken !== undefined)
    throw refused('certificate-time', `at ${toTimeText(time)} the certificate "${broken.subject}" does not count: ${broken.problem}`);
}

async function verifyRevocation(envelope: Envelope, { checkRevocation }: PolicyTrust, isTrusted: boolean): Promise<void> {
  const signingTime = envelope.scheme === 'notary.x509' ? undefined : envelope.signingTime;
  verifyStatuses(await checkRevocation(envelope.certificateChain, { signingTime, isTrusted }));
}

function verifyStatuses(statuses: readonly RevocationStatus[]): void {
  const revoked = statuses.find(({ status }) => status === 'revoked');
  if (revoked !== undefined) throw refused('revoked', `its certificate "${revoked.subject}" is revoked${because(revoked.reason)}`);
  const unknown = statuses.find(({ status }) => status === 'unknown');
  if (unknown === undefined) return;
  throw signatureError(
    'revocation-unknown',
    `Cannot verify the signature: whether its certificate "${unknown.subject}" is revoked cannot be found out${because(unknown.reason)}`,
    'See that the addresses in the certificate can be reached from here, over http; or override revocation with log in the trust policy.',
  );
}

function because(reason: string | undefined): string {
  return reason === undefined ? '' : ` (${reason})`;
}

function refused(code: SignatureErrorCode, reason: string) {
  return signatureError(code, `Cannot verify the signature: ${reason}`, notOurs);
}

export const notOurs =
  'Do not trust the image on the strength of this signature; see who wrote it to the registry, and sign the image again.';
