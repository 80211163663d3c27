import { constants, createHash, verify, type X509Certificate } from 'node:crypto';
import { parseToken, type Token } from '../json-web-token.ts';
import { findTimeFault } from './assertion.ts';
import { type EntraError, entraErrors } from './error.ts';

/** Whether an assertion was made by the application itself: then a certificate of its own has to verify it. */
export function isOwnAssertion(assertion: string, clientId: string): boolean {
  return parseToken(assertion)?.claims.iss === clientId;
}

/**
 * What is wrong with an assertion that an application signed with a certificate's key, or undefined where it holds.
 * https://learn.microsoft.com/entra/identity-platform/certificate-credentials
 */
export function findCertificateFault(
  assertion: string,
  {
    clientId,
    tokenUrls,
    certificates,
  }: { readonly clientId: string; readonly tokenUrls: readonly string[]; readonly certificates: readonly X509Certificate[] },
  now: Date,
): EntraError | undefined {
  const token = parseToken(assertion);
  if (
    token === undefined ||
    token.claims.sub !== clientId ||
    typeof token.claims.aud !== 'string' ||
    typeof token.claims.exp !== 'number'
  ) {
    return entraErrors.malformedAssertion();
  }
  if (!tokenUrls.includes(token.claims.aud)) {
    return entraErrors.assertionAudience(token.claims.aud);
  }
  const certificate = certificates.find((known) => isNamed(token, known));
  if (certificate === undefined) {
    return entraErrors.unknownKey(thumbprintOf(token), clientId);
  }
  // Not validFromDate and validToDate, which Node has from 22 on.
  const [from, to] = [new Date(certificate.validFrom), new Date(certificate.validTo)];
  if (!isSignedWith(token, certificate)) return entraErrors.wrongKey(thumbprintOf(token), from, to);
  if (to <= now) return entraErrors.expiredKey(thumbprintOf(token), from, to);
  return findTimeFault(token.claims, now);
}

/** `x5t#S256` and `x5t` of RFC 7515, sections 4.1.8 and 4.1.7. */
function isNamed({ header }: Token, certificate: X509Certificate): boolean {
  const hash = (name: 'sha1' | 'sha256') => createHash(name).update(certificate.raw).digest('base64url');
  return header['x5t#S256'] === undefined ? header.x5t === hash('sha1') : header['x5t#S256'] === hash('sha256');
}

/** As the service shows it: in hexadecimal digits. */
function thumbprintOf({ header }: Token): string {
  return Buffer.from(String(header['x5t#S256'] ?? header.x5t ?? ''), 'base64url')
    .toString('hex')
    .toUpperCase();
}

/** PS256 and RS256 (RFC 7518, sections 3.5 and 3.3). */
function isSignedWith({ header, signedText, signature }: Token, { publicKey }: X509Certificate): boolean {
  const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
  const key = header.alg === 'PS256' ? { key: publicKey, ...pss } : { key: publicKey };
  return (header.alg === 'PS256' || header.alg === 'RS256') && verify('sha256', Buffer.from(signedText), key, signature);
}
