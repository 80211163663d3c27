import type { JsonWebKey } from 'node:crypto';
import { type Claims, isSignedBy, parseToken } from '../json-web-token.ts';
import { type EntraError, entraErrors } from './error.ts';

/** A federated identity credential: whose tokens stand for the application. Compared exactly, case and all. */
export interface FederatedCredential {
  readonly issuer: string;
  readonly subject: string;
  /** Default `api://AzureADTokenExchange`. */
  readonly audience?: string;
}

/** https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations */
export const tokenExchangeAudience = 'api://AzureADTokenExchange';

/** Tolerated difference of clocks. */
const skewSeconds = 300;

/** What is wrong with a client assertion (RFC 7523, section 3), or undefined where it stands for the application. */
export async function findAssertionFault(
  assertion: string,
  credentials: readonly FederatedCredential[],
  now: Date,
  fetchKeys: (issuer: string) => Promise<readonly JsonWebKey[]>,
): Promise<EntraError | undefined> {
  const token = parseToken(assertion);
  if (token === undefined) {
    return entraErrors.malformedAssertion();
  }
  const { iss, sub, aud, nbf, exp } = token.claims;
  if (typeof iss !== 'string' || typeof sub !== 'string' || typeof aud !== 'string' || typeof exp !== 'number') {
    return entraErrors.malformedAssertion();
  }
  const mismatch = findMismatch({ iss, sub, aud }, credentials);
  if (mismatch !== undefined) {
    return mismatch;
  }
  const outOfTime = findTimeFault({ nbf, exp }, now);
  if (outOfTime !== undefined) {
    return outOfTime;
  }
  const keys = await fetchKeys(iss).catch(() => undefined);
  if (keys === undefined) {
    return entraErrors.issuerUnreachable();
  }
  return isSignedBy(token, keys) ? undefined : entraErrors.unsignedAssertion();
}

/** Whether an assertion is too old or not valid yet. */
export function findTimeFault({ nbf, exp }: Claims, now: Date): EntraError | undefined {
  const [from, to] = [typeof nbf === 'number' ? nbf : 0, Number(exp)];
  const seconds = now.getTime() / 1000;
  return seconds < from - skewSeconds || seconds > to + skewSeconds
    ? entraErrors.assertionOutOfTime(now, new Date(from * 1000), new Date(to * 1000))
    : undefined;
}

function findMismatch(
  { iss, sub, aud }: { readonly iss: string; readonly sub: string; readonly aud: string },
  credentials: readonly FederatedCredential[],
): EntraError | undefined {
  if (credentials.length === 0) {
    return entraErrors.noFederation(iss, sub, aud);
  }
  const ofIssuer = credentials.filter(({ issuer }) => issuer === iss);
  if (ofIssuer.length === 0) {
    return entraErrors.wrongIssuer(iss);
  }
  const ofSubject = ofIssuer.filter(({ subject }) => subject === sub);
  if (ofSubject.length === 0) {
    const differsInCase = ofIssuer.some(({ subject }) => subject.toLowerCase() === sub.toLowerCase());
    return differsInCase ? entraErrors.wrongSubjectCase(sub) : entraErrors.wrongSubject(sub);
  }
  return ofSubject.some(({ audience = tokenExchangeAudience }) => audience === aud) ? undefined : entraErrors.wrongAudience(aud);
}
